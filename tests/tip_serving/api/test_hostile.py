"""What nobody should send: an answer or a clean refusal to each of it, and afterwards the server serves as before."""

import json
import socket
import time
from collections.abc import Iterator

import pytest
from support.released import ask
from support.serving import Serving, serving

BODY_TIMEOUT_S = 1.5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("hostile"), TIP_BODY_TIMEOUT_S=str(BODY_TIMEOUT_S)) as running:
        yield running
        assert running.process.poll() is None
        assert [line for line in running.log if line["level"] == "error"] == []


@pytest.fixture(autouse=True)
def _serves_on(server: Serving) -> Iterator[None]:
    yield
    assert server.post("/score", ask()).status == 200


def _with(**fields: object) -> bytes:
    return ask(**fields)


DEEP = b"[" * 100_000 + b"]" * 100_000
_SURROGATE = b'{"user": "u", "candidates": ["\\ud800"]}'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b"{", 422),
        (b"\x00\xff\xfe", 422),
        (b'{"user": "u", "candidates": ["a"]} trailing', 422),
        (DEEP, 422),
        (b'{"user": "u", "candidates": ["a"], "profile_features": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, 422),
        (_SURROGATE, 422),
        (b'{"user": "u", "candidates": ["a"], "profile_features": {"completion_rate": NaN}}', 422),
        (b'{"user": "u", "candidates": ["a"], "profile_features": {"completion_rate": Infinity}}', 422),
        (b'{"user": "u", "candidates": ["a"], "profile_features": {"completion_rate": 1e999}}', 422),
        (b'{"user": "u", "candidates": ["a"], "profile_features": {"tips_7d": ' + b"9" * 5000 + b"}}", 422),
        (b'{"user": "u", "candidates": ["a"], "profile_features": {"tips_7d": -0.0}}', 200),
        (b'{"user": "u", "user": "v", "candidates": ["a"]}', 200),
        (_with(now="9999-12-31T23:59:59+00:00"), 200),
        (_with(now="0001-01-01T00:00:00+14:00"), 200),
        (_with(profile_features={"time_zone": "Mars/Olympus"}), 422),
        (_with(profile_features={"time_zone": "../../../etc/passwd"}), 422),
        (_with(candidates=["👩‍👩‍👧‍👦" * 100, "\u202eright to left\u202c", "e\u0301" * 200, "\u0000"]), 200),
        (_with(user="🦄" * 50), 200),
        (_with(user="u" * 100_000), 422),
        (_with(candidates=["a"] * 100_000), 422),
        (_with(candidates=[]), 422),
        (_with(tasks=[{"id": str(n), "content": "x" * 100} for n in range(500)]), 200),
        (_with(**{f"unknown_{n}": n for n in range(1000)}), 422),
    ],
    ids=range(26),
)
def test_an_odd_body_is_answered_or_refused_with_its_faults(server: Serving, body: bytes, status: int) -> None:
    answer = server.post("/score", body)
    assert answer.status == status, answer.body[:500]
    assert len(answer.body) < 100_000
    if status == 422:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["faults"]


def test_a_body_of_ten_megabytes_is_refused_whether_announced_or_not(server: Serving) -> None:
    huge = b"x" * 10_000_000
    assert _status(_raw(server, _head(len(huge)) + huge[:1000])) == 413
    chunked = b"POST /score HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = b"".join(b"%x\r\n%s\r\n" % (100_000, b"y" * 100_000) for _ in range(100)) + b"0\r\n\r\n"
    assert _status(_raw(server, chunked + pieces)) in {413, None}  # the answer, or a connection that was shut


def test_a_body_that_never_comes_is_given_up(server: Serving) -> None:
    began = time.monotonic()
    assert _status(_raw(server, _head(100) + b'{"user"')) == 408
    assert BODY_TIMEOUT_S <= time.monotonic() - began < BODY_TIMEOUT_S + 5


def test_a_body_that_drips_in_time_is_answered(server: Serving) -> None:
    body = ask()
    with server.connect() as connection:
        connection.sendall(_head(len(body)))
        for start in range(0, len(body), 60):
            connection.sendall(body[start : start + 60])
            time.sleep(0.01)
        assert _status(connection.recv(65_536)) == 200


def test_many_slow_senders_keep_nobody_else_waiting(server: Serving) -> None:
    slow = [server.connect() for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(_head(100))
        began = time.monotonic()
        assert server.post("/score", ask()).status == 200
        assert time.monotonic() - began < 1
    finally:
        for connection in slow:
            connection.close()


def test_a_caller_who_closes_half_the_connection_or_all_of_it_harms_nobody(server: Serving) -> None:
    body = ask()
    with server.connect() as connection:
        connection.sendall(_head(len(body)) + body)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65_536)  # an answer or none
    for n_bytes in (0, 10, len(body)):
        with server.connect() as connection:
            connection.sendall(_head(len(body)) + body[:n_bytes])


def test_a_head_without_end_is_refused(server: Serving) -> None:
    endless = b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * 300_000
    assert _status(_raw(server, endless)) == 431


def test_what_is_no_http_is_refused(server: Serving) -> None:
    assert _status(_raw(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n")) == 400


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"99999999999999999999999", b"abc"])
def test_a_length_that_is_none_is_refused(server: Serving, length: bytes) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: t\r\nContent-Length: " + length + b"\r\n\r\n{}"
    assert _status(_raw(server, head)) in {400, 413}


def test_requests_in_one_packet_are_answered_one_after_the_other(server: Serving) -> None:
    body = ask()
    with server.connect() as connection:
        connection.sendall((_head(len(body)) + body) * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            piece = connection.recv(65_536)
            assert piece, received
            received += piece


def test_methods_and_paths_that_are_none_are_refused_as_problems(server: Serving) -> None:
    assert server.get("/score").status == 405
    for path in ("/", "/score/", "/%2e%2e/etc/passwd", "/score%00", "/" + "a" * 5000):
        answer = server.post(path, b"{}")
        assert answer.status in {404, 307}, path
    assert json.loads(server.get("/nothing").body)["title"] == "Not Found"


def _head(length: int) -> bytes:
    return b"POST /score HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length


def _raw(server: Serving, data: bytes) -> bytes:
    """What comes back before the server closes, or nothing where it shuts the door in one's face."""
    with server.connect() as connection:
        received = b""
        try:
            connection.sendall(data)
            while piece := connection.recv(65_536):
                received += piece
        except OSError:
            pass
        return received


def _status(answer: bytes) -> int | None:
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/") else None
