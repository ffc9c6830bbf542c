"""Leaderboards: every cell has a row, and unscored is not zero."""

from pathlib import Path

import polars as pl
import pytest
from support.bench import EXPERIMENT, create, fill, fill_all, workshop

from tip_serving.bench import leaderboard, results
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.page import views
from tip_serving.bench.ranking.report import in_order, report
from tip_serving.bench.results import CellResult
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.lake.tables import read_table

CELLS = [Cell(model, prompt) for model in ("embedded/first", "embedded/planner") for prompt in ("v1", "v2")]


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    fill_all(made, create(made))
    return made


def _view(place: Workshop, score_of: dict[str, list[float | None]], judge: str = "ana") -> pl.DataFrame:
    """Scores of the first scenarios of each cell as given; null beyond."""
    frames = []
    for cell in CELLS:
        rows = results.candidates(place.store, EXPERIMENT, cell).select(
            "candidate_id", "model", "prompt", "scenario_id"
        )
        given = score_of.get(cell.key, [])
        padded = [*given, *[None] * (rows.height - len(given))]
        frames.append(rows.with_columns(score=pl.Series(padded, dtype=pl.Float64)))
    points = [pl.col("score").alias(name) for name in load_rubric("r1").names]
    labels = {"judge": pl.lit(judge), "rubric_version": pl.lit("r1"), "comment": pl.lit("")}
    return pl.concat(frames).with_columns(*points, **labels)


def _rank(place: Workshop, view: pl.DataFrame) -> pl.DataFrame:
    """The leaderboard as it is published when judges have said this."""
    evidence = place.evidence(EXPERIMENT)._replace(scores=view)
    return leaderboard.publish(place.lake, report(evidence), evidence.results)


def _row(board: pl.DataFrame, cell: Cell) -> dict[str, object]:
    return board.filter(pl.col("model") == cell.model, pl.col("prompt") == cell.prompt).row(0, named=True)


def test_unscored_is_counted_and_never_averaged_as_zero(place: Workshop) -> None:
    view = _view(place, {CELLS[0].key: [4.0, 5.0], CELLS[1].key: [3.0] * 6})
    board = _rank(place, view)
    best, whole, none = (_row(board, cell) for cell in CELLS[:3])
    assert (best["place"], best["score_mean"], best["n_scored"], best["n_unscored"]) == (1, 4.5, 2, 4)
    assert (whole["place"], whole["score_mean"], whole["score_se"], whole["n_unscored"]) == (2, 3.0, 0.0, 0)
    assert (none["place"], none["score_mean"], none["score_se"], none["n_scored"]) == (None, None, None, 0)
    assert board.height == len(CELLS)


def test_one_scored_scenario_has_a_mean_and_no_standard_error(place: Workshop) -> None:
    board = _rank(place, _view(place, {CELLS[0].key: [4.0]}))
    assert (_row(board, CELLS[0])["score_mean"], _row(board, CELLS[0])["score_se"]) == (4.0, None)


def test_ties_share_a_place(place: Workshop) -> None:
    view = _view(place, {cell.key: [4.0, 4.0] for cell in CELLS[:2]} | {CELLS[2].key: [3.0]})
    board = _rank(place, view)
    assert board["place"].to_list() == [1, 1, 3, None]


def test_judges_stand_in_rows_of_their_own(place: Workshop) -> None:
    view = pl.concat([_view(place, {CELLS[0].key: [5.0] * 6}, "ana"), _view(place, {CELLS[0].key: [1.0] * 6}, "ben")])
    board = _rank(place, view)
    assert board.height == 2 * len(CELLS)
    means = board.filter(pl.col("place") == 1).select("judge", "score_mean").rows()
    assert sorted(means) == [("ana", 5.0), ("ben", 1.0)]


def test_people_stand_first_and_of_one_judge_the_newest_rubric_last() -> None:
    given = [("llm:m", "r1"), ("ana", "r10"), ("ana", "r2"), ("ana", "r1")]
    assert sorted(given, key=in_order) == [("ana", "r1"), ("ana", "r2"), ("ana", "r10"), ("llm:m", "r1")]


def test_a_failed_cell_has_a_row_that_says_why(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    asked = create(place)
    for cell in CELLS:
        fill(place, asked, cell, n_missing=6 if cell == CELLS[3] else 0)
    board = _rank(place, _view(place, {CELLS[0].key: [4.0] * 6}))
    failed = _row(board, CELLS[3])
    assert (failed["status"], failed["n_failed"], failed["n_unscored"], failed["score_mean"]) == ("failed", 6, 0, None)
    assert failed["reason"]


def test_without_any_score_every_cell_is_still_listed(place: Workshop) -> None:
    _, view = place.import_scores(EXPERIMENT)
    board = _rank(place, view)
    assert board.height == len(CELLS)
    assert board["judge"].null_count() == board["place"].null_count() == len(CELLS)


def test_money_and_time_are_those_of_the_experiments_own_candidates(place: Workshop) -> None:
    result: CellResult = place.results(EXPERIMENT)[0]
    assert result.cost_usd == pytest.approx(6 * 0.001)
    assert result.latency_p50_ms == pytest.approx(12.5)
    assert result.latency_p95_ms == pytest.approx(14.75)
    assert (result.prompt_tokens, result.completion_tokens) == (600, 120)


def test_all_pairs_lie_in_a_table_and_the_boards_keep_those_of_the_leaders(
    place: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_MATRIX", 2)
    _rank(place, _view(place, {cell.key: [float(at + 1), 3.0, 4.0] for at, cell in enumerate(CELLS)}))
    table = read_table(place.lake, layout.differences(EXPERIMENT))
    assert dict(table.schema) == leaderboard.DIFFERENCES_SCHEMA
    assert table.height == 6
    assert table["n_scenarios"].to_list() == [3] * 6
    assert table["difference"].abs().max() == pytest.approx(1.0), "(4 - 1) / 3"
    (board,) = leaderboard.read_boards(place.lake, EXPERIMENT)
    leaders = {row.cell for row in board.rows[:2]}
    assert [{kept.first, kept.second} for kept in board.differences] == [leaders]
