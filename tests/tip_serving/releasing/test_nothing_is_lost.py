"""Death and haste: whoever dies at any write is made good for, and of two at once one decides."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.releases import QUICK, START, House

from tip_serving.events.database import Sqlite
from tip_serving.events.store import EventStore
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.journal import Journal, JournalError, append, read_journal
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.serving import manifest_of, publish
from tip_serving.releasing.state import Phase, state
from tip_serving.releasing.step import StepKind
from tip_serving.training.cards.keeping import read_card

ROOT = Path(__file__).parents[3]
LOOKS = (0, 30, 70, 110)
"""Hours after START at which somebody looks; people live for ten hours after each."""
SOON = QUICK.model_copy(update={
    "stages": (0.5, 1.0), "min_decisions_per_stage": 50,
    "guardrails": QUICK.guardrails.model_copy(
        update=dict.fromkeys(("reward", "early_reward", "dismissed", "errors", "slow"), 0.6)
    ),
})  # fmt: skip


class KilledError(BaseException):
    """The process ends here."""


class DyingLake(Lake):
    """A lake whose process dies just before its n-th write, which is just after the one before."""

    def __init__(self, url: str, last: int) -> None:
        super().__init__(url)
        self.left = last

    def _dying(self, write: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0:
            raise KilledError
        return write()

    def write(self, path: str, data: bytes) -> None:
        self._dying(lambda: super(DyingLake, self).write(path, data))

    def swap(self, path: str, data: bytes, expected: str | None) -> str:
        version: str = self._dying(lambda: super(DyingLake, self).swap(path, data, expected))
        return version


def lived(house: House, lake: Lake) -> str:
    """A whole release, looked at in LOOKS, or what is left of it; its proposal."""
    made = propose(lake, house.candidate().candidate_id, "ada", START, SOON)
    for hours in LOOKS:
        marker, now = f"lived/{hours}", START + dt.timedelta(hours=hours)
        if house.lake.exists(marker):
            continue
        advance_all(lake, house.sources, now)
        house.live(now + dt.timedelta(hours=0.1), 10, 240, n_users=120)
        house.lake.write(marker, b"")
    return made.proposal_id


def told(house: House, proposal: str) -> list[Any]:
    """All that must be as if nothing had happened."""
    steps = state(house.lake, proposal).steps
    cards = [read_card(house.lake, *pair).history for pair in house.candidate().cards.items()]
    return [[(step.kind, step.at, step.reason) for step in steps], house.manifest, cards, house.registry.aliases]


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 13])
def test_whoever_dies_at_any_write_is_made_good_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the power stays on, and there are thousands of writes
    calm = House(tmp_path / "calm")
    undisturbed = told(calm, lived(calm, calm.lake))
    assert undisturbed[0][-1][0] is StepKind.FINISHED
    deaths = 0
    for nth in range(1, 199, every):
        house = House(tmp_path / f"{nth}")
        try:
            lived(house, DyingLake(house.lake.url, nth))
        except KilledError:
            deaths += 1
            proposal = lived(house, house.lake)
            assert told(house, proposal) == undisturbed, f"death at write {nth}"
            house.store.close()
            continue
        break
    assert deaths * every > 45


def test_of_many_who_look_at_once_each_step_is_taken_by_one(tmp_path: Path) -> None:
    house = House(tmp_path)
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, QUICK)
    advance_all(house.lake, house.sources, START)
    house.live(START, 10, 300)
    now, gate, faults = START + dt.timedelta(hours=20), threading.Barrier(6), []

    def look() -> None:
        store = EventStore(Sqlite(tmp_path / "events.db"))
        try:
            gate.wait()
            advance_all(Lake(house.lake.url), house.with_sources(events=store), now)
        except Exception as error:  # noqa: BLE001  told below
            faults.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    steps = state(house.lake, made.proposal_id).steps
    assert Counter(step.kind for step in steps).most_common(1)[0][1] == 1
    assert [step.number for step in read_journal(house.lake).steps] == list(range(1, 6))
    assert house.manifest == manifest_of(read_journal(house.lake))


def test_who_read_older_steps_never_serves_what_they_said(tmp_path: Path) -> None:
    house = House(tmp_path)
    propose(house.lake, house.candidate().candidate_id, "ada", START, QUICK)
    advance_all(house.lake, house.sources, START)
    journal = read_journal(house.lake)
    late, newer = Lake(house.lake.url), []

    def meanwhile(path: str) -> Any:
        found = Lake.read_versioned(late, path)
        if not newer:  # the slow one has looked at the manifest; now another goes a step further
            fields = {"proposal_id": journal.on_turn, "kind": StepKind.WITHDRAWN, "at": START, "by": "a", "reason": ""}
            newer.append(append(house.lake, journal, **fields))
            publish(house.lake)
        return found

    late.read_versioned = meanwhile  # type: ignore[method-assign]
    publish(late)
    assert house.manifest.version.endswith("-3")


def test_two_who_append_the_same_number_are_told_apart(tmp_path: Path) -> None:
    house = House(tmp_path)
    fields = {"proposal_id": "p", "kind": StepKind.WITHDRAWN, "at": START, "by": "a", "reason": ""}
    append(house.lake, Journal(()), **fields)
    with pytest.raises(Exception, match="was written by somebody else"):
        append(house.lake, Journal(()), **fields)


def test_a_gap_and_a_damaged_step_are_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    fields = {"proposal_id": "p", "kind": StepKind.WITHDRAWN, "at": START, "by": "a", "reason": ""}
    for _ in range(3):
        append(house.lake, read_journal(house.lake), **fields)
    house.lake.delete(layout.release_step(2))
    with pytest.raises(JournalError, match=r"have a gap: .*000002\.json is missing"):
        read_journal(house.lake)
    house.lake.write(layout.release_step(2), b'{"number": 2}')
    with pytest.raises(JournalError, match=r"000002\.json is no step of a release: proposal_id: Field required"):
        read_journal(house.lake)


_ONE_PROCESS = """
import datetime as dt, os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from support.releases import House, START
from tip_serving.lake.storage import Lake
from tip_serving.releasing.advancing import advance_all

writes = int(sys.argv[3])
for name in ("write", "swap"):
    def dying(self, *arguments, real=getattr(Lake, name), **named):
        global writes
        done = real(self, *arguments, **named)
        writes -= 1
        if writes == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    setattr(Lake, name, dying)
house = House(Path(sys.argv[2]))
advance_all(house.lake, house.sources, START + dt.timedelta(hours=20))
print("done")
"""


@pytest.mark.slow
def test_processes_that_are_killed_leave_what_the_next_one_finishes(tmp_path: Path) -> None:
    house = House(tmp_path)
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, QUICK)
    advance_all(house.lake, house.sources, START)
    house.live(START, 10, 300)
    for nth in range(1, 30):
        done = subprocess.run(
            [sys.executable, "-c", _ONE_PROCESS, str(ROOT / "tests"), str(tmp_path), str(nth)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert nth > 3, "nobody was killed"
    found = state(house.lake, made.proposal_id)
    assert found.phase is Phase.ROLLOUT
    assert [step.number for step in found.steps] == [1, 2, 3, 4, 5]
    assert house.manifest == manifest_of(read_journal(house.lake))
    assert [entry.event for entry in read_card(house.lake, "tip-reward-model", "reward-1").history][1:] == [
        "release begun", "release gate passed", "release shadow passed", "release approved", "release stage 10%"
    ]  # fmt: skip
