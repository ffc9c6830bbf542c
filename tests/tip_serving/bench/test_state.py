"""State as a function of the lake: each step, and what asks for it."""

from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, fill, fill_all, workshop

from tip_serving.bench import requests, state
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Lease, LeaseDesk
from tip_serving.bench.state import CellPhase, Step
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.lake.storage import MissingError

FIRST, LAST = Cell("embedded/first", "v1"), Cell("embedded/planner", "v2")


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    return workshop(tmp_path)


def _phases(place: Workshop) -> dict[Cell, CellPhase]:
    return {cell.cell: cell.phase for cell in place.state(EXPERIMENT).cells}


def test_an_experiment_goes_from_spec_to_leaderboard_step_by_step(place: Workshop) -> None:
    asked = create(place)
    assert (place.state(EXPERIMENT).step, place.state(EXPERIMENT).phase) == (Step.COLLECT, "waiting")
    fill(place, asked, FIRST)
    assert FIRST not in place.state(EXPERIMENT).pending
    fill_all(place, asked)
    assert (place.state(EXPERIMENT).step, place.state(EXPERIMENT).phase) == (Step.JUDGE, "collected")
    place.judge_automatically(EXPERIMENT)
    place.import_scores(EXPERIMENT)
    place.rank(EXPERIMENT)
    assert (place.state(EXPERIMENT).step, place.state(EXPERIMENT).phase) == (None, "ranked")
    place.lake.write(layout.inbox_file(EXPERIMENT, "scores.jsonl"), b"{}")
    assert place.state(EXPERIMENT).step is Step.IMPORT


def test_asking_twice_gives_the_same_answer_and_writes_nothing(place: Workshop) -> None:
    fill(place, create(place), FIRST)
    before = [(entry.path, entry.modified) for entry in place.lake.find("bench")]
    assert place.state(EXPERIMENT) == place.state(EXPERIMENT)
    assert [(entry.path, entry.modified) for entry in place.lake.find("bench")] == before


def test_a_cell_in_somebodys_hands_is_running_and_not_asked_for(place: Workshop) -> None:
    asked = create(place)
    lease = LeaseDesk(place.lake, 15.0).take(LAST, EXPERIMENT)
    assert isinstance(lease, Lease)
    assert _phases(place)[LAST] is CellPhase.RUNNING
    assert LAST not in place.state(EXPERIMENT).pending
    for cell in (FIRST, Cell("embedded/first", "v2"), Cell("embedded/planner", "v1")):
        fill(place, asked, cell)
    assert place.state(EXPERIMENT).step is None
    assert not place.state(EXPERIMENT).is_collected
    lease.release()
    assert place.state(EXPERIMENT).pending == [LAST]


def test_a_failed_cell_is_done_until_somebody_asks_for_it_again(place: Workshop) -> None:
    asked = create(place)
    fill_all(place, asked)
    fill(place, asked, LAST, n_missing=2)
    # The store is cumulative, so what was there before counts: only a cell that lacks candidates fails.
    assert _phases(place)[LAST] is CellPhase.COMPLETE

    other = create(place, experiment="tip-bench-other", temperature=0.1)
    for model in other.models:
        for prompt in other.prompts:
            fill(place, other, Cell(model, prompt), n_missing=2 if Cell(model, prompt) == LAST else 0)
    found = place.state("tip-bench-other")
    assert [result.cell for result in found.failed] == [LAST]
    assert found.step is Step.JUDGE

    requests.retry(place.lake, "tip-bench-other", "ana", [FIRST])
    assert place.state("tip-bench-other").pending == []
    requests.retry(place.lake, "tip-bench-other", "ana", [LAST])
    assert place.state("tip-bench-other").pending == [LAST]


def test_a_retry_written_by_hand_counts(place: Workshop) -> None:
    asked = create(place)
    for model in asked.models:
        for prompt in asked.prompts:
            fill(place, asked, Cell(model, prompt), n_missing=1)
    place.lake.write(layout.retry_request(EXPERIMENT), b"{}")
    assert len(place.state(EXPERIMENT).pending) == 4


@pytest.mark.parametrize(
    "words", [b"{}", b"", b"please", b"[1]", b'{"cells": ["embedded/planner|v2"]}', b'{"who": "ana"}']
)
def test_a_retry_written_by_hand_counts_once_each_time_that_it_is_written(place: Workshop, words: bytes) -> None:
    asked = create(place)
    for model in asked.models:
        for prompt in asked.prompts:
            fill(place, asked, Cell(model, prompt), n_missing=Cell(model, prompt) == LAST)
    for _ in range(2):
        place.lake.write(layout.retry_request(EXPERIMENT), words)
        assert place.state(EXPERIMENT).pending == [LAST]
        request = requests.retry_request(place.lake, EXPERIMENT)
        assert request is not None
        fill(place, asked, LAST, n_missing=1, retry_honoured=request.request_id)
        assert place.state(EXPERIMENT).pending == []


def test_scores_taken_and_not_ranked_ask_for_a_new_leaderboard(place: Workshop) -> None:
    fill_all(place, create(place))
    place.judge_automatically(EXPERIMENT)
    place.rank(EXPERIMENT)
    assert place.state(EXPERIMENT).step is Step.IMPORT
    place.import_scores(EXPERIMENT)  # and killed before it ranked
    assert place.state(EXPERIMENT).step is Step.JUDGE
    place.rank(EXPERIMENT)
    assert place.state(EXPERIMENT).step is None


def test_a_cancelled_experiment_lacks_nothing_until_it_is_taken_up_again(place: Workshop) -> None:
    asked = create(place)
    fill(place, asked, FIRST)
    requests.cancel(place.lake, EXPERIMENT, "ana")
    found = place.state(EXPERIMENT)
    assert (found.pending, found.is_cancelled, found.phase) == ([], True, "cancelled")
    assert found.step is Step.JUDGE  # what is there is ranked
    requests.resume(place.lake, EXPERIMENT)
    assert len(place.state(EXPERIMENT).pending) == 3


def test_new_results_ask_for_a_new_leaderboard(place: Workshop) -> None:
    asked = create(place)
    fill_all(place, asked)
    place.rank(EXPERIMENT)
    before = place.state(EXPERIMENT)
    assert before.is_ranked
    fill(place, asked, LAST)
    after = place.state(EXPERIMENT)
    assert after.fingerprint != before.fingerprint
    assert after.step is Step.JUDGE


def test_a_refused_spec_says_why_and_asks_for_nothing(place: Workshop) -> None:
    place.lake.write(layout.spec(EXPERIMENT), b'{"experiment": "tip-bench-test", "n_tips": 0, "colour": "red"}')
    found = place.state(EXPERIMENT)
    assert found.step is None
    assert found.phase == "refused"
    assert {fault.partition(":")[0] for fault in found.faults} == {"n_tips", "colour"}


def test_skipped_models_have_no_cells(place: Workshop) -> None:
    create(place, models=["embedded/first", "openai/gpt-4o"], max_model_b=3)
    found = place.state(EXPERIMENT)
    assert {cell.cell.model for cell in found.cells} == {"embedded/first"}
    assert [skip.model for skip in found.skipped] == ["openai/gpt-4o"]


def test_an_experiment_that_is_not_there_is_missing(place: Workshop) -> None:
    with pytest.raises(MissingError, match="tip bench list"):
        place.state("tip-bench-nowhere")
    create(place)
    assert state.experiments(place.lake) == [EXPERIMENT]
