"""Sums by person, day and everything that decided, of all tips that were shown; the rest of this room adds them up.

A tip counts as shown where it came first in a decision of kind `score`, or in one of kind `generate` of which the app
said that it showed it: a tip that was written only to be scored beside others was seen by nobody. Tips further down are
left out, since they are known of only where somebody reacted to them.

People are numbers in it, given anew each time. It is held in memory and never written.
"""

import datetime as dt
from collections.abc import Iterable

import polars as pl

from tip_serving.events import export
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty
from tip_serving.training import reward

DECIDED_BY = ("arm", "manifest_version", "policy_version", "model_version", "prompt_version", "model")
_REACTIONS = ("accepted", "dismissed", "done", "snoozed", "rated")
NO_VERSION = "none"
"""In the place of a version where nothing of the sort decided."""
_READ = ("user", "decision_id", "tip_id", "at", "kind", *DECIDED_BY, "rank", "rating", "shown_at",
         *(f"{reaction}_at" for reaction in _REACTIONS))  # fmt: skip
COUNTS = ("n_shown", "n_due", "n_open", "n_displayed", *(f"n_{reaction}" for reaction in _REACTIONS))

_DAY: Schema = {
    "day": pl.Date,
    "user": pl.String,
    **dict.fromkeys(DECIDED_BY, pl.String),  # prompt_version and model are null where nobody is known to have written
    "n_decisions": pl.Int64,  # of both kinds, shown or not
    **dict.fromkeys(COUNTS, pl.Int64),
    "rewarded": pl.Float64,  # of those that are due
    "rating_sum": pl.Float64,
}
TALLY: Schema = {"person": pl.Int64, **{name: dtype for name, dtype in _DAY.items() if name != "user"}}


def tally(lake: Lake, of: Iterable[dt.date], now: dt.datetime) -> pl.DataFrame:
    """The sums of these days as the lake has them, with the columns of TALLY.

    Args:
        lake: with or without any of the days.
        of: UTC days; one that is named twice counts once.
        now: aware; which rewards are certain.
    """
    return joined(summed(export.read_day(lake, TIP_SCORES, day, _READ), day, now) for day in sorted(set(of)))


def joined(days: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Several days' sums as one tally."""
    whole = pl.concat([empty(_DAY), *days])
    return whole.select(coded("user").alias("person"), *(name for name in TALLY if name != "person"))


def coded(*columns: str) -> pl.Expr:
    """A number for each combination of these columns, int64 and dense: numbers are grouped ten times as fast as names.

    Column `code`; in the order of the values.
    """
    of = pl.col(columns[0]) if len(columns) == 1 else pl.struct(columns)
    return of.rank("dense").cast(pl.Int64).alias("code")


def summed(shown: pl.DataFrame, day: dt.date, now: dt.datetime) -> pl.DataFrame:
    """The sums of one day's rows of `tip_scores`, by user; a row that comes twice counts once."""
    is_over = pl.lit(now.astimezone(dt.UTC)) - pl.col("at") > reward.WINDOW
    counts = {
        "n_shown": pl.lit(value=True),
        "n_due": is_over,
        "n_open": ~is_over,
        "n_displayed": pl.col("shown_at").is_not_null(),
        **{f"n_{reaction}": pl.col(f"{reaction}_at").is_not_null() for reaction in _REACTIONS},
    }
    is_shown = (pl.col("kind") == "score") | pl.col("shown_at").is_not_null()
    whole = (
        shown.filter(pl.col("rank") == 0)
        .unique(["user", "decision_id", "tip_id"], keep="first", maintain_order=True)
        .with_columns(reward.reward_of(), is_shown.alias("is_shown"), pl.lit(day).alias("day"))
        .with_columns(pl.col(*DECIDED_BY[:4]).fill_null(NO_VERSION))
        .group_by("day", "user", *DECIDED_BY, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("n_decisions"),
            *((pl.col("is_shown") & told).sum().cast(pl.Int64).alias(name) for name, told in counts.items()),
            pl.col("reward").filter(pl.col("is_shown") & is_over).sum().alias("rewarded"),
            pl.col("rating").filter(pl.col("is_shown") & pl.col("rated_at").is_not_null()).sum().alias("rating_sum"),
        )
    )
    return whole.select(pl.col(name).cast(dtype) for name, dtype in _DAY.items())
