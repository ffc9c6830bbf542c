"""A running admin process with people and experiments in it, and a wire to it that can be cut.

Names of models, tasks, tips and failures hold markup and programs: wherever they are shown, they must stay text.
"""

import datetime as dt
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from playwright import sync_api
from support import bench

from tip_serving import settings as environment
from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.database import SESSIONS
from tip_serving.admin.service.users import Role
from tip_serving.bench import results
from tip_serving.bench.identity import Cell, needs
from tip_serving.bench.results import CallFailure
from tip_serving.bench.spec import Spec
from tip_serving.bench.store import candidate_row
from tip_serving.bench.workshop import Workshop
from tip_serving.generation.model import Completion
from tip_serving.prompts import registry
from tip_serving.scenarios import sets
from tip_serving.scenarios.model import Scenario, Situation, Task
from tip_serving.settings import Settings

PASSWORD = "plenty of quiet walnuts"  # noqa: S105  of people who exist in tests alone
PEOPLE = {"root": Role.ADMIN, "ana": Role.JUDGE, "ben": Role.JUDGE, "vera": Role.VIEWER}
HOSTILE = "tip-bench-hostile"
MARKUP = '<img src=x onerror="window.hit=1">'
SCRIPT = "</script><script>window.hit=2</script>"
EXPRESSION = "{{ constructor.constructor('window.hit=3')() }}"
HOSTILE_MODEL = "openai/<img src=x onerror=window.hit=4>"
_STARTS_WITHIN_S = 60.0

Enter = Callable[..., sync_api.Page]
"""Signs somebody in and leads them to a path."""


@dataclass
class Site:
    """An admin process at its address."""

    home: Path
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    place: Workshop = field(init=False)

    def __post_init__(self) -> None:
        self.place = bench.workshop(self.home)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def end_sessions(self) -> None:
        """End every session, as the passing of time would."""
        with self.opened() as admin, admin.database.engine.begin() as connection:
            connection.execute(sa.update(SESSIONS).values(expires_at=0.0))

    @contextmanager
    def opened(self) -> Iterator[Admin]:
        """The same installation, as another process sees it."""
        admin = Admin.open(Settings(tip_home=self.home))
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def running(home: Path, *, with_people: bool = True, **settings: str) -> Iterator[Site]:
    """`python -m tip_serving.admin` on a free port, ready; `settings` are variables of its environment."""
    if with_people:
        admin = Admin.open(Settings(tip_home=home))
        for name, role in PEOPLE.items():
            admin.accounts.add(name, role, PASSWORD, None)
        admin.close()
    port, log = free_port(), home / "admin.log"
    home.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "tip_serving.admin", "--host", "127.0.0.1", "--port", str(port)],
            env=environment.child_environment(TIP_HOME=str(home), **settings),
            cwd=home,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, port, log)
        yield Site(home, port, process, log)
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
            return
        time.sleep(0.1)
    raise AssertionError(f"not ready within {_STARTS_WITHIN_S} s:\n{log.read_text()}")


def hostile(place: Workshop) -> Spec:
    """A ranked experiment of which one cell failed, with hostile texts wherever a stranger's text can stand."""
    now = dt.datetime(2026, 3, 5, 9, 24, tzinfo=dt.UTC)
    lists = [Task(id=str(i), content=f"{SCRIPT} {EXPRESSION} {i}", project=MARKUP) for i in range(12)]
    scenarios = [Scenario.of(Situation(now=now, tasks=(task,)), "imported") for task in lists]
    sets.save_set(place.lake, "hostile", scenarios)
    asked = bench.create(
        place,
        experiment=HOSTILE,
        models=["embedded/first", "embedded/planner", HOSTILE_MODEL],
        scenarios="hostile",
        n_scenarios=12,
    )
    for model in asked.models[:2]:
        for prompt in asked.prompts:
            _write(place, asked, Cell(model, prompt), 12)
    _write(place, asked, Cell(HOSTILE_MODEL, "v1"), 12)
    _write(place, asked, Cell(HOSTILE_MODEL, "v2"), 5)
    place.judge_automatically(HOSTILE)
    place.import_scores(HOSTILE)
    place.rank(HOSTILE)
    return asked


def _write(place: Workshop, asked: Spec, cell: Cell, n: int) -> None:
    """The first `n` candidates of a cell, as a model might write that means harm; the others fail."""
    prompt = registry.get(cell.prompt)
    wanted = needs(asked, cell, prompt, place.scenarios(asked.experiment))
    segment = place.store.open_segment(cell)
    for number, need in enumerate(wanted[:n]):
        opening = "Begin with the first small step of task" if (number + len(cell.model)) % 3 else "Do not forget"
        text = f"{opening} {number} for {5 * number + 5} minutes, as cell {len(cell.key)} says. {MARKUP} {EXPRESSION}"
        completion = Completion(text, "stop", 20.0 + number, 100, 20, 0.001, 1)
        segment.append(candidate_row(cell, prompt.content_hash, need, completion, asked.experiment))
    segment.close()
    failures = [CallFailure(scenario_id=need.scenario_id, sample_index=0, kind="refusal", message=f"refused {MARKUP}")
                for need in wanted[n:]]  # fmt: skip
    results.finish(place.store, asked.experiment, cell, prompt.content_hash, wanted, failures, len(wanted), None, None)


class Wire:
    """A way to a server that can be cut and mended; browsers are sent to its port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self._changing = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where browsers go."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Nothing passes any more, and what was open is closed."""
        with self._changing:
            self._is_cut = True
            for end in self._ends:
                _close(end)
            self._ends.clear()

    def mend(self) -> None:
        """New connections pass again."""
        self._is_cut = False

    def close(self) -> None:
        """Listen no more."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                with self._changing:
                    if self._is_cut:
                        _close(near)
                        continue
                    far = socket.create_connection(("127.0.0.1", self._target))
                    self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    _close(one)
    _close(other)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
