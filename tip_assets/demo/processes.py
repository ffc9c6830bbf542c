"""The programs that a demo runs with: started as their operators start them, and started again when they die.

    <home>/run/lock         held by the driver that lives
               <name>.json  which process runs under that name; a driver that finds one of a dead driver ends it first
    <home>/logs/<name>.log  what the program says

Programs are ended by process id. What they had taken over when they died is what the demo is about: nothing of it may
be lost.
"""

import fcntl
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from pydantic import ValidationError

from tip_serving import settings
from tip_serving.bench.leases import ProcessName, machine_name

LOOK_S = 0.1
STARTS_WITHIN_S = 120.0
_ENDS_WITHIN_S = 20.0
_MOST_DEATHS = 8  # in a row, before one that had become ready: something is wrong with the program itself
_LAST_LINES = 15


class ProgramError(Exception):
    """A program that does not come up."""


@dataclass(frozen=True)
class Program:
    """One program of the demo."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool] = field(compare=False)


@dataclass
class _Running:
    program: Program
    process: "subprocess.Popen[bytes]"
    has_been_ready: bool = False
    n_deaths_in_a_row: int = 0


@dataclass
class Fleet:
    """The programs under way, watched by a thread of their own.

    Args:
        home: of the demo.
    """

    home: Path
    n_restarts: dict[str, int] = field(default_factory=dict)
    """By name, how often a program was started again."""
    _running: dict[str, _Running] = field(default_factory=dict)
    _fault: str | None = None
    _ending: threading.Event = field(default_factory=threading.Event)
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def start(self, program: Program) -> None:
        """Start a program, and wait until it is ready. Raises ProgramError."""
        self.replace(program)
        self.wait_ready(program.name)

    def replace(self, program: Program) -> None:
        """Have a program run in the place of the one of its name, which is ended, or in none where there is none."""
        with self._changing:
            running = self._running.get(program.name)
            if running is not None:
                _end(running.process.pid)
                running.process.wait()
            else:
                self._end_leftover(program.name)
            self._running[program.name] = _Running(program, self._spawned(program))

    def wait_ready(self, name: str) -> None:
        """Wait until the program is ready, again if need be. Raises ProgramError."""
        end = time.monotonic() + STARTS_WITHIN_S
        while True:
            self.check()
            running = self._running[name]
            if running.process.poll() is None and running.program.is_ready():
                running.has_been_ready, running.n_deaths_in_a_row = True, 0
                return
            if time.monotonic() > end:
                raise ProgramError(f"{name} is not ready after {STARTS_WITHIN_S:.0f} s.\n{self._tail(name)}")
            time.sleep(LOOK_S)

    def wait_all(self) -> None:
        """Wait until every program is ready. Raises ProgramError."""
        for name in list(self._running):
            self.wait_ready(name)

    def program(self, name: str) -> Program | None:
        """What runs under this name; None where nothing does."""
        running = self._running.get(name)
        return None if running is None else running.program

    def check(self) -> None:
        """Raise ProgramError where a program could not be kept alive."""
        if self._fault is not None:
            raise ProgramError(self._fault)

    def watch(self) -> None:
        """Start what dies again, until the fleet is ended."""
        while not self._ending.wait(LOOK_S):
            with self._changing:
                for running in self._running.values():
                    if running.process.poll() is not None and self._fault is None:
                        self._revive(running)

    def end(self) -> None:
        """End everything, the last program first."""
        self._ending.set()
        with self._changing:
            self._end_all()

    def _end_all(self) -> None:
        for running in reversed(self._running.values()):
            _end(running.process.pid)
            running.process.wait()
            self._record(running.program.name).unlink(missing_ok=True)

    def _revive(self, running: _Running) -> None:
        name = running.program.name
        running.n_deaths_in_a_row += 1
        if running.n_deaths_in_a_row > _MOST_DEATHS:
            code = running.process.returncode
            self._fault = f"{name} ends again and again, now with exit code {code}.\n{self._tail(name)}"
            return
        self.n_restarts[name] = self.n_restarts.get(name, 0) + 1
        running.process = self._spawned(running.program)

    def _spawned(self, program: Program) -> "subprocess.Popen[bytes]":
        log = self.home / "logs" / f"{program.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as said:
            process = subprocess.Popen(  # noqa: S603  programs of ours
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the driver alone, which then ends the others in order
                env=settings.child_environment(**program.environment),
            )
        with suppress(psutil.NoSuchProcess):
            name = ProcessName(
                machine=machine_name(), pid=process.pid, started=psutil.Process(process.pid).create_time()
            )
            record = self._record(program.name)
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(name.model_dump_json(), encoding="utf-8")
        return process

    def _end_leftover(self, name: str) -> None:
        record = self._record(name)
        with suppress(FileNotFoundError, ValidationError):
            there = ProcessName.model_validate_json(record.read_text(encoding="utf-8"))
            if there.machine == machine_name() and not there.is_dead():
                _end(there.pid)
        record.unlink(missing_ok=True)

    def _record(self, name: str) -> Path:
        return self.home / "run" / f"{name}.json"

    def _tail(self, name: str) -> str:
        log = self.home / "logs" / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
        return "\n".join(f"  {line}" for line in lines)


@contextmanager
def fleet(home: Path) -> Iterator[Fleet]:
    """A fleet with nothing in it yet; everything that is started is ended again.

    Raises:
        ProgramError: another driver is at work here.
    """
    with _alone(home):
        made = Fleet(home)
        watching = threading.Thread(target=made.watch, name="watch", daemon=True)
        watching.start()
        try:
            yield made
        finally:
            made.end()
            watching.join()


def server(port: int, **environment: str) -> Program:
    """The server of tips."""
    command = (sys.executable, "-m", "tip_serving", "--port", str(port))
    return Program("server", command, environment, lambda: answers(f"http://127.0.0.1:{port}/readyz"))


def consumers(**environment: str) -> Program:
    """What brings events into the store. It takes up what waits whenever it is there, so it is ready at once."""
    return Program("consumers", (sys.executable, "-m", "tip_serving.consumers"), environment, lambda: True)


def broker(home: Path, port: int) -> Program | None:
    """A NATS server with JetStream; None where none is installed."""
    program = shutil.which("nats-server")
    if program is None:
        return None
    command = (program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(home / "jetstream"))
    return Program("nats-server", command, {}, lambda: _listens(port))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether something answers at `url` and says that it is well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own http addresses
            return bool(answer.status == 200)  # noqa: PLR2004  OK
    except (urllib.error.URLError, OSError):
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(pid: int) -> None:
    """Ask a process to end, children too, and kill what does not."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), parent]
        parent.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family, timeout=_ENDS_WITHIN_S)
        for member in left:
            with suppress(psutil.NoSuchProcess):
                member.kill()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    path = home / "run" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProgramError(f"Another demo is at work in {home}. Wait for it, or choose another --home.") from None
        yield
