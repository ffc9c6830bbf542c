"""Leases: one worker a cell, taken over from the dead and from nobody else."""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tip_serving.bench import leases
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Holding, Lease, LeaseDesk, LostLeaseError, ProcessName
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake

CELL = Cell("openai/alpha", "v1")
ELSEWHERE = ProcessName(machine="another-machine", pid=1, started=0.0)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def _hold_elsewhere(lake: Lake, process: ProcessName = ELSEWHERE) -> str:
    """A lease of a worker on a machine that cannot be seen from here."""
    fields = {"owner": "them", "process": process, "experiment": "tip-bench-a", "beat": 0, "beat_at": datetime.now(UTC)}
    holding = Holding.model_validate({**fields, "n_done": 1, "n_needed": 9, "cost_usd": 0.5})
    return lake.swap(layout.lease(*CELL), holding.model_dump_json().encode(), None)


def test_a_second_worker_is_told_who_holds_the_cell(lake: Lake) -> None:
    first = LeaseDesk(lake, 5.0).take(CELL, "tip-bench-a")
    assert isinstance(first, Lease)
    first.beat(n_done=3, n_needed=10, cost_usd=0.25)
    second = LeaseDesk(lake, 5.0).take(CELL, "tip-bench-b")
    assert isinstance(second, Holding)
    assert (second.experiment, second.n_done, second.n_needed, second.cost_usd) == ("tip-bench-a", 3, 10, 0.25)


def test_a_released_cell_is_free(lake: Lake) -> None:
    first = LeaseDesk(lake, 5.0).take(CELL, "tip-bench-a")
    assert isinstance(first, Lease)
    first.release()
    assert leases.read(lake, CELL) is None
    assert isinstance(LeaseDesk(lake, 5.0).take(CELL, "tip-bench-b"), Lease)


def test_the_lease_of_a_process_that_was_killed_here_is_taken_over_at_once(lake: Lake) -> None:
    script = f"""
import os, signal
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import LeaseDesk
from tip_serving.lake.storage import Lake
LeaseDesk(Lake({lake.url!r}), 600.0).take(Cell(*{tuple(CELL)!r}), "tip-bench-a")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert leases.read(lake, CELL) is not None
    assert isinstance(LeaseDesk(lake, 600.0).take(CELL, "tip-bench-b"), Lease)


def test_a_silent_worker_elsewhere_loses_the_cell_only_after_it_was_watched_in_silence(lake: Lake) -> None:
    _hold_elsewhere(lake)
    desk = LeaseDesk(lake, 0.2)
    assert isinstance(desk.take(CELL, "tip-bench-b"), Holding)
    time.sleep(0.1)
    assert isinstance(desk.take(CELL, "tip-bench-b"), Holding)
    time.sleep(0.15)
    assert isinstance(desk.take(CELL, "tip-bench-b"), Lease)


def test_a_worker_elsewhere_that_beats_keeps_the_cell(lake: Lake) -> None:
    version = _hold_elsewhere(lake)
    desk = LeaseDesk(lake, 0.15)
    for beat in range(1, 5):
        assert isinstance(desk.take(CELL, "tip-bench-b"), Holding)
        time.sleep(0.1)
        held = leases.read(lake, CELL)
        assert held is not None
        changed = held.model_copy(update={"beat": beat}).model_dump_json().encode()
        version = lake.swap(layout.lease(*CELL), changed, version)
    assert isinstance(desk.take(CELL, "tip-bench-b"), Holding)


def test_who_was_silent_too_long_learns_it_at_the_next_beat_and_takes_nothing_back(lake: Lake) -> None:
    slow = LeaseDesk(lake, 5.0).take(CELL, "tip-bench-a")
    assert isinstance(slow, Lease)
    lake.delete(layout.lease(*CELL))
    quick = LeaseDesk(lake, 5.0).take(CELL, "tip-bench-b")
    assert isinstance(quick, Lease)
    with pytest.raises(LostLeaseError, match="taken over"):
        slow.beat(n_done=0, n_needed=1, cost_usd=0.0)
    slow.release()
    held = leases.read(lake, CELL)
    assert held is not None
    assert held.owner == quick.holding.owner


def test_of_many_who_reach_for_a_free_cell_one_gets_it(lake: Lake) -> None:
    barrier = threading.Barrier(8)
    taken: list[Lease | Holding] = []

    def reach() -> None:
        desk = LeaseDesk(lake, 5.0)
        barrier.wait()
        taken.append(desk.take(CELL, "tip-bench-a"))

    threads = [threading.Thread(target=reach) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(found, Lease) for found in taken) == 1
    assert len(taken) == 8


def test_an_old_heartbeat_looks_dead_to_those_who_only_look(lake: Lake) -> None:
    _hold_elsewhere(lake)
    held = leases.read(lake, CELL)
    assert held is not None
    assert leases.seems_live(held, 5.0, datetime.now(UTC))
    assert not leases.seems_live(held, 5.0, datetime.now(UTC) + timedelta(seconds=30))


def test_a_recycled_process_id_is_not_the_holder() -> None:
    mine = ProcessName.current()
    assert not mine.is_dead()
    assert mine.model_copy(update={"started": mine.started - 1_000}).is_dead()
    assert not ELSEWHERE.is_dead()
