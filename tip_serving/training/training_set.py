"""The training set: what was decided on which features, and what became of it.

    features/training/<day>.parquet    one row per decision of kind `score` of a UTC day, about the tip that came first

Features are the very vectors that the exposure logged, never computed again. Rows of another feature contract and
decisions without usable vectors are counted and left out. Rows are in order of user, moment and decision.
"""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_serving.events import export
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.features.contract import contract_hash
from tip_serving.features.vector import names
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, put_table, read_table
from tip_serving.training.reward import is_dismissed, is_settled, reward_of

ORDER = ("user", "at", "decision_id")
_LOGGED = ("event_id", "at", "user", "decision_id", "contract_hash", "tip_ids", "order", "vectors")


def schema() -> Schema:
    """The columns of the table in order; every column of the vector is Float64, NaN and never null."""
    shown = export.SCHEMAS[TIP_SCORES]
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


class Built(NamedTuple):
    """One day, and the decisions that are not in it."""

    frame: pl.DataFrame
    """With the columns of `schema`."""
    n_other_contract: int
    n_unusable: int
    """Logged without vectors, or with vectors that are no table of this contract."""


def build(lake: Lake, day: dt.date, now: dt.datetime) -> Built:
    """The decisions of one UTC day with their reactions in the lake.

    Args:
        lake: with the exposures and `tip_scores` of the day.
        day: of the decisions.
        now: aware; decides which rewards are settled.
    """
    shown = export.read_day(lake, TIP_SCORES, day).filter((pl.col("rank") == 0) & (pl.col("kind") == "score"))
    logged = export.read_day(lake, Kind.EXPOSURE, day, _LOGGED).sort("at", "event_id")
    logged = logged.unique(["decision_id", "user"], keep="first").drop("at", "event_id")
    position = pl.col("order").list.first().alias("position")
    rows = shown.join(logged.with_columns(position), on=["decision_id", "user"], how="inner").sort(ORDER)
    ours = rows.filter(pl.col("contract_hash") == contract_hash())
    usable = ours.filter(is_usable())
    features = pl.from_numpy(shown_rows(usable["vectors"], usable["position"]), schema=list(names()), orient="row")
    frame = usable.with_columns(
        pl.col("tip_ids").list.len().cast(pl.Int64).alias("n_candidates"), reward_of(), is_settled(now), is_dismissed()
    ).hstack(features)  # fmt: skip
    return Built(frame.select(*schema()), rows.height - ours.height, ours.height - usable.height)


def write(lake: Lake, day: dt.date, now: dt.datetime) -> Built:
    """Build the day and write it, or take away one that nothing is left for."""
    built = build(lake, day, now)
    put_table(lake, layout.training_set(day.isoformat()), built.frame)
    return built


def shown_rows(packed: pl.Series, position: pl.Series) -> NDArray[np.float64]:
    """(n, F) float64: of each packed table the row at its position, bit for bit.

    Args:
        packed: (n,) structs as `export` writes them, all usable.
        position: (n,) which row.
    """
    width = len(names())
    bits = np.frombuffer(b"".join(packed.struct.field("first_row")), "<u8").reshape(-1, width).copy()
    later = pl.DataFrame({
        "row": np.arange(len(packed)), "position": position, "varying": packed.struct.field("varying"),
        "other": packed.struct.field("other_rows"),
    }).filter(pl.col("position") > 0)  # fmt: skip
    for _, group in later.group_by("varying"):
        columns = group["varying"][0].to_numpy()
        size = 8 * len(columns)
        cut = [other[size * (n - 1) : size * n] for other, n in group.select("other", "position").iter_rows()]
        bits[np.ix_(group["row"].to_numpy(), columns)] = np.frombuffer(b"".join(cut), "<u8").reshape(-1, len(columns))
    return bits.view(np.float64)


def is_usable() -> pl.Expr:
    """Whether the vectors of an exposure are a table with a row per candidate and a column per name."""
    packed, width = pl.col("vectors").struct, len(names())
    n_varying = packed.field("varying").list.len()
    fits = (
        (packed.field("n_rows") == pl.col("tip_ids").list.len())
        & (packed.field("first_row").bin.size() == 8 * width)
        & (packed.field("other_rows").bin.size() == 8 * n_varying * (packed.field("n_rows") - 1))
        & (packed.field("varying").list.max().fill_null(0) < width)
    )
    return fits.fill_null(value=False)


def read(lake: Lake, days: Iterable[dt.date]) -> pl.DataFrame:
    """The decisions of these UTC days under the contract in force; days that the lake does not have have no rows."""
    paths = [layout.training_set(day.isoformat()) for day in sorted(set(days))]
    declared = schema()
    tables = [read_table(lake, path) for path in paths if lake.exists(path)]
    # A day that another contract made may have other columns, and then has none of the rows that are wanted here.
    fitting = [table for table in tables if table.schema == pl.Schema(declared)]
    return pl.concat([empty(declared), *fitting]).filter(pl.col("contract_hash") == contract_hash())
