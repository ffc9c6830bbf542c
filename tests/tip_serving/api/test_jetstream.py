"""Events on their way into a real JetStream: stored once, kept by the disk while the broker is away, and sent on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import nats
import pytest
from nats.js.api import StreamConfig
from support.exposures import exposure
from support.nats_server import NatsServer, free_port
from support.terminal import wait_until

from tip_serving.api.jetstream import JetStream
from tip_serving.events import wal
from tip_serving.events.decision_log import DecisionLog, Message
from tip_serving.events.exposure import Exposure


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats", free_port())
    try:
        yield server
    finally:
        server.stop()


def _stored(server: NatsServer, stream: str = "TIP_EXPOSURES") -> list[bytes]:
    async def read() -> list[bytes]:
        client = await nats.connect(server.url)
        try:
            context = client.jetstream()
            n_messages = (await context.stream_info(stream)).state.messages
            return [(await context.get_msg(stream, number)).data or b"" for number in range(1, n_messages + 1)]
        finally:
            await client.close()

    return asyncio.run(read())


def _connected(server: NatsServer) -> JetStream:
    stream = JetStream(server.url, keep_days=30)
    wait_until(lambda: stream.is_connected, timeout=20)
    return stream


def test_events_are_stored_whole_and_in_order(broker: NatsServer, tmp_path: Path) -> None:
    broker.start()
    log = DecisionLog(tmp_path / "wal", 10_000, _connected(broker))
    events = [exposure() for _ in range(1500)]
    for event in events:
        log.append(event)
    state = log.close()
    assert (state.published, state.written, state.dropped) == (1500, 0, 0)
    assert [msgspec.json.decode(body, type=Exposure) for body in _stored(broker)] == events


def test_a_message_that_travels_twice_is_stored_once(broker: NatsServer) -> None:
    broker.start()
    stream = _connected(broker)
    message = Message("the-same", "exposures.score", b"{}")
    assert stream.publish([message]) == []
    assert stream.publish([message]) == []
    stream.close()
    assert _stored(broker) == [b"{}"]


def test_a_broker_that_is_killed_and_comes_back_has_every_event_in_the_end(broker: NatsServer, tmp_path: Path) -> None:
    broker.start()
    log = DecisionLog(tmp_path / "wal", 10_000, _connected(broker))
    events = [exposure() for _ in range(300)]
    for event in events[:100]:
        log.append(event)
    wait_until(lambda: log.state.published == 100, timeout=10)
    broker.stop()
    for event in events[100:200]:
        log.append(event)
    wait_until(lambda: log.state.written == 100, timeout=10)
    broker.start()
    for event in events[200:]:
        log.append(event)
    wait_until(lambda: log.state.published >= 300, timeout=20)
    log.close()
    ids = [msgspec.json.decode(body, type=Exposure).event_id for body in _stored(broker)]
    assert sorted(ids) == sorted(event.event_id for event in events)
    assert wal.finished(tmp_path / "wal") == []


def test_without_a_broker_the_disk_has_all_and_the_end_does_not_wait(broker: NatsServer, tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "wal", 100, JetStream(broker.url, keep_days=30))
    log.append(event := exposure())
    state = log.close(within_s=5)
    assert (state.written, state.dropped) == (1, 0)
    assert [found for path in wal.finished(tmp_path / "wal") for found in wal.read(path)] == [event]


def test_a_stream_that_somebody_declared_otherwise_stands(broker: NatsServer) -> None:
    broker.start()

    async def declare() -> None:
        client = await nats.connect(broker.url)
        await client.jetstream().add_stream(StreamConfig(name="TIP_EXPOSURES", subjects=["exposures.*"], max_msgs=7))
        await client.close()

    asyncio.run(declare())
    stream = _connected(broker)
    assert stream.publish([Message(str(n), "exposures.score", b"{}") for n in range(10)]) == []
    stream.close()
    assert len(_stored_last(broker)) == 7


def _stored_last(server: NatsServer) -> range:
    async def span() -> range:
        client = await nats.connect(server.url)
        try:
            state = (await client.jetstream().stream_info("TIP_EXPOSURES")).state
            return range(state.first_seq, state.last_seq + 1)
        finally:
            await client.close()

    return asyncio.run(span())


def test_what_no_stream_listens_to_is_given_back(broker: NatsServer) -> None:
    broker.start()
    stream = _connected(broker)
    stray = Message("stray", "nobody.listens", b"{}")
    assert stream.publish([Message("good", "exposures.score", b"{}"), stray]) == [stray]
    stream.close()
    assert _stored(broker) == [b"{}"]
