"""Verdicts on pairs of tips. Grain of the ledger: one row per ordered pair, judge, rubric version and import.

A pair is judged in both orders, as two rows: what is shown first often has an advantage, and only both orders tell it.
"""

import polars as pl

from tip_serving.bench.judging.ledger import Ledger
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema

VERDICT_SCHEMA: Schema = {
    "first_id": pl.String,  # the candidate that was shown first
    "second_id": pl.String,
    "judge": pl.String,
    "rubric_version": pl.String,
    "outcome": pl.Float64,  # 1 the first is better, 0 the second, 0.5 a tie
    "comment": pl.String,
    "cost_usd": pl.Float64,
    "experiment": pl.String,
    "imported_at": pl.Datetime("us", "UTC"),
}
OUTCOMES = {"first": 1.0, "tie": 0.5, "second": 0.0}
VERDICTS = Ledger(layout.VERDICTS, ("first_id", "second_id"), VERDICT_SCHEMA, has_points=False)
_SIDE = ("candidate_id", "model", "prompt", "text")


def view(lake: Lake, candidates: pl.DataFrame) -> pl.DataFrame:
    """The standing verdicts between candidates of an experiment: VERDICT_SCHEMA and each side's model, prompt, text.

    Args:
        lake: where the ledger lies.
        candidates: of the experiment, with `candidate_id, model, prompt, text, scenario_id`.
    """
    first = candidates.select(*(pl.col(name).alias(f"first_{name.removeprefix('candidate_')}") for name in _SIDE),
                              "scenario_id")  # fmt: skip
    second = candidates.select(*(pl.col(name).alias(f"second_{name.removeprefix('candidate_')}") for name in _SIDE),
                               "scenario_id")  # fmt: skip
    frames = [VERDICTS.latest(lake, *judged) for judged in VERDICTS.judges(lake)]
    standing = pl.concat([pl.DataFrame(schema=VERDICT_SCHEMA), *frames])
    return standing.join(first, on="first_id", how="inner").join(second, on=["second_id", "scenario_id"], how="inner")
