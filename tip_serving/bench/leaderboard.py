"""The leaderboard of an experiment. Grain: one row per cell and judge; judges are never averaged together.

Every cell has a row, also one that failed or that nobody scored: its mean is null, not zero.
"""

from collections.abc import Sequence

import polars as pl

from tip_experiments.stats.clustered import clustered_mean
from tip_serving.bench.results import CellResult
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import read_table, write_table

LEADERBOARD_SCHEMA = {
    "judge": pl.String,
    "rubric_version": pl.String,
    "place": pl.Int32,  # 1 is best; null where nothing is scored
    "model": pl.String,
    "prompt": pl.String,
    "status": pl.String,
    "score_mean": pl.Float64,  # 1 to 5
    "score_se": pl.Float64,  # clustered by scenario; null below two scored scenarios
    "n_scored": pl.Int32,
    "n_unscored": pl.Int32,
    "n_failed": pl.Int32,
    "cost_usd": pl.Float64,
    "latency_p50_ms": pl.Float64,
    "latency_p95_ms": pl.Float64,
    "reason": pl.String,  # why a failed cell failed
}


def rank(lake: Lake, experiment: str, results: Sequence[CellResult], scores: pl.DataFrame) -> pl.DataFrame:
    """Write and return the leaderboard.

    Args:
        lake: where it goes.
        experiment: whose.
        results: every done cell, failed ones too.
        scores: the experiment's view, one row per candidate and judge.
    """
    judges = scores.select("judge", "rubric_version").drop_nulls().unique(maintain_order=True).rows() or [(None, None)]
    frames = []
    for judge, rubric_version in judges:
        is_theirs = pl.col("judge").eq_missing(pl.lit(judge)) & pl.col("rubric_version").eq_missing(
            pl.lit(rubric_version)
        )
        of_judge = scores.filter(is_theirs)
        rows = [_row(result, of_judge, judge, rubric_version) for result in results]
        frame = pl.DataFrame(rows, schema=LEADERBOARD_SCHEMA)
        place = pl.col("score_mean").rank("min", descending=True).cast(pl.Int32)
        frames.append(frame.with_columns(place=place).sort("place", "model", "prompt", nulls_last=True))
    table = pl.concat(frames)
    write_table(lake, layout.leaderboard(experiment), table)
    return table


def _row(result: CellResult, scores: pl.DataFrame, judge: str | None, rubric_version: str | None) -> dict[str, object]:
    of_cell = scores.filter(pl.col("model") == result.model, pl.col("prompt") == result.prompt)
    scored = of_cell.drop_nulls("score")
    mean = clustered_mean(scored["score"].to_numpy(), scored["scenario_id"].to_numpy())
    return {
        "judge": judge,
        "rubric_version": rubric_version,
        "place": None,
        "model": result.model,
        "prompt": result.prompt,
        "status": result.status.value,
        "score_mean": mean.mean if mean else None,
        "score_se": mean.standard_error if mean else None,
        "n_scored": scored.height,
        "n_unscored": result.n_done - scored.height,
        "n_failed": result.n_failed,
        "cost_usd": result.cost_usd,
        "latency_p50_ms": result.latency_p50_ms,
        "latency_p95_ms": result.latency_p95_ms,
        "reason": result.reason,
    }


def read(lake: Lake, experiment: str) -> pl.DataFrame:
    """The leaderboard as it was written last. Raises MissingError."""
    return read_table(lake, layout.leaderboard(experiment))
