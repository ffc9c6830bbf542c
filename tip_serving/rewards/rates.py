"""How often tips were rewarded, for each key of each dimension: by day, by week and over all, with intervals.

People are the draws, not tips: one person's tips share that person's moods, so errors are clustered by person.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.intervals import Verdict
from tip_experiments.stats.means import CellMean, cell_means
from tip_serving.rewards.tables import PROMPT_REWARDS, Certainty, Dimension, Window
from tip_serving.rewards.tally import COUNTS

_CERTAINTY = {
    Verdict.OK: Certainty.ESTIMATED,
    Verdict.TOO_FEW: Certainty.TOO_FEW,
    Verdict.ONE_SCENARIO: Certainty.TOO_FEW,
    Verdict.CONSTANT: Certainty.CONSTANT,
    Verdict.UNSCORED: Certainty.OPEN,
}
_COLUMN = {Dimension.POLICY: "policy_version", Dimension.REWARD_MODEL: "model_version", Dimension.ARM: "arm"}


def keyed(tally: pl.DataFrame, dimension: Dimension) -> pl.DataFrame:
    """The tally of what was shown, with the column `key` of this dimension.

    Tips of which nobody knows who wrote them have no key in the dimension `prompt` and are left out there.
    """
    shown = tally.filter(pl.col("n_shown") > 0)
    if dimension is Dimension.PROMPT:
        written = shown.drop_nulls(["model", "prompt_version"])
        return written.with_columns(pl.concat_str("model", pl.lit("|"), "prompt_version").alias("key"))
    return shown.with_columns(pl.col(_COLUMN[dimension]).alias("key"))


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
        Window.ALL: pl.col("day").min().over("key"),
    }
    cell = ["model", "prompt_version"] if dimension is Dimension.PROMPT else []
    for window, start in starts.items():
        by_person = (
            found.with_columns(start.alias("since"))
            .group_by("key", "since", "user", *cell, maintain_order=True)
            .agg(pl.col(*COUNTS, "rewarded", "rating_sum").sum(), pl.col("day").max())
        )
        for (key, since), rows in by_person.sort("key", "since").group_by("key", "since", maintain_order=True):
            about = {"dimension": dimension.value, "key": key, "window": window.value, "since": since, "as_of": now}
            yield about | _rate(rows) | {name: rows[name][0] if cell else None for name in ("model", "prompt_version")}


def _rate(by_person: pl.DataFrame) -> dict[str, Any]:
    """Of one bucket, one row per person."""
    sums = {name: int(by_person[name].sum()) for name in COUNTS}
    found = reward_rate(by_person["rewarded"].to_numpy(), by_person["n_due"].to_numpy())
    low, high = (None if end is None else min(max(end, 0.0), 1.0) for end in (found.low, found.high))
    return {
        "until": by_person["day"].max(),
        "n_users": by_person.height,
        **sums,
        "rating_mean": float(by_person["rating_sum"].sum()) / sums["n_rated"] if sums["n_rated"] else None,
        "reward_rate": found.mean,
        "reward_se": found.standard_error,
        "reward_low": low,
        "reward_high": high,
        "certainty": _CERTAINTY[found.verdict].value,
    }


def reward_rate(rewarded: np.ndarray[Any, Any], n_due: np.ndarray[Any, Any]) -> CellMean:
    """The rate of one bucket; an observation is a tip whose window is over, a cluster is a person.

    Args:
        rewarded: (U,) sums by person.
        n_due: (U,) numbers of tips by person; of a person without any the sum is 0.
    """
    scores = CellScores(rewarded.astype(np.float64)[np.newaxis], n_due.astype(np.int64)[np.newaxis])
    return cell_means(scores)[0]
