"""The streams and durable consumers as a broker should have them: created where they are missing, compared where not.

What somebody declared otherwise is told and left as it is, unless asked to mend it.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from tip_serving.events.streams import CONSUMER, DEAD_LETTERS, STREAMS, StreamDeclaration

MAX_ACK_PENDING = 20_000  # of all processes together: 20 batches under way
_DAY_S = 86_400.0
_STREAM_FIELDS = ("description", "subjects", "storage", "max_age", "duplicate_window")
_CONSUMER_FIELDS = ("ack_policy", "ack_wait", "deliver_policy", "max_deliver", "max_ack_pending")


class Terms(NamedTuple):
    """What the declarations leave to the settings."""

    keep_days: int
    ack_wait_s: float


class State(StrEnum):
    """How a stream or consumer was found."""

    CREATED = "created"
    AS_DECLARED = "as declared"
    DIFFERS = "differs"
    MENDED = "mended"


class Finding(NamedTuple):
    """One stream or consumer, with what differs from its declaration."""

    name: str
    state: State
    differences: tuple[str, ...] = ()


async def setup(context: JetStreamContext, terms: Terms, *, mends: bool = False) -> list[Finding]:
    """Create what is missing; every stream and consumer as it was found.

    Args:
        context: of the broker.
        terms: of the settings.
        mends: bring what differs to its declaration.

    Raises:
        nats.errors.Error: the broker is away, or refuses (a storage cannot be changed, say).
    """
    streams = [await _stream(context, declared, terms, mends=mends) for declared in (*STREAMS, DEAD_LETTERS)]
    return streams + [await _consumer(context, declared.name, terms, mends=mends) for declared in STREAMS]


async def _stream(context: JetStreamContext, declared: StreamDeclaration, terms: Terms, *, mends: bool) -> Finding:
    wanted = StreamConfig(
        name=declared.name,
        description=declared.meaning,
        subjects=list(declared.subjects),
        storage=StorageType.FILE,
        max_age=terms.keep_days * _DAY_S,
        duplicate_window=declared.duplicate_window_s,
    )
    try:
        found = (await context.stream_info(declared.name)).config
    except NotFoundError:
        await context.add_stream(wanted)
        return Finding(declared.name, State.CREATED)
    differences = _differences(found, wanted, _STREAM_FIELDS)
    if not differences:
        return Finding(declared.name, State.AS_DECLARED)
    if not mends:
        return Finding(declared.name, State.DIFFERS, differences)
    await context.update_stream(replace(found, **{name: getattr(wanted, name) for name in _STREAM_FIELDS}))
    return Finding(declared.name, State.MENDED, differences)


async def _consumer(context: JetStreamContext, stream: str, terms: Terms, *, mends: bool) -> Finding:
    name = f"{stream}/{CONSUMER}"
    wanted = ConsumerConfig(
        durable_name=CONSUMER,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=terms.ack_wait_s,
        deliver_policy=DeliverPolicy.ALL,
        max_deliver=-1,  # a store that is away for a day must cost no event; poison leaves by the dead letters
        max_ack_pending=MAX_ACK_PENDING,
    )
    try:
        found = (await context.consumer_info(stream, CONSUMER)).config
    except NotFoundError:
        await context.add_consumer(stream, wanted)
        return Finding(name, State.CREATED)
    differences = _differences(found, wanted, _CONSUMER_FIELDS)
    if not differences:
        return Finding(name, State.AS_DECLARED)
    if not mends:
        return Finding(name, State.DIFFERS, differences)
    await context.add_consumer(stream, replace(found, **{field: getattr(wanted, field) for field in _CONSUMER_FIELDS}))
    return Finding(name, State.MENDED, differences)


def _differences(found: object, wanted: object, fields: Sequence[str]) -> tuple[str, ...]:
    pairs = [(field, getattr(found, field), getattr(wanted, field)) for field in fields]
    return tuple(f"{field}: found {here!r}, declared {there!r}" for field, here, there in pairs if here != there)
