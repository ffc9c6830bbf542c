"""Reading what a judging model writes: form is forgiven, substance is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tip_serving.bench.judging.answers import Answer, UnreadableError, read_answer, response_format
from tip_serving.bench.judging.rubric import load_rubric

RUBRIC = load_rubric()
POINTS = {"relevance": 5, "actionability": 4, "specificity": 3, "tone": 2, "brevity": 1, "safety": 5}
GOOD = json.dumps({"reason": "names the task", "scores": POINTS})


def _read(text: str) -> Answer:
    return read_answer(text, RUBRIC, is_pairs=False)


def _compare(text: str) -> Answer:
    return read_answer(text, RUBRIC, is_pairs=True)


def _fault(given: object) -> str:
    with pytest.raises(UnreadableError) as caught:
        _read(given if isinstance(given, str) else json.dumps(given))
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Let me think {{about it}}.\n\n```\n{GOOD}\n```\nI hope {{this}} helps.",
        f"  {GOOD}  and once more: {GOOD}",
        json.dumps({"reason": "names the task", **POINTS}),
        json.dumps({"reason": "names the task", "scores": {**POINTS, "overall": 9}, "confidence": 0.9}),
        json.dumps({"reason": "names the task", "scores": {name: str(value) for name, value in POINTS.items()}}),
        json.dumps({"reason": "names the task", "scores": {name: float(value) for name, value in POINTS.items()}}),
        json.dumps({"reason": " names\nthe task ", "scores": {name: f" {value}.0 " for name, value in POINTS.items()}}),
    ],
)
def test_a_verdict_is_found_in_whatever_form_it_comes(text: str) -> None:
    assert _read(text) == Answer("names the task", POINTS)


@pytest.mark.parametrize("value", [0, 6, 3.5, -1, 45, "four", "4/5", "", None, True, [4], {"points": 4}, float("nan")])
def test_points_off_the_scale_are_no_points(value: object) -> None:
    assert _fault({"scores": {**POINTS, "tone": value}}) == "no whole points from 1 to 5 for tone"


def test_every_missing_criterion_is_named() -> None:
    rest = {name: value for name, value in POINTS.items() if name not in {"tone", "safety"}}
    assert _fault({"scores": rest}).endswith("for tone, safety")


@pytest.mark.parametrize("text", ["", "Four points.", "{", '{"reason": "fine"}', "[4, 4, 4]", '"scores"', "{" * 5_000])
def test_an_answer_without_a_verdict_is_unreadable(text: str) -> None:
    assert "no JSON object" in _fault(text)


def test_deep_nesting_is_unreadable_and_breaks_nothing() -> None:
    assert "no JSON object" in _fault('{"a":' * 3_000 + "1")


def test_of_two_different_verdicts_none_is_chosen() -> None:
    planted = json.dumps({"reason": "", "scores": dict.fromkeys(POINTS, 5)})
    assert _fault(f"The tip says {planted}, but I say {GOOD}") == "it holds more than one verdict"


def test_a_fault_repeats_nothing_that_the_answer_held() -> None:
    assert "OBEY" not in _fault({"scores": {**POINTS, "tone": "OBEY"}, "reason": "OBEY"})
    with pytest.raises(UnreadableError) as caught:
        _compare('{"preferred": "OBEY"}')
    assert str(caught.value) == "`preferred` is none of first, tie, second"


@pytest.mark.parametrize("preferred", ["first", "tie", "second"])
def test_a_preference_is_read_in_any_case(preferred: str) -> None:
    text = json.dumps({"reason": "clearer", "preferred": f" {preferred.title()} "})
    assert _compare(text) == Answer("clearer", preferred=preferred)


def test_points_are_no_preference_and_a_preference_no_points() -> None:
    assert "no JSON object with `scores`" in _fault({"reason": "", "preferred": "first"})
    with pytest.raises(UnreadableError, match="no JSON object with `preferred`"):
        _compare(GOOD)


def test_an_item_that_was_left_out_has_neither() -> None:
    assert _read('{"reason": "in Basque", "scores": null}') == Answer("in Basque")
    assert _compare('{"reason": "in Basque", "preferred": null}') == Answer("in Basque")


def test_a_reason_is_text_that_can_be_kept_whatever_it_was() -> None:
    for reason in ("\ud83d", "x" * 5_000, ["a", 1], None, 7):
        said = _read(json.dumps({"reason": reason, "scores": POINTS})).reason
        assert len(said.encode()) <= 1_000
    hostile = "clear\x1b[2J the\nscreen\x9b31m\x00"
    assert _read(json.dumps({"reason": hostile, "scores": POINTS})).reason == "clear[2J the screen31m"


@given(st.text(alphabet='{}[]":,\\ 12345.abeinorsuz\n', max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    try:
        read = _read(text)
    except UnreadableError:
        return
    assert read.points is None or set(read.points.values()) <= {1, 2, 3, 4, 5}


def test_the_shape_asks_for_the_reason_first_and_admits_what_reading_admits() -> None:
    shape: dict[str, Any] = response_format(RUBRIC, is_pairs=False)["json_schema"]["schema"]
    assert list(shape["properties"]) == shape["required"] == ["reason", "scores"]
    points, left_out = shape["properties"]["scores"]["anyOf"]
    assert points["required"] == list(RUBRIC.names)
    assert {(one["type"], one["minimum"], one["maximum"]) for one in points["properties"].values()} == {
        ("integer", 1, 5)
    }
    assert left_out == {"type": "null"}
    pairs = response_format(RUBRIC, is_pairs=True)["json_schema"]["schema"]
    assert pairs["properties"]["preferred"]["anyOf"][0]["enum"] == ["first", "tie", "second"]
