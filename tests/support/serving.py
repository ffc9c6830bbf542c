"""The server as its operators start it: processes of its own on a free loopback port, ended by their ids."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from support.nats_server import free_port
from support.terminal import _FROM_OUTSIDE, ROOT, wait_until

from tip_serving.events import wal


@dataclass
class Answer:
    """One answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Serving:
    """A running server."""

    home: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it has said so far, line by line."""
        return [json.loads(line) for line in (self.home / "server.log").read_bytes().splitlines()]

    @property
    def events(self) -> list[wal.AnyEvent]:
        """What lies in finished write-ahead files."""
        return [event for path in wal.finished(self.home / "wal") for event in wal.read(path)]

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that answer, where there are several."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # one that has just died has no command line any more
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self._answer(urllib.request.Request(self.url + path, headers=headers))  # noqa: S310  loopback

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        """POST."""
        given = {"Content-Type": "application/json", **headers}
        return self._answer(urllib.request.Request(self.url + path, body, given))  # noqa: S310  loopback

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and say its exit code."""
        self.process.send_signal(how)
        return self.process.wait(30)

    def _answer(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  loopback
                return Answer(answer.status, dict(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers.items()), error.read())


@contextmanager
def serving(home: Path, *arguments: str, routes: str = "score", **environment: str) -> Iterator[Serving]:
    """A server that is ready; with what is in the lake of `home`."""
    clean = {name: value for name, value in os.environ.items() if not _FROM_OUTSIDE.match(name)}
    port = free_port()
    command = [sys.executable, "-m", "tip_serving", "--port", str(port), "--routes", routes, *arguments]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**clean, "TIP_HOME": str(home), **environment}, stdout=log, stderr=log, cwd=ROOT
        )
    found = Serving(home, port, process)
    try:
        wait_until(lambda: process.poll() is not None or is_ready(found), timeout=60)
        assert process.poll() is None, (home / "server.log").read_text()
        yield found
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        for member in (*family, process):
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait()


def is_ready(found: Serving) -> bool:
    """Whether it says so itself."""
    try:
        return found.get("/readyz").status == 200
    except OSError:
        return False
