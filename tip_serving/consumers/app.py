"""The consumers as one application: a durable batch subscriber per stream, ended in an orderly way.

Several processes share the durables. Without a broker the server's write-ahead files are imported instead.
"""

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from faststream import AckPolicy, FastStream
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.subscriber.usecases.stream_pull_subscriber import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from nats.errors import Error

from tip_serving.consumers.connection import CONNECT_S, connected, servers
from tip_serving.consumers.dead_letters import Envelope
from tip_serving.consumers.declared import Terms, setup
from tip_serving.consumers.fetching import Pull
from tip_serving.consumers.intake import Intake
from tip_serving.events.database import EventStoreError
from tip_serving.events.importing import import_files
from tip_serving.events.store import EventStore
from tip_serving.events.streams import CONSUMER, DEAD_LETTERS, STREAMS, StreamDeclaration
from tip_serving.settings import Settings

if TYPE_CHECKING:
    from faststream.message import StreamMessage

_LOG = logging.getLogger(__name__)
_LIBRARY_LOG = logging.getLogger("tip-consumers")  # FastStream's own words

BATCH = 1_000
GATHER_S = 0.5  # a batch that does not fill up leaves after this
GRACE_S = 20.0  # for the batch under way; orchestrators kill after 30 s
LOOK_EVERY_S = 5.0


def terms(chosen: Settings) -> Terms:
    """What the settings say of streams and consumers."""
    return Terms(chosen.tip_retention_days, chosen.tip_ack_wait_s)


async def run(chosen: Settings, store: EventStore) -> None:
    """Bring events into the store until SIGTERM or Ctrl-C."""
    if chosen.tip_nats_url is None:
        await _import_files(chosen, store)
        return
    await _prepare(chosen, chosen.tip_nats_url)
    await application(chosen.tip_nats_url, store).run(log_level=logging.DEBUG)


def application(url: str, store: EventStore) -> FastStream:
    """The subscribers of all streams, which must be there."""
    broker = NatsBroker(
        servers(url),
        name="tip-consumers",
        apply_types=False,
        connect_timeout=CONNECT_S,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        graceful_timeout=GRACE_S,
        drain_timeout=CONNECT_S,
        error_cb=_on_fault,
        reconnected_cb=_on_return,
        logger=_LIBRARY_LOG,
        log_level=logging.DEBUG,
    )

    async def set_aside(letter: Envelope) -> None:
        await broker.publish(
            letter.body, letter.subject, headers=letter.headers, stream=DEAD_LETTERS.name, timeout=CONNECT_S
        )

    intake = Intake(store, set_aside)
    subscribers = [_subscriber(broker, declared, intake) for declared in STREAMS]

    async def subscribe() -> None:
        """In the place of nats-py's subscriptions; FastStream makes none where there is one."""
        await broker.connect()
        for subscriber in subscribers:
            pulling = Pull(subscriber.connection, subscriber.stream.name, CONSUMER)
            subscriber.subscription = pulling  # type: ignore[assignment] # has what is used of it

    async def consume() -> None:
        for subscriber in subscribers:
            subscriber.add_task(subscriber._consume_pull)  # noqa: SLF001  what FastStream does after it subscribed

    return FastStream(
        broker,
        logger=_LIBRARY_LOG,
        on_startup=[subscribe],
        after_startup=[consume],
        on_shutdown=[intake.end],
        after_shutdown=[intake.close],
    )


def _subscriber(broker: NatsBroker, declared: StreamDeclaration, intake: Intake) -> BatchPullStreamSubscriber:
    (subject,) = declared.subjects
    subscriber = broker.subscriber(
        subject,
        stream=JStream(declared.name, declare=False),
        durable=CONSUMER,
        pull_sub=PullSub(BATCH, GATHER_S, batch=True),
        ack_policy=AckPolicy.MANUAL,
        decoder=_as_they_came,
    )

    @subscriber
    async def take(messages: list[Msg]) -> None:
        await intake.take(messages)

    return subscriber


async def _as_they_came(batch: "StreamMessage[list[Msg]]") -> list[Msg]:
    """Batches are decoded by the intake, which knows what to do with poison."""
    return batch.raw_message


async def _on_fault(error: Exception) -> None:
    _LOG.warning("The connection to the broker has a fault: %s: %s", type(error).__name__, error)


async def _on_return() -> None:
    _LOG.warning("The broker is back.")


async def _prepare(chosen: Settings, url: str) -> None:
    """Wait for the broker, create what is missing and tell what differs."""
    while True:
        try:
            async with connected(url) as context:
                findings = await setup(context, terms(chosen))
        except (Error, OSError, TimeoutError) as error:
            _LOG.warning("The broker does not answer (%s: %s); asking again.", type(error).__name__, error)
            await asyncio.sleep(1.0)
            continue
        for finding in findings:
            for difference in finding.differences:
                _LOG.warning("%s is not as declared: %s.", finding.name, difference)
        return


async def _import_files(chosen: Settings, store: EventStore) -> None:
    ending = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, ending.set)
    _LOG.info("No broker is set; files of %s are imported.", chosen.wal_directory)
    while not ending.is_set():
        try:
            await asyncio.to_thread(_import_once, chosen, store)
        except (EventStoreError, OSError) as error:
            _LOG.error("Files wait: %s", error)
        try:
            await asyncio.wait_for(ending.wait(), LOOK_EVERY_S)
        except TimeoutError:
            continue


def _import_once(chosen: Settings, store: EventStore) -> None:
    for done in import_files(store, chosen.wal_directory):
        _LOG.info("%s: %d events kept, %d lines set aside.", done.path.name, done.kept.n_new, done.n_refused)


def configure_logs(level: str) -> None:
    """Lines on stderr; libraries speak up from warnings on, FastStream from errors on: its warnings are tracebacks."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("tip_serving").setLevel(level.upper())
    _LIBRARY_LOG.setLevel(logging.ERROR)
