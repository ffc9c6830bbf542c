"""The tips behind a leaderboard: a sample for the page, all of them for whoever asks."""

from pathlib import Path

import polars as pl
import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop
from support.judging import exported, given, submit

from tip_serving.bench.identity import Cell
from tip_serving.bench.judging import scores
from tip_serving.bench.page.content import Sample
from tip_serving.bench.ranking.tips import sampled
from tip_serving.bench.workshop import Workshop

PLANNER = Cell("embedded/planner", "v2")


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    fill_all(made, create(made, n_tips=4))
    return made


def _sampled(place: Workshop) -> Sample:
    candidates = place.candidates(EXPERIMENT)
    return sampled(EXPERIMENT, candidates, scores.view(place.lake, candidates), place.scenarios(EXPERIMENT))


def test_each_cell_shows_some_of_its_tips_with_what_each_judge_said(place: Workshop) -> None:
    items = exported(place, "ana")
    submit(place, [given(item, 4, comment="why not") for item in items[:50]])
    submit(place, [given(item, 2) for item in exported(place, "ben")])
    sample = _sampled(place)
    assert (sample.n_candidates, sample.n_scenarios) == (96, 6)
    assert len(sample.scenarios) == 6
    for scenario in sample.scenarios:
        assert len(scenario.tips) == 4 * 3  # cells, and three of four tips each
    told = [tip for scenario in sample.scenarios for tip in scenario.tips]
    by_judges = [tuple(score.judge for score in tip.scores) for tip in told]
    assert set(by_judges) == {("ana", "ben"), ("ben",)}
    both = next(tip for tip in told if len(tip.scores) == 2)
    assert [(score.score, score.comment) for score in both.scores] == [(4.0, "why not"), (2.0, "")]
    assert set(both.scores[0].points.values()) == {4.0}


def test_the_sample_is_the_same_every_time(place: Workshop) -> None:
    assert _sampled(place) == _sampled(place)


def test_the_situation_is_told_as_a_reader_needs_it(place: Workshop) -> None:
    scenario = _sampled(place).scenarios[0]
    known = {one.scenario_id: one for one in place.scenarios(EXPERIMENT)}[scenario.scenario_id]
    assert scenario.n_tasks == len(known.situation.tasks)
    assert scenario.now.startswith(f"{known.situation.now:%A} {known.situation.now.hour}:")
    assert [task.content for task in scenario.tasks] == [task.content for task in known.situation.tasks][
        : len(scenario.tasks)
    ]


def test_all_tips_are_there_with_a_column_for_each_judge(place: Workshop) -> None:
    assert "text" in place.tips(EXPERIMENT).columns
    items = exported(place, "ana")
    submit(place, [given(item, 4) for item in items[:10]])
    submit(place, [given(item, 2) for item in exported(place, "ben")])
    table = place.tips(EXPERIMENT)
    assert table.height == 96
    assert table["ana, rubric r1"].count() == 10
    assert table["ben, rubric r1"].unique().to_list() == [2.0]
    scored = set(table.drop_nulls("ana, rubric r1")["candidate_id"])
    assert scored == {item.key.candidate_id for item in items[:10]}


def test_tips_of_a_cell_and_a_scenario_are_found(place: Workshop) -> None:
    submit(place, [given(item, 2) for item in exported(place, "ben")])
    scenario_id = place.scenarios(EXPERIMENT)[0].scenario_id
    table = place.tips(EXPERIMENT, PLANNER, scenario_id)
    assert table["sample_index"].to_list() == [0, 1, 2, 3]
    assert table.select(pl.struct("model", "prompt", "scenario_id").n_unique()).item() == 1
    assert place.tips(EXPERIMENT, scenario_id="none").is_empty()


def test_asking_for_tips_writes_nothing(place: Workshop) -> None:
    before = place.lake.find("")
    place.tips(EXPERIMENT)
    place.evidence(EXPERIMENT)
    assert place.lake.find("") == before
