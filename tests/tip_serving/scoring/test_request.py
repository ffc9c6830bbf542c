"""Bodies are read strictly, and every fault is told at once."""

import json
from typing import Any

import pytest
from support.released import ask

from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.request import GenerateRequest, ScoreRequest, read


def faults(body: bytes) -> tuple[str, ...]:
    with pytest.raises(RequestError) as refused:
        read(ScoreRequest, body)
    return refused.value.faults


def test_a_candidate_is_a_text_or_an_object() -> None:
    request = read(ScoreRequest, ask("Rest.", {"id": "x"}, {"id": "y", "text": "Walk."}))
    assert request.candidates[0] == "Rest."
    assert [(tip.id, tip.text) for tip in request.candidates[1:] if not isinstance(tip, str)] == [
        ("x", None),
        ("y", "Walk."),
    ]


def test_faults_of_the_body_and_of_the_features_are_told_together() -> None:
    features = {"profile_features": {"completion_rate": 2, "colour": "red"}, "context": {"hour": 30}}
    told = "\n".join(faults(ask(user=7, tasks=[{"id": "1", "content": "", "priority": 9}], stray=1, **features)))
    for place in ("user", "tasks.0.content", "tasks.0.priority", "stray", "profile_features.completion_rate",
                  "profile_features.'colour'", "context.hour"):  # fmt: skip
        assert place in told


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"candidates": []}, "candidates"),
        ({"candidates": ["x"] * 101}, "candidates"),
        ({"candidates": [{}]}, "candidates.0"),
        ({"candidates": [{"id": "a", "stray": 1}]}, "candidates.0"),
        ({"candidates": ["x" * 2001]}, "candidates.0"),
        ({"candidates": [5]}, "candidates.0"),
        ({"user": ""}, "user"),
        ({"user": "x" * 201}, "user"),
        ({"now": "2026-03-02T12:00:00"}, "now"),
        ({"now": 0}, "now"),
        ({"decision_id": "has space"}, "decision_id"),
        ({"tasks": [{"id": "1", "content": "x", "priority": "1"}]}, "tasks.0.priority"),
        ({"profile_features": []}, "profile_features"),
        ({"profile_features": "none"}, "profile_features"),
    ],
)
def test_what_is_of_another_kind_is_refused_where_it_stands(fields: dict[str, Any], place: str) -> None:
    assert any(fault.startswith(place) for fault in faults(ask(**fields)))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b"[" * 50_000, b'{"a":' * 50_000, b'{"user": "\\ud800"}',
             b'{"user": NaN}', b'{"user": ' + b"9" * 5000 + b"}"]
)  # fmt: skip
def test_any_bytes_are_an_answer_and_never_a_defect(body: bytes) -> None:
    assert faults(body)


def test_a_body_of_many_faults_is_answered_in_few_words() -> None:
    tasks = [{"id": 1, "content": ""}] * 400
    assert len(faults(ask(tasks=tasks))) <= 200
    assert len(json.dumps(faults(ask(user=7, profile_features={"x" * 5000: "y" * 5000}, **{"z" * 5000: 1})))) < 2_000


@pytest.mark.parametrize("budget", [0, 49, 120_001, "100", 99.5])
def test_a_budget_that_is_none_is_refused(budget: object) -> None:
    with pytest.raises(RequestError, match="1 fault"):
        read(GenerateRequest, json.dumps({"user": "u", "budget_ms": budget}).encode())
