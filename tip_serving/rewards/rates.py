"""How often tips were rewarded, for each key of each dimension: by day, by week and over all, with intervals.

People are the draws, not tips: one person's tips share that person's moods, so errors are clustered by person.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.intervals import Verdict
from tip_experiments.stats.means import CellMean, cell_means
from tip_serving.rewards.tables import PROMPT_REWARDS, Certainty, Dimension, Window
from tip_serving.rewards.tally import COUNTS, coded

_CERTAINTY = {
    Verdict.OK: Certainty.ESTIMATED,
    Verdict.TOO_FEW: Certainty.TOO_FEW,
    Verdict.ONE_SCENARIO: Certainty.TOO_FEW,
    Verdict.CONSTANT: Certainty.CONSTANT,
    Verdict.UNSCORED: Certainty.OPEN,
}
_COPIED = ("since", "until", "n_users")
_COLUMN = {Dimension.POLICY: "policy_version", Dimension.REWARD_MODEL: "model_version", Dimension.ARM: "arm"}


def keyed(tally: pl.DataFrame, dimension: Dimension) -> pl.DataFrame:
    """The tally of what was shown, with the columns `key` of this dimension and `code`, its number.

    Tips of which nobody knows who wrote them have no key in the dimension `prompt` and are left out there.
    """
    shown = tally.filter(pl.col("n_shown") > 0)
    if dimension is Dimension.PROMPT:
        written = shown.drop_nulls(["model", "prompt_version"])
        named = written.with_columns(pl.concat_str("model", pl.lit("|"), "prompt_version").alias("key"))
    else:
        named = shown.with_columns(pl.col(_COLUMN[dimension]).alias("key"))
    return named.with_columns(coded("key"))


def rates(tally: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """One row per dimension, key, window and its first day, with the columns of PROMPT_REWARDS.

    Args:
        tally: of all days.
        now: aware; the moment of the tally.
    """
    rows = [row for dimension in Dimension for row in _of_dimension(keyed(tally, dimension), dimension, now)]
    return pl.DataFrame(rows, PROMPT_REWARDS, orient="row")


def _of_dimension(found: pl.DataFrame, dimension: Dimension, now: dt.datetime) -> Iterator[dict[str, Any]]:
    starts = {
        Window.DAY: pl.col("day"),
        Window.WEEK: pl.col("day").dt.truncate("1w"),
        Window.ALL: pl.col("day").min().over("code"),
    }
    keys = dict(found.select("code", "key").unique().iter_rows())
    for window, start in starts.items():
        by_person = (
            found.with_columns(start.alias("since"))
            .group_by("code", "since", "person", maintain_order=True)
            .agg(pl.col(*COUNTS, "rewarded", "rating_sum").sum(), pl.col("day").max())
        )
        buckets = by_person.group_by("code", "since", maintain_order=True).agg(
            pl.col(*COUNTS, "rating_sum").sum(),
            pl.len().cast(pl.Int64).alias("n_users"),
            pl.col("day").max().alias("until"),
            pl.col("rewarded"),
            pl.col("n_due").alias("due"),
        )
        for row in buckets.sort("code", "since").iter_rows(named=True):
            key = keys[row["code"]]
            about = {"dimension": dimension.value, "key": key, "window": window.value, "as_of": now}
            yield {name: row[name] for name in (*_COPIED, *COUNTS)} | about | _cell(key, dimension) | _rate(row)


def _cell(key: str, dimension: Dimension) -> dict[str, str | None]:
    """Model and prompt behind the key of a cell."""
    model, _, prompt = key.rpartition("|")
    is_cell = dimension is Dimension.PROMPT
    return {"model": model if is_cell else None, "prompt_version": prompt if is_cell else None}


def _rate(row: dict[str, Any]) -> dict[str, Any]:
    """Of one bucket: `rewarded` and `due` list its people."""
    found = reward_rate(np.array(row["rewarded"], np.float64), np.array(row["due"], np.int64))
    low, high = (None if end is None else min(max(end, 0.0), 1.0) for end in (found.low, found.high))
    return {
        "rating_mean": row["rating_sum"] / row["n_rated"] if row["n_rated"] else None,
        "reward_rate": found.mean,
        "reward_se": found.standard_error,
        "reward_low": low,
        "reward_high": high,
        "certainty": _CERTAINTY[found.verdict].value,
    }


def reward_rate(rewarded: NDArray[np.float64], n_due: NDArray[np.int64]) -> CellMean:
    """The rate of one bucket; an observation is a tip whose window is over, a cluster is a person.

    Args:
        rewarded: (U,) float64, sums by person.
        n_due: (U,) int64, numbers of tips by person; of a person without any the sum is 0.
    """
    scores = CellScores(rewarded[np.newaxis], n_due[np.newaxis])
    return cell_means(scores)[0]
