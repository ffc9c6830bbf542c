"""Whoever is killed, and whether there is a broker or none, a demo goes on and ends as it would have."""

import datetime as dt
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.terminal import ROOT

from tip_assets.demo.plan import FIRST_DAY
from tip_serving.bench.leases import ProcessName
from tip_serving.events.database import Sqlite
from tip_serving.events.kinds import Kind, encode
from tip_serving.events.store import EventStore
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.scoring import manifest

_FROM_OUTSIDE = re.compile(r"^(TIP_|DAGSTER|MLFLOW|OPENAI|AWS_|LITELLM)")
SMALL = ("--seed", "5", "--days", "3", "--people", "40")
WITHIN_S = 280
PROGRAMS = ("server", "consumers", "nats-server")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Demo:
    """One demo of a home, begun as often as need be."""

    def __init__(self, home: Path, *, has_broker: bool) -> None:
        self.home = home
        self._environment = {name: value for name, value in os.environ.items() if not _FROM_OUTSIDE.match(name)}
        if not has_broker:
            self._environment["PATH"] = str(Path(sys.executable).parent)  # where no nats-server lies

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tip_serving", "demo", "--home", str(self.home), *SMALL]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log, cwd=ROOT)

    @property
    def _log(self) -> Path:
        return self.home.with_suffix(".log")

    def to_its_end(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.wait(WITHIN_S) == 0, self._log.read_text()

    def pid(self, program: str) -> int | None:
        """Of a program that runs now."""
        with suppress(FileNotFoundError, ValueError):
            found = ProcessName.model_validate_json((self.home / "run" / f"{program}.json").read_text())
            return None if found.is_dead() else found.pid
        return None

    def clean_up(self) -> None:
        for program in PROGRAMS:
            if (pid := self.pid(program)) is not None:
                with suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).kill()

    @property
    def events(self) -> dict[str, bytes]:
        """Every event by its id; none came twice with different bodies."""
        days = [FIRST_DAY + dt.timedelta(days=number) for number in range(-20, 8)]
        with closing(EventStore(Sqlite(self.home / "events.db"))) as store:
            found = {
                event.event_id: encode(event)
                for kind, day in itertools.product(Kind, days)
                for event in store.events(kind, day)
            }
            assert len(found) == sum(store.counts().values())
            assert store.n_conflicts() == 0
        return found

    @property
    def released(self) -> bytes:
        """The manifest as it lies there."""
        return Lake(str(self.home / "lake")).read(layout.released_manifest())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that nobody touched, of a machine without a broker."""
    demo = Demo(tmp_path_factory.mktemp("undisturbed") / "demo", has_broker=False)
    process = demo.start()
    try:
        demo.to_its_end(process)
        yield demo
    finally:
        process.kill()
        process.wait()
        demo.clean_up()


def test_an_undisturbed_demo_ends_with_its_page_and_leaves_no_program_behind(undisturbed: Demo) -> None:
    page = (undisturbed.home / "demo.html").read_text()
    assert "3 days with 40 people" in page
    assert "Leads the board of the bench" in page
    assert not re.search(r"(?:src|href)=.?https?:", page)
    assert all(undisturbed.pid(program) is None for program in PROGRAMS)
    assert not list((undisturbed.home / "wal").glob("*.jsonl"))
    released = manifest.parse(undisturbed.released)
    assert released.live[0].name == "default"
    assert released.live[1].prompt_policy is not None


def test_the_same_command_again_changes_nothing(undisturbed: Demo) -> None:
    before, page = undisturbed.events, (undisturbed.home / "demo.html").read_bytes()
    undisturbed.to_its_end(undisturbed.start())
    assert undisturbed.events == before
    assert (undisturbed.home / "demo.html").read_bytes() == page


def test_killed_anywhere_it_ends_with_the_same_events_and_the_same_release(undisturbed: Demo, tmp_path: Path) -> None:
    if shutil.which("nats-server") is None:
        pytest.skip("nats-server is not installed (Debian: apt-get install nats-server)")
    demo = Demo(tmp_path / "demo", has_broker=True)
    rng = np.random.default_rng(int(os.environ.get("TIP_TEST_SEED", "0")))
    victims = ["driver", *PROGRAMS, "driver", *rng.permutation([*PROGRAMS, "driver"])]
    process = demo.start()
    try:
        for victim in victims:
            time.sleep(rng.uniform(2.0, 7.0))
            if process.poll() is not None:
                break
            pid = process.pid if victim == "driver" else demo.pid(victim)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            if victim == "driver":
                process.wait()
                process = demo.start()
        demo.to_its_end(process)
        mine, theirs = demo.events, undisturbed.events
        assert mine.keys() == theirs.keys()
        assert mine == theirs
        assert demo.released == undisturbed.released
    finally:
        process.kill()
        process.wait()
        demo.clean_up()
