"""Judges against people in worlds whose truth is known: who predicts, who guesses, who is turned around."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from support.rewards import LATER, board, living, write_days

from tip_serving.lake.storage import Lake
from tip_serving.rewards.judging import Against, Judged, judges_against_people
from tip_serving.rewards.rates import rates
from tip_serving.rewards.tally import tally

N_CELLS = 12
WORTH = {f"model-{n // 3}|v{n % 3}": 0.12 + 0.04 * n for n in range(N_CELLS)}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """What people did with tips of twelve cells of known worth."""
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    rows = living(np.random.default_rng(1), WORTH, n_users=150, n_days=40)
    return rates(tally(lake, write_days(lake, rows), LATER), LATER)


def _judged(live: pl.DataFrame, means: Mapping[str, float], judge: str = "ana", **about: Any) -> Against:
    return judges_against_people([Judged("tip-bench-one", board(judge, means, **about))], live)


def _scores(slope: float, noise: float, seed: int = 2) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    return {key: 3.0 + slope * (worth - 0.3) + noise * rng.normal() for key, worth in WORTH.items()}


def _worth(found: Against) -> Any:
    [row] = found.worth.iter_rows(named=True)
    return row


def test_a_judge_who_knows_what_people_like_is_found_to_predict_them(live: pl.DataFrame) -> None:
    row = _worth(_judged(live, _scores(5.0, 0.1), error=0.1))
    assert row["verdict"] == "predicts people"
    assert row["n_cells"] == N_CELLS
    assert row["without_noise_low"] > 0.5
    assert row["by_rank"] > 0.8
    assert row["slope_low"] < 1 / 5.0 < row["slope_high"], "the true rise is a fifth of a reward per point"
    assert "predicts people: over 12 cells" in row["sentence"]
    assert row["curve_reward"] == sorted(row["curve_reward"])
    assert all(low < at < high for low, at, high in zip(
        row["curve_low"], row["curve_reward"], row["curve_high"], strict=True))  # fmt: skip


def test_a_judge_who_guesses_is_not_shown_to_predict(live: pl.DataFrame) -> None:
    row = _worth(_judged(live, _scores(0.0, 0.4)))
    assert row["verdict"] == "not shown"
    assert row["without_noise_low"] < 0 < row["without_noise_high"]


def test_a_judge_who_likes_what_people_do_not_is_turned_around(live: pl.DataFrame) -> None:
    assert _worth(_judged(live, _scores(-5.0, 0.1)))["verdict"] == "turned around"


def test_noise_of_the_bench_is_taken_off_and_told(live: pl.DataFrame) -> None:
    scores = _scores(3.0, 0.35, seed=5)
    row = _worth(_judged(live, scores, error=0.35))
    assert row["reliability_score"] < 0.8
    assert row["without_noise"] > row["linear"]
    assert "is no noise; without the noise it would be" in row["sentence"]


def test_judges_and_rubrics_stand_each_by_itself(live: pl.DataFrame) -> None:
    boards = [
        Judged("tip-bench-one", board("ana", _scores(5.0, 0.1))),
        Judged("tip-bench-one", board("ben", _scores(-5.0, 0.1), kind="script")),
        Judged("tip-bench-one", board("ana", _scores(0.0, 0.4), rubric="r2")),
    ]
    found = judges_against_people(boards, live).worth
    assert found.select("judge", "rubric_version", "kind", "verdict").rows() == [
        ("ana", "r1", "person", "predicts people"),
        ("ana", "r2", "person", "not shown"),
        ("ben", "r1", "script", "turned around"),
    ]
    alone = _worth(_judged(live, _scores(5.0, 0.1)))
    assert found.row(0, named=True) == alone, "who else judges changes nothing"


def test_of_a_cell_in_two_experiments_the_board_with_more_scores_counts(live: pl.DataFrame) -> None:
    few = board("ana", dict.fromkeys(WORTH, 1.5))
    few = few.model_copy(update={"rows": tuple(row.model_copy(update={"n_scored": 8}) for row in few.rows)})
    many = Judged("tip-bench-many", board("ana", _scores(5.0, 0.1)))
    for order in ([Judged("tip-bench-few", few), many], [many, Judged("tip-bench-few", few)]):
        found = judges_against_people(order, live)
        assert set(found.cells["experiment"]) == {"tip-bench-many"}
        assert found.worth.height == 1
    called_otherwise = Judged("tip-bench-zero", board("ana", {"model-0|v0": 3.0}, kind="coding agent"))
    assert judges_against_people([many, called_otherwise], live).worth["kind"].to_list() == ["coding agent"]


def test_cells_that_take_no_part_are_in_the_table_with_why(live: pl.DataFrame) -> None:
    scores = {**dict(list(_scores(5.0, 0.1).items())[:3]), "model-9|v9": 4.0}
    found = _judged(live, scores)
    why = {f"{row['model']}|{row['prompt_version']}": row["why_not"] for row in found.cells.iter_rows(named=True)}
    assert why.pop("model-9|v9") == "nobody has seen its tips"
    assert set(why.values()) == {None}
    row = _worth(found)
    assert (row["n_cells"], row["n_left_out"], row["verdict"]) == (3, 1, "too few cells")
    assert row["without_noise"] is None
    assert row["curve_score"] == [], "a line through three is no calibration"
    assert row["sentence"].startswith("Nobody can say yet whether")
    assert "1 cell cannot take part yet." in row["sentence"]


def test_scores_or_rewards_that_do_not_vary_and_a_handful_of_people_are_no_evidence(tmp_path: Any) -> None:
    lake = Lake(str(tmp_path))
    rows = living(np.random.default_rng(3), {"a|v1": 0.4, "b|v1": 0.4}, n_users=60, n_days=8)
    rows = [row for row in rows if row["model"] == "a" or int(row["user"][1:]) < 5]
    never = [{**row, "model": "c", "decision_id": f"c{row['decision_id']}", "accepted_at": None} for row in rows]
    live = rates(tally(lake, write_days(lake, [*rows, *never]), LATER), LATER)
    still = board("ana", {"a|v1": 3.0}, error=0.0)
    [told] = judges_against_people([Judged("tip-bench-one", still)], live).cells["why_not"]
    assert told == "its scores do not vary"
    found = _judged(live, {"b|v1": 3.0, "c|v1": 4.0}).cells
    assert found["why_not"].to_list() == ["seen by 5 people, 10 are needed", "its rewards do not vary"]


def test_without_boards_or_without_people_there_is_nothing_to_tell(live: pl.DataFrame) -> None:
    nobody = judges_against_people([], live)
    assert (nobody.cells.height, nobody.worth.height) == (0, 0)
    assert _worth(_judged(live.clear(), _scores(5.0, 0.1)))["verdict"] == "too few cells"
