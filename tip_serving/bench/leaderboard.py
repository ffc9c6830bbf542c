"""The leaderboard of an experiment in the lake: two tables and a page. What is in them comes from `ranking`.

Grain of the leaderboard: one row per cell, judge and rubric version. Every cell has a row, also one that failed or that
nobody scored: its mean is null, not zero. Grain of the differences: one row per pair of cells, judge and rubric
version. 300 cells have 45,000 pairs, which take a second to read as boards; so the boards keep those of the leaders.
"""

from collections.abc import Sequence

import polars as pl

from tip_serving.bench.page.content import JudgeBoard, Page
from tip_serving.bench.page.render import render
from tip_serving.bench.page.views import among_leading
from tip_serving.bench.results import CellResult
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, read_table, write_table

LEADERBOARD_SCHEMA: Schema = {
    "judge": pl.String,
    "rubric_version": pl.String,
    "place": pl.Int32,  # 1 is best, equal means share it; null where nothing is scored
    "rank_low": pl.Int32,  # 95 % interval of the rank
    "rank_high": pl.Int32,
    "model": pl.String,
    "prompt": pl.String,
    "status": pl.String,
    "verdict": pl.String,  # whether the interval can be trusted
    "score_mean": pl.Float64,  # on the rubric's scale
    "score_se": pl.Float64,  # clustered by scenario; null below two scored scenarios
    "score_low": pl.Float64,  # 95 % interval
    "score_high": pl.Float64,
    "n_scenarios": pl.Int32,  # with at least one score
    "n_scored": pl.Int32,
    "n_unscored": pl.Int32,
    "n_failed": pl.Int32,
    "win_share": pl.Float64,
    "to_best": pl.Float64,  # mean less the best of the others, with simultaneous 95 % bounds
    "to_best_low": pl.Float64,
    "to_best_high": pl.Float64,
    "is_droppable": pl.Boolean,
    "cost_usd": pl.Float64,
    "cost_usd_per_1000": pl.Float64,
    "latency_p50_ms": pl.Float64,
    "latency_p95_ms": pl.Float64,
    "prompt_tokens": pl.Float64,  # per tip
    "completion_tokens": pl.Float64,
    "reason": pl.String,  # why a failed cell failed
}

DIFFERENCES_SCHEMA: Schema = {
    "judge": pl.String,
    "rubric_version": pl.String,
    "first_model": pl.String,
    "first_prompt": pl.String,
    "second_model": pl.String,
    "second_prompt": pl.String,
    "difference": pl.Float64,  # mean of the first less the second, on the scenarios that both were scored on
    "low": pl.Float64,  # 95 % interval of this pair alone; null where there is none
    "high": pl.Float64,
    "p_adjusted": pl.Float64,  # by Holm over all pairs
    "n_scenarios": pl.Int32,
    "is_different": pl.Boolean,
}


def publish(lake: Lake, page: Page, results: Sequence[CellResult]) -> pl.DataFrame:
    """Write the tables, the boards and the page; the leaderboard.

    Args:
        lake: where they go.
        page: what was found out.
        results: every done cell, for what a page does not show.
    """
    table = tabulated(page.boards, results)
    write_table(lake, layout.leaderboard(page.experiment), table)
    write_table(lake, layout.differences(page.experiment), compared(page.boards))
    leaders = [
        board.model_copy(update={"differences": among_leading(board.rows, board.differences)}) for board in page.boards
    ]
    sample = page.sample.model_copy(update={"scenarios": ()})
    untold = page.model_copy(update={"boards": tuple(leaders), "sample": sample})
    lake.write(layout.boards(page.experiment), untold.model_dump_json().encode())
    lake.write(layout.leaderboard_page(page.experiment), render(page).encode())
    return table


def tabulated(boards: Sequence[JudgeBoard], results: Sequence[CellResult]) -> pl.DataFrame:
    """The table of these boards, in their order."""
    by_cell = {result.cell: result for result in results}
    rows = []
    for board in boards:
        for row in board.rows:
            result = by_cell[row.cell]
            told = {name: value for name, value in row.model_dump().items() if name in LEADERBOARD_SCHEMA}
            about = {"judge": board.judge, "rubric_version": board.rubric_version, "verdict": row.verdict.value}
            rows.append(told | about | {"status": result.status.value, "cost_usd": result.cost_usd})
    return pl.DataFrame(rows, schema=LEADERBOARD_SCHEMA)


def compared(boards: Sequence[JudgeBoard]) -> pl.DataFrame:
    """The differences of these boards as a table."""
    rows = [
        {
            "judge": board.judge,
            "rubric_version": board.rubric_version,
            "first_model": one.first.model,
            "first_prompt": one.first.prompt,
            "second_model": one.second.model,
            "second_prompt": one.second.prompt,
            **one.model_dump(exclude={"first", "second"}),
        }
        for board in boards
        for one in board.differences
    ]
    return pl.DataFrame(rows, schema=DIFFERENCES_SCHEMA)


def read(lake: Lake, experiment: str) -> pl.DataFrame:
    """The table as it was written last. Raises MissingError."""
    return read_table(lake, layout.leaderboard(experiment))


def read_boards(lake: Lake, experiment: str) -> tuple[JudgeBoard, ...]:
    """The boards as they were written last, with what the tables do not hold. Raises MissingError."""
    return Page.model_validate_json(lake.read(layout.boards(experiment))).boards
