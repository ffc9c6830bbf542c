"""Consumers as processes of their own, a home with a real broker, and what publishes events to it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import nats
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import Header
from support.nats_server import NatsServer, free_port
from support.terminal import Terminal, wait_until

from tip_serving.consumers.declared import Terms, setup
from tip_serving.events.kinds import AnyEvent, encode
from tip_serving.events.store import EventStore, open_store
from tip_serving.settings import Settings

ROOT = Path(__file__).parents[2]
_T = TypeVar("_T")


@dataclass
class Site:
    """One broker, one event store, and consumers between them."""

    home: Path
    ack_wait_s: float = 2.0
    consumers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        """The broker is not started yet."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.broker = NatsServer(self.home / "nats", free_port())

    @property
    def terminal(self) -> Terminal:
        """A terminal whose settings name the broker."""
        return Terminal(self.home, {"TIP_NATS_URL": self.broker.url, "TIP_ACK_WAIT_S": str(self.ack_wait_s)})

    def store(self) -> EventStore:
        """A connection to the event store; the caller closes it."""
        return open_store(Settings(tip_home=self.home))

    def count(self) -> int:
        """Events in the store."""
        store = self.store()
        try:
            return sum(store.counts().values())
        finally:
            store.close()

    def set_up(self) -> None:
        """Start the broker and make streams and consumers."""
        self.broker.start()
        self.ask(lambda context: setup(context, Terms(keep_days=180, ack_wait_s=self.ack_wait_s)))

    def start(self, *, is_dying: bool = False) -> "subprocess.Popen[bytes]":
        """A further consumer; a dying one is killed between its first commit and the acknowledgement."""
        module = "support.dying_consumer" if is_dying else "tip_serving.consumers"
        environment = {**self.terminal._environment, "PYTHONPATH": str(ROOT / "tests")}
        with (self.home / f"consumer-{len(self.consumers)}.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", module], env=environment, stderr=log, cwd=ROOT)
        self.consumers.append(process)
        return process

    def logs(self) -> str:
        """What all consumers said."""
        return "\n".join(path.read_text() for path in sorted(self.home.glob("consumer-*.log")))

    def stop(self) -> None:
        """End all that runs."""
        for process in self.consumers:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
        self.broker.stop()

    def ask(self, act: Callable[[JetStreamContext], Awaitable[_T]]) -> _T:
        """What `act` returns, given the broker."""

        async def run() -> _T:
            client = await nats.connect(self.broker.url)
            try:
                return await act(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(run())

    def publish(self, events: Sequence[AnyEvent], *, with_ids: bool = True) -> None:
        """Publish until the broker has each; without ids it takes a repetition for a message of its own."""
        asyncio.run(_publish(self.broker.url, events, with_ids=with_ids))

    def wait_for(self, n_events: int, timeout: float = 60.0) -> None:
        """Until the store has so many events and nothing is left to acknowledge."""

        async def is_drained(context: JetStreamContext) -> bool:
            left = [await context.consumers_info(name) for name in ("TIP_EXPOSURES", "TIP_FEEDBACK", "TIP_SIGNALS")]
            return not any(info.num_pending or info.num_ack_pending for found in left for info in found)

        wait_until(lambda: self.count() >= n_events and self.ask(is_drained), timeout)


async def _publish(url: str, events: Sequence[AnyEvent], *, with_ids: bool) -> None:
    client = await nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.2, error_cb=_silent)
    context = client.jetstream(timeout=2)
    left = list(events)
    while left:
        batch, left = left[:500], left[500:]
        try:
            sent = [
                (event, await context.publish_async(event.subject, encode(event), headers=_headers(event, with_ids)))
                for event in batch
            ]
        except Error:
            left = batch + left
            await asyncio.sleep(0.2)
            continue
        await asyncio.wait([answer for _, answer in sent], timeout=2)
        for event, answer in sent:
            if not answer.done() or answer.exception() is not None:
                answer.cancel()
                left.append(event)  # later than its place: one more reordering
    await client.close()


def _headers(event: AnyEvent, with_ids: bool) -> dict[str, str] | None:
    return {Header.MSG_ID.value: event.event_id} if with_ids else None


async def _silent(_: Exception) -> None:
    """The broker is meant to go away."""
