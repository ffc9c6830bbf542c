"""How much one request may take and how many there may be, with uvicorn where connections matter."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tip_serving.api import connections
from tip_serving.api.connections import Connection
from tip_serving.api.limits import BackPressure, WholeBody


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    assert not message.get("more_body")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def _called(app: ASGIApp, *pieces: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> list[Message]:
    """What the application sends for a body that comes in these pieces."""
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "path": "/", "headers": list(headers)}, receive, send)
    return sent


def _limited(app: ASGIApp, **changes: float) -> WholeBody:
    given: dict[str, Any] = {"max_bytes": 10, "within_s": 5.0, "answer_within_s": 5.0, **changes}
    return WholeBody(app, **given)


def test_a_body_in_pieces_reaches_the_application_whole() -> None:
    sent = asyncio.run(_called(_limited(_echo), b"abc", b"", b"defg"))
    assert [message.get("body") for message in sent] == [None, b"abcdefg"]


@pytest.mark.parametrize("pieces", [(b"x" * 11,), (b"x" * 6, b"y" * 5), (b"x" * 6, b"y" * 6, b"z")])
def test_one_byte_too_many_is_refused_before_the_application_runs(pieces: tuple[bytes, ...]) -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("it ran")

    sent = asyncio.run(_called(_limited(never), *pieces))
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_body_that_is_announced_too_large_is_not_even_read() -> None:
    sent = asyncio.run(_called(_limited(_echo), headers=((b"content-length", b"11"),)))
    assert sent[0]["status"] == 413


def test_a_caller_who_leaves_before_the_body_is_whole_gets_nothing() -> None:
    async def left(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("it ran")

    assert asyncio.run(_called(_limited(left))) == []


def test_an_application_that_takes_too_long_is_ended_and_the_caller_told() -> None:
    ended = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("yes")

    sent = asyncio.run(_called(_limited(slow, answer_within_s=0.05), b"{}"))
    assert sent[0]["status"] == 504
    assert ended == ["yes"]


def test_an_answer_that_has_begun_is_not_followed_by_a_second_one() -> None:
    async def stuck(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(30)

    with pytest.raises(TimeoutError):
        asyncio.run(_called(_limited(stuck, answer_within_s=0.05), b"{}"))


def test_a_timeout_of_the_applications_own_is_not_taken_for_ours() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(_called(_limited(fails), b"{}"))


def _bounded(app: ASGIApp, max_waiting: int) -> BackPressure:
    body = _limited(app)
    return BackPressure(body, max_waiting, frozenset({"/livez"}), body)


def test_behind_any_server_requests_inside_are_bounded() -> None:
    async def run() -> list[int]:
        release = asyncio.Event()

        async def waits(scope: Scope, receive: Receive, send: Send) -> None:
            await release.wait()
            await _echo(scope, receive, send)

        app = _bounded(waits, 3)
        calls = [asyncio.create_task(_called(app, b"")) for _ in range(10)]
        await asyncio.sleep(0.01)
        release.set()
        return [sent[0]["status"] for sent in await asyncio.gather(*calls)]

    assert sorted(asyncio.run(run())) == [200] * 3 + [503] * 7


@asynccontextmanager
async def _served(app: ASGIApp) -> AsyncIterator[int]:
    """The application on a free port, with our connections."""
    config = uvicorn.Config(app, port=0, http=Connection, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]  # pytest keeps its own
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


class _no_signals:  # noqa: N801  stands for a method
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def _talk(port: int, *said: bytes, pause: float = 0.0) -> bytes:
    """Say this, piece by piece, and hear until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    hearing = asyncio.create_task(reader.read())
    for piece in said:
        if hearing.done():
            break
        writer.write(piece)
        await asyncio.sleep(pause)
    heard = await asyncio.wait_for(hearing, 20)
    writer.close()
    return heard


_GET = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"


def test_beyond_the_queue_callers_are_told_when_to_come_again_and_probes_are_answered() -> None:
    async def run() -> tuple[list[bytes], bytes]:
        async def busy(scope: Scope, receive: Receive, send: Send) -> None:
            time.sleep(0.005)  # noqa: ASYNC251  the worker computes
            await asyncio.sleep(0.2)
            await _echo(scope, receive, send)

        async with _served(_bounded(busy, 5)) as port:
            calls = [asyncio.create_task(_talk(port, _GET)) for _ in range(30)]
            await asyncio.sleep(0.1)
            probe = await _talk(port, _GET.replace(b"GET /", b"GET /livez"))
            return list(await asyncio.gather(*calls)), probe

    heard, probe = asyncio.run(run())
    statuses = [int(answer.split()[1]) for answer in heard]
    assert set(statuses) == {200, 503}
    assert 5 <= statuses.count(200) < 30
    refused = next(answer for answer in heard if answer.startswith(b"HTTP/1.1 503"))
    assert b"retry-after: 1" in refused
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["status"] == 503
    assert probe.startswith(b"HTTP/1.1 200")


def test_bodies_on_their_way_do_not_fill_the_queue() -> None:
    async def run() -> bytes:
        async with _served(_bounded(_echo, 5)) as port:
            slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
            for _, writer in slow:
                writer.write(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n")
            await asyncio.sleep(0.1)
            heard = await _talk(port, _GET)
            for _, writer in slow:
                writer.close()
            return heard

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.3)


def _status_and_seconds(act: Callable[[int], Any]) -> tuple[bytes, float]:
    async def run() -> tuple[bytes, float]:
        async with _served(_echo) as port:
            began = time.monotonic()
            heard = await act(port)
            return heard, time.monotonic() - began

    return asyncio.run(run())


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_says_nothing_is_closed() -> None:
    heard, seconds = _status_and_seconds(_talk)
    assert heard.startswith(b"HTTP/1.1 408")
    assert 0.25 < seconds < 5


@pytest.mark.usefixtures("impatient")
def test_a_head_that_drips_is_refused_however_often_a_byte_comes() -> None:
    lines = [b"GET / HTTP/1.1\r\n", *[b"X-A: 1\r\n"] * 50]
    heard, seconds = _status_and_seconds(lambda port: _talk(port, *lines, pause=0.1))
    assert heard.startswith(b"HTTP/1.1 408")
    assert seconds < 4


@pytest.mark.usefixtures("impatient")
def test_a_second_request_on_a_connection_has_as_little_time() -> None:
    whole = _GET.replace(b"Connection: close\r\n", b"")
    heard, _ = _status_and_seconds(lambda port: _talk(port, whole, b"GET / HT", pause=0.1))
    assert heard.count(b"HTTP/1.1 200") == 1
    assert b"HTTP/1.1 408" in heard
    heard, _ = _status_and_seconds(lambda port: _talk(port, whole, b"\r\n", pause=0.1))
    assert heard.count(b"HTTP/1.1 200") == 1
    assert b"HTTP/1.1 408" in heard


@pytest.mark.usefixtures("impatient")
def test_an_idle_connection_between_requests_may_stay() -> None:
    whole = _GET.replace(b"Connection: close\r\n", b"")
    heard, _ = _status_and_seconds(lambda port: _talk(port, whole, b"", whole, _GET, pause=0.5))
    assert heard.count(b"HTTP/1.1 200") == 3
    assert b"408" not in heard


def test_a_head_beyond_its_size_is_refused() -> None:
    endless = [b"GET / HTTP/1.1\r\n", *[b"X-A: " + b"a" * 10_000 + b"\r\n"] * 8]
    heard, _ = _status_and_seconds(lambda port: _talk(port, *endless, pause=0.01))
    assert heard.startswith(b"HTTP/1.1 431")
