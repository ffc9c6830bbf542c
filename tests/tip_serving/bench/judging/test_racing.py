"""A race in rounds: effort goes to cells that may still win, and nothing but the error rate is remembered."""

from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, fill, fill_all, workshop
from support.judging import Handed, exported, given, submit

from tip_serving.bench.identity import Cell
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.racing import RaceError, Round
from tip_serving.bench.workshop import Workshop

CELLS = [Cell(model, prompt) for model in ("embedded/first", "embedded/planner") for prompt in ("v1", "v2")]
BEST, GOOD, BAD, WORST = CELLS
WORTH = {BEST.key: 4.0, GOOD.key: 4.0, BAD.key: 2.0, WORST.key: 1.0}


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    fill_all(made, create(made, n_scenarios=24))
    return made


def _coming(place: Workshop, size: int = 4, error_rate: float = 0.05, judge: str = "ana") -> Round:
    return place.next_round(EXPERIMENT, judge, error_rate, size)


def _asked(place: Workshop, coming: Round, judge: str = "ana") -> list[Handed]:
    return exported(place, Ask(judge, only=coming.candidate_ids)) if coming.candidate_ids else []


def _score(place: Workshop, items: list[Handed], worth: dict[str, float]) -> None:
    submit(place, [given(item, worth[item.cells[0]]) for item in items])


def test_a_round_asks_for_whole_scenarios_of_every_cell_in_the_race(place: Workshop) -> None:
    items = _asked(place, _coming(place))
    asked = {(item.scenario_id, item.cells[0]) for item in items}
    scenarios = {scenario for scenario, _ in asked}
    assert len(items) == 16
    assert asked == {(scenario, cell.key) for scenario in scenarios for cell in CELLS}


def test_clear_losers_are_dropped_with_a_reason_and_asked_for_no_more(place: Workshop) -> None:
    for _ in range(6):
        coming = _coming(place)
        items = _asked(place, coming)
        assert {item.cells[0] for item in items} == {cell.key for cell in coming.survivors}
        _score(place, items, WORTH)
    coming = _coming(place)
    assert coming.survivors == [BEST, GOOD]
    assert set(coming.dropped()) == {BAD, WORST}
    assert "1.00 points against 4.00 of embedded/first,v" in coming.dropped()[WORST]
    assert "arm" not in coming.dropped()[WORST]


def test_a_race_without_a_winner_ends_when_all_is_scored(place: Workshop) -> None:
    while items := _asked(place, _coming(place, size=10)):
        _score(place, items, WORTH)
    assert _coming(place).winner is None
    assert _coming(place).survivors == [BEST, GOOD]


def test_a_race_is_over_when_one_is_left_and_saves_the_rest(place: Workshop) -> None:
    n_scored = 0
    while items := _asked(place, _coming(place, size=2)):
        _score(place, items, WORTH | {GOOD.key: 1.0})
        n_scored += len(items)
    assert _coming(place).winner == BEST
    assert n_scored < 60  # of 96


def test_whoever_comes_back_finds_the_round_where_it_was_left(place: Workshop, tmp_path: Path) -> None:
    coming = _coming(place)
    assert _coming(workshop(tmp_path)).candidate_ids == coming.candidate_ids
    items = _asked(place, coming)
    _score(place, items[:5], WORTH)
    left = _coming(workshop(tmp_path)).candidate_ids
    assert {item.key.candidate_id for item in items[5:]} <= left
    assert not {item.key.candidate_id for item in items[:5]} & left


def test_another_error_rate_is_refused_and_the_same_one_taken(place: Workshop) -> None:
    _coming(place, error_rate=0.1)
    with pytest.raises(RaceError, match=r"begun with an error rate of 0\.1"):
        _coming(place, error_rate=0.05)
    assert _coming(place, error_rate=0.1).survivors == CELLS
    assert _coming(place, error_rate=0.05, judge="ben").survivors == CELLS


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_an_error_rate_that_is_no_chance_begins_no_race(place: Workshop, rate: float) -> None:
    with pytest.raises(RaceError, match="no chance"):
        _coming(place, error_rate=rate)
    assert _coming(place, error_rate=0.2).survivors == CELLS


def test_without_tips_no_race_begins(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    asked = create(place)
    with pytest.raises(RaceError, match="has no tip yet"):
        _coming(place)
    fill_all(place, asked)
    assert _coming(place, error_rate=0.2).survivors == CELLS


def test_a_tip_that_was_never_made_is_not_waited_for(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    asked = create(place)
    for cell in CELLS:
        fill(place, asked, cell, n_missing=2 if cell == BAD else 0)
    while items := _asked(place, _coming(place, size=1)):
        _score(place, items, dict.fromkeys(WORTH, 3.0))
    assert _coming(place).candidate_ids == frozenset()
    assert exported(place, "ana") == []


def test_one_judges_scores_move_no_other_judges_race(place: Workshop) -> None:
    _score(place, exported(place, "ana"), WORTH)
    assert _coming(place, judge="ben").survivors == CELLS
    assert len(_coming(place, judge="ben").candidate_ids) == 16
