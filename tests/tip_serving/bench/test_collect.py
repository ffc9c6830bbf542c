"""Collecting while others take cells away: nothing is lost, doubled or deleted."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.bench import create, fill, workshop, write_candidates
from support.terminal import wait_until

from tip_serving.bench.collect import collect
from tip_serving.bench.collector import Limits
from tip_serving.bench.identity import Cell, Need, needs
from tip_serving.bench.leases import Holding, Lease, LeaseDesk, LostLeaseError, ProcessName, machine_name
from tip_serving.bench.open_cell import OpenCell
from tip_serving.bench.progress import Progress
from tip_serving.bench.results import CellStatus
from tip_serving.bench.workshop import Workshop
from tip_serving.generation.embedded import WRITERS
from tip_serving.generation.model import Completion, CompletionRequest
from tip_serving.lake import layout
from tip_serving.prompts import registry

CELL = Cell("embedded/first", "v1")
N_SCENARIOS = 6
DEAD = ProcessName(machine=machine_name(), pid=2**22 + 1, started=0.0)
ELSEWHERE = ProcessName(machine="another-machine", pid=1, started=0.0)


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    return workshop(tmp_path)


class _Writer:
    """Answers as the embedded writer; `at_call` runs before the answer of each call, with its number."""

    def __init__(self, at_call: Callable[[int], None]) -> None:
        self.asked: list[CompletionRequest] = []
        self._at_call = at_call

    async def complete(self, request: CompletionRequest) -> Completion:
        self.asked.append(request)
        self._at_call(len(self.asked))
        text = WRITERS["first"].write(request.messages, temperature=request.temperature, seed=request.seed)
        return Completion(text, "stop", 10.0, 100, 20, 0.0, 1)

    async def stop(self) -> None: ...

    async def aclose(self) -> None: ...


def _take_away(place: Workshop, process: ProcessName) -> None:
    """Another worker holds the cell from now on, as it does after this one was silent for too long."""
    path = layout.lease(*CELL)
    held = Holding.model_validate_json(place.lake.read(path))
    theirs = held.model_copy(update={"owner": "them", "process": process})
    place.lake.write(path, theirs.model_dump_json().encode())


def _needed(place: Workshop, experiment: str) -> list[Need]:
    asked = place.spec(experiment)
    return needs(asked, CELL, registry.get(CELL.prompt), place.scenarios(experiment))


def _ids(found: Sequence[Need]) -> list[str]:
    return sorted(need.candidate_id for need in found)


def test_who_lost_its_lease_unnoticed_leaves_the_other_workers_open_segment_alone(place: Workshop) -> None:
    asked = create(place, models=[CELL.model], prompts=[CELL.prompt])
    lease = LeaseDesk(place.lake, 5.0).take(CELL, asked.experiment)
    assert isinstance(lease, Lease)
    opened = OpenCell.open(asked, lease, place.store, place.scenarios(asked.experiment))
    _take_away(place, ELSEWHERE)
    wanted = _needed(place, asked.experiment)
    write_candidates(place.store, CELL, wanted[:2])
    before = [entry.path for entry in place.lake.find(layout.segments(*CELL)) if entry.size]

    for end in (lambda: opened.close(place.store), lambda: opened.finish(asked, place.store)):
        with pytest.raises(LostLeaseError):
            end()

    assert [entry.path for entry in place.lake.find(layout.segments(*CELL))] == before
    assert not place.lake.exists(layout.cell_result(asked.experiment, *CELL))


def test_a_cell_that_was_taken_away_is_waited_for_and_taken_up_again(place: Workshop) -> None:
    asked = create(place, models=[CELL.model], prompts=[CELL.prompt], n_scenarios=N_SCENARIOS)

    def lose_at_the_last(number: int) -> None:
        if number == N_SCENARIOS:
            _take_away(place, DEAD)

    writer = _Writer(lose_at_the_last)
    scenarios = place.scenarios(asked.experiment)
    limits = Limits(concurrency=1, lease_ttl_s=5.0)
    found = list(collect(asked, [CELL], scenarios, place.store, lambda: writer, limits))

    assert [(result.cell, result.status, result.n_done) for result in found] == [
        (CELL, CellStatus.COMPLETE, N_SCENARIOS)
    ]
    assert len(writer.asked) == N_SCENARIOS
    assert sorted(place.store.load(CELL)["candidate_id"]) == _ids(_needed(place, asked.experiment))
    assert not place.lake.exists(layout.lease(*CELL))


def test_what_another_worker_finished_meanwhile_is_passed_on_and_its_failed_calls_are_not_asked_again(
    place: Workshop,
) -> None:
    asked = create(place, models=[CELL.model], prompts=[CELL.prompt], n_scenarios=N_SCENARIOS)
    scenarios = place.scenarios(asked.experiment)
    lease = LeaseDesk(place.lake, 5.0).take(CELL, asked.experiment)
    assert isinstance(lease, Lease)
    writer = _Writer(lambda _: None)
    limits = Limits(concurrency=1, lease_ttl_s=5.0)
    progress = Progress()

    def finish_elsewhere() -> None:
        wait_until(lambda: CELL in progress.others)
        fill(place, asked, CELL, n_missing=2)
        lease.release()

    other = threading.Thread(target=finish_elsewhere)
    other.start()
    found = list(collect(asked, [CELL], scenarios, place.store, lambda: writer, limits, progress))
    other.join()

    assert [(result.status, result.n_done, result.n_called) for result in found] == [
        (CellStatus.FAILED, N_SCENARIOS - 2, N_SCENARIOS - 2)
    ]
    assert writer.asked == []
    assert (progress.n_cells_done, progress.n_cells_failed, progress.n_over) == (1, 1, N_SCENARIOS)
