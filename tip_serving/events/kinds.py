"""All events by kind, and their one form as JSON: what is equal as an event is equal byte by byte."""

from enum import StrEnum

import msgspec

from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback
from tip_serving.events.signal import AnySignal

AnyEvent = Exposure | Feedback | AnySignal

_decoder = msgspec.json.Decoder(AnyEvent)
_encoder = msgspec.json.Encoder()


class Kind(StrEnum):
    """What an event tells of; each has a stream, a table and a folder in the lake."""

    EXPOSURE = "exposures"
    FEEDBACK = "feedback"
    SIGNAL = "signals"


class PoisonError(ValueError):
    """Bytes that are no event, however often they are tried."""


def kind_of(event: AnyEvent) -> Kind:
    """The kind of an event."""
    if isinstance(event, Exposure):
        return Kind.EXPOSURE
    return Kind.FEEDBACK if isinstance(event, Feedback) else Kind.SIGNAL


def decode(body: bytes) -> AnyEvent:
    """The event in `body`.

    Raises:
        PoisonError: it holds none that is known here.
    """
    try:
        event: AnyEvent = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PoisonError(f"{error}") from None
    return event


def encode(event: AnyEvent) -> bytes:
    """The event as JSON, its fields in declared order."""
    return _encoder.encode(event)
