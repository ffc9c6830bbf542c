"""Specs: what is refused, all at once, and what never changes."""

import json
from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, workshop

from tip_serving.bench import spec
from tip_serving.bench.spec import SpecConflictError, SpecError
from tip_serving.generation.catalog import embedded_models
from tip_serving.lake import layout
from tip_serving.prompts import registry


def test_what_is_not_said_is_every_embedded_writer_under_every_prompt(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    found = spec.parse({"experiment": EXPERIMENT}, place.lake, place.catalog)
    assert found.models == embedded_models()
    assert found.prompts == registry.versions()


def test_all_faults_are_named_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    raw = {
        "experiment": "Bench 1",
        "models": ["gpt-4o", "embedded/nobody", "a/b|c"],
        "prompts": ["v1", "v77"],
        "n_tips": 0,
        "n_scenarios": "many",
        "scenarios": "nowhere",
        "temperature": 2.5,
        "max_model_b": -1,
        "sampling_seed": -1,
        "max_cost_usd": 0,
        "colour": "red",
    }
    with pytest.raises(SpecError) as caught:
        spec.parse(raw, place.lake, place.catalog)
    assert {fault.field for fault in caught.value.faults} == set(raw)
    assert sum(fault.field == "models" for fault in caught.value.faults) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["tip-bench-", "tip-bench-A", "tip-bench--x", "bench-x", "tip-bench-x/y", "tip-bench-" + "x" * 80, "tip-bench-x\n"],
)
def test_names_out_of_the_pattern_are_refused(name: str) -> None:
    assert spec.name_fault(name) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("models", []),
        ("models", ["embedded/first", "embedded/first"]),
        ("temperature", float("nan")),
        ("n_scenarios", 10_001),
        ("n_tips", 101),
        ("sampling_seed", 2**31),
    ],
)
def test_values_out_of_range_are_refused_with_the_field(tmp_path: Path, field: str, value: object) -> None:
    place = workshop(tmp_path)
    with pytest.raises(SpecError) as caught:
        spec.parse({"experiment": EXPERIMENT, field: value}, place.lake, place.catalog)
    assert [fault.field for fault in caught.value.faults] == [field]


def test_a_size_limit_skips_large_and_unknown_models_and_names_them(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    models = ["ollama/llama3.2:3b", "ollama/llama3.1:70b", "openai/gpt-4o", "embedded/first"]
    found = spec.parse({"experiment": EXPERIMENT, "models": models, "max_model_b": 8}, place.lake, place.catalog)
    assert {skip.model: skip.reason for skip in spec.skips(found, place.catalog)} == {
        "ollama/llama3.1:70b": "70 billion parameters, max_model_b is 8",
        "openai/gpt-4o": "its size is unknown and max_model_b is 8",
    }


def test_a_limit_that_leaves_no_model_is_refused(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    raw = {"experiment": EXPERIMENT, "models": ["openai/gpt-4o"], "max_model_b": 8}
    with pytest.raises(SpecError, match="leaves no model"):
        spec.parse(raw, place.lake, place.catalog)


def test_a_cost_limit_needs_a_known_price(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    raw = {"experiment": EXPERIMENT, "models": ["vendor/unheard-of"], "max_cost_usd": 1}
    with pytest.raises(SpecError, match="its price is unknown"):
        spec.parse(raw, place.lake, place.catalog)


def test_more_calls_than_an_experiment_holds_are_refused(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    raw = {"experiment": EXPERIMENT, "n_scenarios": 10_000, "n_tips": 100}
    with pytest.raises(SpecError, match="9,000,000 calls"):
        spec.parse(raw, place.lake, place.catalog)


def test_a_spec_never_changes_once_it_is_there(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    first = create(place)
    assert spec.create(place.lake, first) is False
    with pytest.raises(SpecConflictError) as caught:
        create(place, n_scenarios=7, temperature=0.2)
    assert [fault.field for fault in caught.value.faults] == ["experiment", "n_scenarios", "temperature"]
    assert spec.load(place.lake, EXPERIMENT, place.catalog) == first


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"),
        (b"[]", "one JSON object"),
        (json.dumps({"experiment": "tip-bench-other"}).encode(), "but the folder is"),
    ],
)
def test_a_hand_written_spec_that_cannot_be_one_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    place = workshop(tmp_path)
    place.lake.write(layout.spec(EXPERIMENT), content)
    with pytest.raises(SpecError, match=said):
        spec.load(place.lake, EXPERIMENT, place.catalog)
