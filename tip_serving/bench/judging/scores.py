"""Scores of single tips. Grain of the ledger: one row per candidate, judge, rubric version and import.

*Unscored* is the absence of a row, never a zero. The view of an experiment has one row per candidate and judge, with
null where unscored.
"""

import polars as pl

from tip_serving.bench.judging.ledger import Ledger
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, write_table

SCORE_SCHEMA: Schema = {
    "candidate_id": pl.String,
    "judge": pl.String,
    "rubric_version": pl.String,
    "score": pl.Float64,  # mean over criteria, 1 to 5; on the scale of its source where it was measured elsewhere
    "comment": pl.String,
    "cost_usd": pl.Float64,  # what the judgement cost; null where nobody says
    "experiment": pl.String,  # through which the score came
    "imported_at": pl.Datetime("us", "UTC"),
}
VIEW_KEYS = ("candidate_id", "model", "prompt", "scenario_id", "sample_index")
SCORES = Ledger(layout.SCORES, ("candidate_id",), SCORE_SCHEMA, has_points=True)


def view(lake: Lake, candidates: pl.DataFrame) -> pl.DataFrame:
    """The scores of an experiment's candidates: one row per candidate and judge that scored any of them."""
    keys = candidates.select(VIEW_KEYS)
    frames = []
    for judge, rubric_version in SCORES.judges(lake):
        standing = SCORES.latest(lake, judge, rubric_version).drop("judge", "rubric_version", "experiment")
        joined = keys.join(standing, on="candidate_id", how="left", maintain_order="left")
        if joined["score"].null_count() < joined.height:
            labels = (pl.lit(judge).alias("judge"), pl.lit(rubric_version).alias("rubric_version"))
            frames.append(joined.with_columns(*labels))
    nothing = keys.clear().with_columns(
        pl.lit(None, dtype=SCORE_SCHEMA[name]).alias(name) for name in ("judge", "rubric_version", "score")
    )
    return pl.concat([nothing, *frames], how="diagonal")


def write_view(lake: Lake, experiment: str, table: pl.DataFrame) -> None:
    """Keep the view of an experiment beside its leaderboard."""
    write_table(lake, layout.scores_view(experiment), table)
