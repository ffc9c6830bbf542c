"""The training set: what was decided on which features, and what became of it.

    features/training/<day>.parquet    one row per decision of kind `score` of a UTC day, about the tip that came first

Features are the very vectors that the exposure logged, never computed again. Rows of another feature contract and
decisions without usable vectors are counted and left out. Rows are in order of user, moment and decision.
"""

import datetime as dt
from collections.abc import Iterable

import polars as pl

from tip_serving.events.export import SCHEMAS
from tip_serving.events.store import TIP_SCORES
from tip_serving.features.vector import names
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, read_table

ORDER = ("user", "at", "decision_id")


def schema() -> Schema:
    """The columns of the table in order; every column of the vector is Float64, NaN and never null."""
    shown = SCHEMAS[TIP_SCORES]
    head = ("decision_id", "tip_id", "user", "at", "arm", "manifest_version", "policy_version", "model_version",
            "prompt_version", "model", "propensity", "score")  # fmt: skip
    reactions = tuple(name for name in shown if name.endswith("_at"))
    return {
        **{name: shown[name] for name in head},
        "n_candidates": pl.Int64,
        "position": pl.Int64,  # of the tip among the candidates
        **{name: shown[name] for name in (*reactions, "rating", "retain_until")},
        "reward": pl.Float64,
        "is_settled": pl.Boolean,
        "is_dismissed": pl.Boolean,
        "contract_hash": pl.String,
        **dict.fromkeys(names(), pl.Float64()),
    }


def read(lake: Lake, days: Iterable[dt.date]) -> pl.DataFrame:
    """The decisions of these UTC days under the contract in force; days that the lake does not have have no rows."""
    paths = [layout.training_set(day.isoformat()) for day in sorted(set(days))]
    declared = schema()
    tables = [read_table(lake, path) for path in paths if lake.exists(path)]
    # A day that another contract made has other columns, and none of the rows that are wanted here.
    fitting = [table for table in tables if table.schema == pl.Schema(declared)]
    return pl.concat([empty(declared), *fitting])
