"""Dead letters: messages that are no event, set aside with the reason until somebody mends, replays or drops them.

A dead letter lies under `dead.<subject>` with the body as it came. Its headers say why and from where; the message's
own headers are kept among them as JSON.
"""

import datetime as dt
import json
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import Header, RawStreamMsg
from nats.js.errors import NotFoundError

from tip_serving.consumers.walking import walk
from tip_serving.events.streams import DEAD_LETTERS

_PREFIX = "dead."
_REASON, _STREAM, _SEQUENCE = "Tip-Reason", "Tip-Stream", "Tip-Sequence"
_DELIVERIES, _AT, _HEADERS = "Tip-Deliveries", "Tip-At", "Tip-Headers"
_REASON_CHARACTERS = 500


class Envelope(NamedTuple):
    """What is published for a message that is set aside."""

    subject: str
    headers: dict[str, str]
    body: bytes


class DeadLetter(NamedTuple):
    """One message that was set aside."""

    sequence: int
    """Its number among the dead letters."""
    subject: str
    """That it came under, and is replayed under."""
    reason: str
    stream: str
    stream_sequence: int
    n_deliveries: int
    at: dt.datetime
    """When it was set aside."""
    headers: dict[str, str]
    """Its own."""
    body: bytes


class NoDeadLetterError(LookupError):
    """There is no dead letter of this number."""


def envelope(message: Msg, reason: str, at: dt.datetime) -> Envelope:
    """What to publish for a message; published twice within the stream's window it is stored once."""
    told = message.metadata
    headers = {
        _REASON: " ".join(reason.split())[:_REASON_CHARACTERS],
        _STREAM: told.stream,
        _SEQUENCE: str(told.sequence.stream),
        _DELIVERIES: str(told.num_delivered),
        _AT: at.isoformat(),
        _HEADERS: json.dumps(dict(message.headers or {})),
        Header.MSG_ID.value: f"dead:{told.stream}:{told.sequence.stream}",
    }
    return Envelope(_PREFIX + message.subject, headers, message.data)


async def listed(context: JetStreamContext) -> AsyncIterator[DeadLetter]:
    """All dead letters, the oldest first."""
    async for message in walk(context, DEAD_LETTERS.name):
        yield _letter(message.metadata.sequence.stream, message.subject, message.headers or {}, message.data)


async def found(context: JetStreamContext, sequence: int) -> DeadLetter:
    """The dead letter of this number. Raises NoDeadLetterError."""
    try:
        message: RawStreamMsg = await context.get_msg(DEAD_LETTERS.name, sequence)
    except NotFoundError:
        raise NoDeadLetterError(
            f"There is no dead letter {sequence}; `tip streams dead list` shows those there are."
        ) from None
    return _letter(sequence, message.subject or "", message.headers or {}, message.data or b"")


async def replay(context: JetStreamContext, letter: DeadLetter, body: bytes | None = None) -> None:
    """Send a message once more under its own subject, and drop its dead letter.

    It travels under an id of its own: the stream still knows the old one and would take it for a repetition.

    Args:
        context: of the broker.
        letter: to replay.
        body: to send instead of the body that it came with.
    """
    headers = {**letter.headers, Header.MSG_ID.value: f"replay:{letter.sequence}:{letter.at.isoformat()}"}
    await context.publish(letter.subject, letter.body if body is None else body, headers=headers)
    await drop(context, letter.sequence)


async def drop(context: JetStreamContext, sequence: int) -> None:
    """Delete a dead letter, its bytes too. Raises NoDeadLetterError."""
    await found(context, sequence)
    await context.delete_msg(DEAD_LETTERS.name, sequence)


def _letter(sequence: int, subject: str, headers: Mapping[str, str], body: bytes) -> DeadLetter:
    return DeadLetter(
        sequence=sequence,
        subject=subject.removeprefix(_PREFIX),
        reason=headers.get(_REASON, ""),
        stream=headers.get(_STREAM, ""),
        stream_sequence=int(headers.get(_SEQUENCE, 0)),
        n_deliveries=int(headers.get(_DELIVERIES, 0)),
        at=dt.datetime.fromisoformat(headers[_AT]) if _AT in headers else dt.datetime.min.replace(tzinfo=dt.UTC),
        headers=json.loads(headers.get(_HEADERS, "{}")),
        body=body,
    )
