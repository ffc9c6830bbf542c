"""A real redis-server on a free loopback port that keeps nothing on disk; it can be killed, frozen and started."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import pytest
import redis
from support.nats_server import free_port, listens
from support.terminal import wait_until


@dataclass
class RedisServer:
    """One server; what it holds is gone when it stops."""

    directory: str
    port: int
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it listens; skips the test where the program is not installed."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
        command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", self.directory]
        self.process = subprocess.Popen([*command, *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(self.port), timeout=20)

    def send(self, what: signal.Signals) -> None:
        """Send a signal, SIGSTOP say."""
        assert self.process is not None
        self.process.send_signal(what)

    def stop(self) -> None:
        """Kill it, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextmanager
    def client(self) -> "Iterator[redis.Redis]":
        """A client of its own, for what no writer of ours would put there."""
        with redis.Redis.from_url(self.url) as opened:
            yield opened


@contextmanager
def running(*options: str) -> Iterator[RedisServer]:
    """A server that runs; its port stays the same when it is stopped and started again."""
    with TemporaryDirectory(prefix="tip-redis-") as directory:
        server = RedisServer(directory, free_port(), options)
        server.start()
        try:
            yield server
        finally:
            server.stop()
