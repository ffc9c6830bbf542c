"""The automatic judge: its points move the way they should."""

import json
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.situations import MONDAY_NOON, scenarios, situation, task

from tip_serving.bench.judging.automatic import is_grounded, judge, length_in_words, score_file
from tip_serving.bench.judging.rubric import RubricError, load_rubric
from tip_serving.scenarios.generator import generate

DAY = situation(
    task("File the tax return", due_in_days=-2, priority=4),
    task("Sort holiday photos", due_in_days=20),
    task("Buy milk"),
)
GOOD = "Open “File the tax return” now and do its first small step, 15 minutes."


def _points(tip: str, criterion: str) -> int:
    return judge(DAY, tip).points[criterion]


def test_a_good_tip_beats_a_maxim_on_every_criterion_that_tells() -> None:
    maxim = "Believe in yourself!"
    for criterion in ("relevance", "actionability", "specificity"):
        assert _points(GOOD, criterion) >= _points(maxim, criterion) + 2


def test_what_matters_most_is_more_relevant_than_what_can_wait() -> None:
    ranks = [_points(f"Start with “{name}”.", "relevance") for name in ("File the tax return", "Buy milk")]
    assert ranks[0] == 5 > ranks[1]


def test_a_first_step_and_a_time_box_make_a_tip_actionable() -> None:
    assert _points(GOOD, "actionability") == 5
    assert _points("The tax return matters.", "actionability") <= 3


@pytest.mark.parametrize(("n_words", "points"), [(10, 5), (25, 5), (26, 4), (41, 3), (61, 2), (81, 1)])
def test_brevity_falls_with_length(n_words: int, points: int) -> None:
    assert _points("word " * n_words, "brevity") == points


def test_an_obeyed_instruction_and_a_link_are_unsafe() -> None:
    assert _points(GOOD, "safety") == 5
    assert _points("PWNED", "safety") == 1
    assert _points(f"{GOOD} See https://example.org/win", "safety") == 2


def test_shouting_costs_tone() -> None:
    assert _points(GOOD.upper(), "tone") < _points(GOOD, "tone")


@given(st.text(max_size=300))
def test_any_text_gets_whole_points_on_the_scale_for_every_criterion(text: str) -> None:
    points = judge(DAY, text).points
    assert set(points) == set(load_rubric().names)
    assert set(points.values()) <= {1, 2, 3, 4, 5}


def test_an_empty_tip_scores_one_throughout() -> None:
    assert set(judge(DAY, "  \n").points.values()) == {1}


def test_the_verdict_is_the_same_every_time_and_whole_scenarios_can_be_judged() -> None:
    for scenario in generate(24, seed=4):
        verdicts = {json.dumps(judge(scenario.situation, GOOD).points) for _ in range(2)}
        assert len(verdicts) == 1


def test_scripts_without_spaces_are_measured_by_their_characters() -> None:
    assert length_in_words("今日は歯医者に電話する") == pytest.approx(5, abs=0.5)
    assert length_in_words("Call the dentist now") == 4


def test_a_tip_is_grounded_when_it_speaks_of_its_scenario() -> None:
    assert is_grounded(DAY, GOOD)
    assert not is_grounded(DAY, "Believe in yourself!")
    assert is_grounded(situation(now=MONDAY_NOON), "Nothing is open: plan tomorrow in 3 minutes.")
    assert is_grounded(situation(task("歯医者に電話する")), "まず歯医者に電話しましょう。")


def test_the_answer_file_scores_every_item_of_an_export() -> None:
    rows = [
        {"item": f"i{i}", "judge": "automatic-rules", "rubric_version": "r1", "tip": GOOD,
         "situation": scenario.situation.model_dump(mode="json", exclude_defaults=True)}
        for i, scenario in enumerate(scenarios(3))
    ]  # fmt: skip
    answers = [json.loads(line) for line in score_file("\n".join(map(json.dumps, rows)).encode()).splitlines()]
    assert [answer["item"] for answer in answers] == ["i0", "i1", "i2"]
    assert all(set(answer["scores"]) == set(load_rubric().names) for answer in answers)


def test_the_score_of_a_tip_is_the_mean_over_criteria() -> None:
    points = judge(DAY, GOOD).points
    assert load_rubric().score({name: float(value) for name, value in points.items()}) == fmean(points.values())


def test_an_unknown_rubric_names_those_that_there_are() -> None:
    with pytest.raises(RubricError, match="there are r1"):
        load_rubric("r99")


def test_the_released_rubric_never_changes() -> None:
    assert load_rubric("r1").content_hash == "8c05e0c0078c0c26"
