"""A load generator for one route: closed loop, or open loop with latency from the scheduled time. Prints JSON.

In a process of its own, on plain sockets: what it measures is the server, and it costs a tenth of what that does.

    .venv/bin/python benchmarks/score_load.py PORT PATH BODIES closed --connections 32 --seconds 5
    .venv/bin/python benchmarks/score_load.py PORT PATH BODIES open --rate 500 --connections 64 --seconds 10

BODIES is a file with one JSON body a line, sent in turn.
"""

import argparse
import asyncio
import json
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, cast

import numpy as np
import uvloop

DRAIN_S = 5.0  # for answers that are still on their way at the end


class Caller(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._received = b""
        self._since: float | None = None
        self._transport = cast("asyncio.WriteTransport", None)  # until the connection is made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes, since: float) -> None:
        """Send one request, whose latency counts from `since`."""
        self._since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        received = self._received + data
        head, found, body = received.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            self._received = received
            return
        self._received = b""
        since, self._since = self._since or time.perf_counter(), None
        self._load.answered(self, int(received[9:12]), since)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell that the server closed."""
        self._load.lost(is_under_way=self._since is not None)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError(f"An answer without a length: {head!r}")


class Load:
    """What is sent, and what came back."""

    def __init__(self, requests: list[bytes], *, is_open: bool) -> None:
        self._requests = requests
        self._is_open = is_open
        self._idle: deque[Caller] = deque()
        self._due: deque[float] = deque()
        self._n_sent = 0
        self._is_over = False
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.began = self.last = 0.0

    def answered(self, caller: Caller, status: int, since: float) -> None:
        """Note one answer; the connection takes the next request."""
        self.last = time.perf_counter()
        self.latencies.append(self.last - since)
        self.statuses[str(status)] += 1
        if self._is_open:
            self._idle.append(caller)
            self._send_due()
        elif not self._is_over:
            caller.send(self._next(), self.last)

    def lost(self, *, is_under_way: bool) -> None:
        """Note a connection that the server closed; outside of a request it is a fault as well."""
        if is_under_way or not self._is_over:
            self.statuses["lost"] += 1

    async def run(self, port: int, connections: int, seconds: float, rate: float) -> None:
        """Send for so long, and wait for the last answers."""
        loop = asyncio.get_running_loop()
        callers = [
            (await loop.create_connection(lambda: Caller(self), "127.0.0.1", port))[1] for _ in range(connections)
        ]
        self.began = time.perf_counter()
        if self._is_open:
            self._idle.extend(callers)
            await self._schedule(seconds, rate)
        else:
            for caller in callers:
                caller.send(self._next(), time.perf_counter())
            await asyncio.sleep(seconds)
        self._is_over = True
        for _ in range(int(DRAIN_S / 0.01)):
            if sum(self.statuses.values()) >= self._n_sent + len(self._due):
                break
            await asyncio.sleep(0.01)
        self.statuses["unanswered"] += self._n_sent + len(self._due) - sum(self.statuses.values())

    async def _schedule(self, seconds: float, rate: float) -> None:
        """Requests fall due evenly, whether or not the server keeps up."""
        n_planned = int(seconds * rate)
        n_due = 0
        while n_due < n_planned:
            now = time.perf_counter()
            while n_due < n_planned and self.began + n_due / rate <= now:
                self._due.append(self.began + n_due / rate)
                n_due += 1
            self._send_due()
            await asyncio.sleep(max(0.0, self.began + n_due / rate - time.perf_counter()))

    def _send_due(self) -> None:
        while self._due and self._idle:
            self._idle.popleft().send(self._next(), self._due.popleft())

    def _next(self) -> bytes:
        request = self._requests[self._n_sent % len(self._requests)]
        self._n_sent += 1
        return request

    def report(self) -> dict[str, Any]:
        """Figures of the run; latencies in milliseconds."""
        p50, p99, p999 = np.percentile(self.latencies or [float("nan")], [50, 99, 99.9]) * 1e3
        n_good = self.statuses["200"]
        return {
            "n": len(self.latencies),
            "per_s": n_good / (self.last - self.began) if n_good else 0.0,
            "p50_ms": p50,
            "p99_ms": p99,
            "p999_ms": p999,
            "errors": {status: n for status, n in self.statuses.items() if status != "200" and n},
        }


def main() -> None:
    """Run one load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("bodies", type=Path)
    parser.add_argument("loop", choices=["open", "closed"])
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=500.0)
    asked = parser.parse_args()
    requests = [_request(asked.path, body) for body in asked.bodies.read_bytes().splitlines()]
    load = Load(requests, is_open=asked.loop == "open")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load.run(asked.port, asked.connections, asked.seconds, asked.rate))
    print(json.dumps(load.report()))


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: tips\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    main()
