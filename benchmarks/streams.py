"""Events through JetStream into the event store, against a bare nats-py loop that only fetches and acknowledges.

Starts a nats-server of its own, publishes a mixture of exposures, feedback and signals, and brings the same messages
through both, in turns. Prints events per second of each round and the ratio of the medians.

    .venv/bin/python benchmarks/streams.py [--events 60000] [--rounds 3] [--store sqlite:///file|postgresql://...]
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nats
import numpy as np
from nats.js.api import ConsumerConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.events import life
from support.nats_server import free_port, listens

from tip_serving.consumers.app import BATCH, GATHER_S, application
from tip_serving.consumers.declared import Terms, setup
from tip_serving.events.kinds import AnyEvent, encode
from tip_serving.events.store import EventStore, Kept, open_store
from tip_serving.events.streams import CONSUMER, STREAMS
from tip_serving.settings import Settings

TERMS = Terms(keep_days=1, ack_wait_s=30.0)


class Watched:
    """A store that tells when it has so many events."""

    def __init__(self, store: EventStore, n_events: int) -> None:
        self._store, self._n_left = store, n_events
        self.loop = asyncio.get_running_loop()
        self.is_full = asyncio.Event()

    def keep(self, events: Sequence[AnyEvent]) -> Kept:
        """As the store; called in the thread of the intake."""
        kept = self._store.keep(events)
        self._n_left -= kept.n_new
        if self._n_left <= 0:
            self.loop.call_soon_threadsafe(self.is_full.set)
        return kept


async def publish(url: str, events: Sequence[AnyEvent]) -> None:
    """Fill the streams."""
    client = await nats.connect(url)
    context = client.jetstream(publish_async_max_pending=2_000)
    sent = [await context.publish_async(event.subject, encode(event)) for event in events]
    await asyncio.gather(*sent)
    await client.close()


async def bare(url: str, name: str) -> None:
    """Fetch and acknowledge what lies in the streams, all three at once."""

    async def drain(stream: str) -> None:
        reader = await context.pull_subscribe(">", name, stream, ConsumerConfig(max_ack_pending=20_000))
        n_left = (await reader.consumer_info()).num_pending or 0
        while n_left > 0:
            messages = await reader.fetch(min(BATCH, n_left), timeout=GATHER_S)
            for message in messages:
                await message.ack()
            n_left -= len(messages)

    client = await nats.connect(url)
    context = client.jetstream()
    await asyncio.gather(*(drain(declared.name) for declared in STREAMS))
    await client.flush()
    await client.close()


async def consumers(url: str, store: EventStore, n_events: int) -> None:
    """Bring what lies in the streams into the store, as `python -m tip_serving.consumers` does."""
    watched = Watched(store, n_events)
    running = application(url, watched)  # type: ignore[arg-type]
    await running.start()
    await watched.is_full.wait()
    await running.stop()


async def reset(url: str) -> None:
    """Have the consumers begin at the beginning."""
    client = await nats.connect(url)
    context = client.jetstream()
    for declared in STREAMS:
        await context.delete_consumer(declared.name, CONSUMER)
    await setup(context, TERMS)
    await client.close()


def rounds(url: str, directory: Path, n_events: int, n_rounds: int, address: str | None) -> None:
    """Measure both in turns and print the figures."""

    async def prepare() -> None:
        client = await nats.connect(url)
        await setup(client.jetstream(), TERMS)
        await client.close()

    asyncio.run(prepare())
    asyncio.run(publish(url, life(n_events, np.random.default_rng(1))))
    figures: dict[str, list[float]] = {"bare nats-py": [], "event store": []}
    for number in range(n_rounds):
        started = time.perf_counter()
        asyncio.run(bare(url, f"bare-{number}"))
        figures["bare nats-py"].append(n_events / (time.perf_counter() - started))
        asyncio.run(reset(url))
        store = open_store(Settings(tip_event_store=address or f"sqlite:///{directory}/round-{number}.db"))
        started = time.perf_counter()
        asyncio.run(consumers(url, store, n_events))
        figures["event store"].append(n_events / (time.perf_counter() - started))
        store.close()
        print("  ".join(f"{name} {rates[-1]:8,.0f} events/s" for name, rates in figures.items()))
    medians = {name: statistics.median(rates) for name, rates in figures.items()}
    ratio = medians["event store"] / medians["bare nats-py"]
    print(f"medians: {medians['event store']:,.0f} against {medians['bare nats-py']:,.0f} events/s, ratio {ratio:.2f}")


def main() -> None:
    """Start a broker and measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=60_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--store", help="an empty database; only with --rounds 1")
    chosen = options.parse_args()
    program = shutil.which("nats-server") or sys.exit("nats-server is not installed")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", f"{folder}/nats"]
        broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not listens(port):
                time.sleep(0.05)
            rounds(f"nats://127.0.0.1:{port}", Path(folder), chosen.events, chosen.rounds, chosen.store)
        finally:
            broker.terminate()
            broker.wait()


if __name__ == "__main__":
    main()
