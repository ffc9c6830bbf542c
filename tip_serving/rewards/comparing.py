"""Whether one prompt, policy, model or arm does better than another, told so that one may look every day.

Each key is held against the oldest that it was shown beside (of two as old, against the one that more people met on
that first day, which no reward could have chosen), within days and manifest versions: what was shown more in
better weeks, or to more people late in a rollout, gains nothing by it. People are the units, also where they saw both.
"""

from typing import Any, NamedTuple

import polars as pl

from tip_experiments.stats.difference import Effect
from tip_experiments.stats.sequential import ConfidenceSequence
from tip_experiments.stats.stratified import StratifiedEffect, stratified_difference
from tip_serving.rewards import sentences
from tip_serving.rewards.rates import keyed
from tip_serving.rewards.tables import COMPARISONS, Dimension
from tip_serving.rewards.tally import coded

PLANNED_USERS = 1_000
"""People for whom intervals are narrowest; they hold for any number from FEWEST on. Fixed before there were data."""
FEWEST = 40
"""People of either side below which nothing is told. Without a difference, at most 1 in 200 runs of people who stay,
with a look every second day, raised an alarm at 95 % or 99 %, also where one side had 2 % of all tips; with 20 people
of either side up to 8 did at 99 %."""
ERROR = 0.05
"""Of all comparisons of a dimension together, at all looks together."""


class _Pair(NamedTuple):
    key: str
    reference: str
    found: StratifiedEffect


def comparisons(tally: pl.DataFrame) -> pl.DataFrame:
    """One row per key that was shown beside an older one, with the columns of COMPARISONS.

    What was shown beside nothing older has no row: nothing would tell it from the days on which it was shown.
    """
    rows = [row for dimension in Dimension for row in _of_dimension(keyed(tally, dimension), dimension)]
    return pl.DataFrame(rows, COMPARISONS, orient="row")


def _of_dimension(found: pl.DataFrame, dimension: Dimension) -> list[dict[str, Any]]:
    due = (
        found.filter(pl.col("n_due") > 0)
        .with_columns(coded("day", "manifest_version").alias("stratum"))
        .group_by("code", "stratum", "person", maintain_order=True)
        .agg(pl.col("rewarded", "n_due").sum(), pl.col("key", "day").first())
    )
    first = due.filter(pl.col("day") == pl.col("day").min().over("key"))
    ages = (
        first.group_by("key", "day")
        .agg(pl.col("person").n_unique().alias("n"))
        .sort("day", "n", "key", descending=[False, True, False])["key"]
        .to_list()
    )
    pairs = [pair for place, key in enumerate(ages) if (pair := _against_oldest(due, key, ages[:place]))]
    if not pairs:
        return []
    sequence = ConfidenceSequence(PLANNED_USERS, 1 - ERROR / len(pairs), burn_in=0)
    return [_told(pair, _watched(pair.found, sequence), dimension, len(pairs)) for pair in pairs]


def _watched(found: StratifiedEffect, sequence: ConfidenceSequence) -> Effect:
    """The effect with what holds at every look; without an interval before enough people of either side came."""
    if min(found.n_control, found.n_treatment) < FEWEST:
        return found.effect._replace(low=None, high=None, p_value=None)
    return sequence.watch(found.effect)


def _against_oldest(due: pl.DataFrame, key: str, older: list[str]) -> _Pair | None:
    """The comparison with the first of `older` that shares a day and a manifest with `key`."""
    mine = due.filter(pl.col("key") == key)
    for reference in older:
        both = pl.concat([mine, due.filter(pl.col("key") == reference)])
        found = stratified_difference(
            both["person"].to_numpy(),
            both["stratum"].to_numpy(),
            (both["key"] == key).to_numpy(),
            both["rewarded"].to_numpy(),
            both["n_due"].to_numpy(),
        )
        if found is not None:
            return _Pair(key, reference, found)
    return None


def _told(pair: _Pair, watched: Effect, dimension: Dimension, n_comparisons: int) -> dict[str, Any]:
    p_value = None if watched.p_value is None else min(watched.p_value * n_comparisons, 1.0)
    row = {
        "dimension": dimension.value,
        "key": pair.key,
        "reference": pair.reference,
        "difference": watched.value,
        "difference_se": watched.standard_error,
        "difference_low": watched.low,
        "difference_high": watched.high,
        "p_value": p_value,
        "rate": pair.found.treatment,
        "reference_rate": pair.found.control,
        "n_users": watched.n,
        "n_both": pair.found.n_both,
        "n_strata": pair.found.n_strata,
        "n_comparisons": n_comparisons,
    }
    fewer = min(pair.found.n_control, pair.found.n_treatment)
    return row | {"sentence": sentences.comparison(row, fewer, FEWEST)}
