"""The identity of candidates: what changes it and what does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.situations import scenarios

from tip_serving.bench.identity import Cell, candidate_id, needs, sample_seed
from tip_serving.bench.spec import Spec
from tip_serving.generation.embedded import WRITERS
from tip_serving.generation.model import CompletionRequest, Message
from tip_serving.prompts import registry

REQUEST = CompletionRequest(
    "openai/alpha", (Message("system", "Write."), Message("user", "Hello")), temperature=0.7, max_tokens=60, seed=1
)


def test_the_identity_of_a_candidate_never_drifts() -> None:
    assert candidate_id(REQUEST, 0) == "50736d235557e9fa3534258f"


@pytest.mark.parametrize(
    "change",
    [
        {"model": "openai/beta"},
        {"messages": (Message("system", "Write."), Message("user", "Hello "))},
        {"messages": (Message("user", "Write."), Message("user", "Hello"))},
        {"temperature": 0.71},
        {"max_tokens": 61},
        {"seed": 2},
    ],
)
def test_all_that_determines_a_candidate_changes_its_identity(change: dict[str, object]) -> None:
    assert candidate_id(replace(REQUEST, **change), 0) != candidate_id(REQUEST, 0)  # type: ignore[arg-type]
    assert candidate_id(REQUEST, 1) != candidate_id(REQUEST, 0)


def test_a_changed_writer_writes_other_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    request = replace(REQUEST, model="embedded/first")
    before = candidate_id(request, 0)
    monkeypatch.setitem(WRITERS, "first", replace(WRITERS["first"], version="2"))  # type: ignore[arg-type]
    assert candidate_id(request, 0) != before


def test_experiments_that_ask_for_the_same_share_candidates() -> None:
    cell, prompt = Cell("openai/alpha", "v2"), registry.get("v2")
    small = needs(Spec(experiment="tip-bench-a", n_tips=1), cell, prompt, scenarios(3))
    large = needs(Spec(experiment="tip-bench-b", n_tips=2, max_cost_usd=1), cell, prompt, scenarios(5))
    assert {need.candidate_id for need in small} < {need.candidate_id for need in large}
    other = needs(Spec(experiment="tip-bench-c", temperature=0.1), cell, prompt, scenarios(3))
    assert not {need.candidate_id for need in small} & {need.candidate_id for need in other}


def test_a_cell_needs_each_sample_of_each_scenario_once() -> None:
    found = needs(
        Spec(experiment="tip-bench-a", n_tips=4), Cell("openai/alpha", "v1"), registry.get("v1"), scenarios(6)
    )
    assert len({need.candidate_id for need in found}) == len(found) == 24
    assert {(need.scenario_id, need.sample_index) for need in found} == {
        (scenario.scenario_id, index) for scenario in scenarios(6) for index in range(4)
    }


@given(st.integers(0, 2**31 - 1), st.integers(0, 99))
def test_seeds_fit_what_providers_accept(seed: int, index: int) -> None:
    assert 0 <= sample_seed(seed, index) < 2**31


def test_samples_and_sampling_seeds_are_unrelated() -> None:
    assert len({sample_seed(seed, index) for seed in range(50) for index in range(50)}) == 2_500


@pytest.mark.parametrize("cell", [Cell("ollama/llama3.2:3b", "v1"), Cell("a/b|odd", "v2")])
def test_a_cell_is_read_back_from_its_key(cell: Cell) -> None:
    assert Cell.parse(cell.key) == cell
