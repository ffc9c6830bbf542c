"""A batch of messages becomes events in the store: kept in one transaction, then acknowledged; poison is set aside.

Nothing is acknowledged that is not in the store or among the dead letters. Where the store is away, a batch comes again
and no other is fetched until a growing pause is over; messages are never set aside for that.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from nats.aio.msg import Msg
from nats.errors import Error

from tip_serving.consumers.dead_letters import Envelope, envelope
from tip_serving.events.database import EventStoreError
from tip_serving.events.kinds import AnyEvent, PoisonError, decode
from tip_serving.events.store import EventStore, Kept, keep_each

_LOG = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
TELL_EVERY_S = 60.0


class Intake:
    """Takes the batches of one process, whichever stream they come from.

    Args:
        store: used by a thread of this intake alone.
        set_aside: publishes a dead letter and returns once it is stored.
    """

    def __init__(self, store: EventStore, set_aside: Callable[[Envelope], Awaitable[None]]) -> None:
        self._store = store
        self._set_aside = set_aside
        self._writer = ThreadPoolExecutor(1, "event-store")
        self._ending = asyncio.Event()
        self._n_failures = 0
        self._kept = Kept()
        self._n_dead = 0
        self._told_at = -TELL_EVERY_S

    async def take(self, messages: Sequence[Msg]) -> None:
        """Keep what the messages hold and acknowledge them; raises nothing."""
        events, poison = _sorted(messages)
        writing = asyncio.get_running_loop().run_in_executor(
            self._writer, keep_each, self._store, [event for _, event in events]
        )
        try:
            kept, refused = await writing
        except EventStoreError as error:
            await self._wait_for_store(messages, str(error))
            return
        except Exception:  # noqa: BLE001  a fault of ours must cost no event: the batch comes again to mended code
            _LOG.exception("A batch of %d messages could not be kept.", len(messages))
            await self._wait_for_store(messages, "a fault of this program")
            return
        self._n_failures = 0
        reasons = {id(event): reason for event, reason in refused}
        poison += [(message, reasons[id(event)]) for message, event in events if id(event) in reasons]
        try:
            left = await self._bury(poison)
            for message in messages:
                if id(message) not in left:
                    await message.ack()
        except Error as error:
            # What is not acknowledged comes again, and is known then.
            _LOG.warning("Acknowledgements did not leave: %s.", error)
        self._tell(kept, len(poison))

    async def end(self) -> None:
        """Wait for no store any more."""
        self._ending.set()

    async def close(self) -> None:
        """End the thread, once its batch is written, and say what was done."""
        await asyncio.to_thread(self._writer.shutdown)
        self._told_at = -TELL_EVERY_S
        self._tell(Kept(), 0)

    async def _bury(self, poison: Sequence[tuple[Msg, str]]) -> set[int]:
        """Set messages aside; the identities of those that could not be, which come again."""
        left = set()
        for message, reason in poison:
            try:
                await self._set_aside(envelope(message, reason, dt.datetime.now(dt.UTC)))
                _LOG.warning(
                    "Message %d of %s is set aside.", message.metadata.sequence.stream, message.metadata.stream
                )
            except (Error, TimeoutError) as error:
                _LOG.warning("A dead letter found no stream (%s); its message comes again.", type(error).__name__)
                await message.nak(delay=FIRST_PAUSE_S)
                left.add(id(message))
        return left

    async def _wait_for_store(self, messages: Sequence[Msg], reason: str) -> None:
        pause_s = min(FIRST_PAUSE_S * 2**self._n_failures, LONGEST_PAUSE_S)
        self._n_failures += 1
        _LOG.error("%d messages wait for %g s: %s", len(messages), pause_s, reason)
        with suppress(Error):
            for message in messages:
                await message.nak(delay=pause_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), pause_s)

    def _tell(self, kept: Kept, n_dead: int) -> None:
        self._kept, self._n_dead = self._kept.plus(kept), self._n_dead + n_dead
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            done = self._kept
            _LOG.info(
                "%d events kept, %d repeated, %d conflicting, %d of deleted people, %d messages set aside.",
                done.n_new, done.n_repeated, done.n_conflicting, done.n_erased, self._n_dead,
            )  # fmt: skip


def _sorted(messages: Sequence[Msg]) -> tuple[list[tuple[Msg, AnyEvent]], list[tuple[Msg, str]]]:
    """The messages that hold an event, and those that hold none, with the reason."""
    events, poison = [], []
    for message in messages:
        try:
            event = decode(message.data)
        except PoisonError as error:
            poison.append((message, str(error)))
            continue
        if event.subject == message.subject:
            events.append((message, event))
        else:
            poison.append((message, f"It came under {message.subject}, but is an event of {event.subject}."))
    return events, poison
