"""The reward of a shown tip: the one place that says what counts as success, and from when on it is certain.

Both are expressions over the columns of `tip_scores` (`at`, the moments of reactions, `rating`), so that tables,
panels and guardrails count the same. A reaction that comes late counts for nothing: what is settled stays, but for a
rating that was given in time and is changed later, which counts as changed.
"""

import datetime as dt

import polars as pl

WINDOW = dt.timedelta(hours=24)
"""From the decision; a reaction at its very end is in."""
GOOD_RATING = 0.5


def reward_of() -> pl.Expr:
    """1.0 where the tip was accepted, done or rated at least GOOD_RATING within WINDOW, else 0.0; `reward`."""
    well_rated = _in_time("rated_at") & (pl.col("rating") >= GOOD_RATING)
    is_good = _in_time("accepted_at") | _in_time("done_at") | well_rated
    return is_good.fill_null(value=False).cast(pl.Float64).alias("reward")


def is_settled(now: dt.datetime) -> pl.Expr:
    """Whether the reward as it is known at `now`, aware, stands: it is 1, or WINDOW has passed; `is_settled`."""
    return ((reward_of() > 0) | (pl.lit(now.astimezone(dt.UTC)) - pl.col("at") > WINDOW)).alias("is_settled")


def is_dismissed() -> pl.Expr:
    """Whether the tip was waved away within WINDOW; `is_dismissed`."""
    return _in_time("dismissed_at").fill_null(value=False).alias("is_dismissed")


def _in_time(moment: str) -> pl.Expr:
    return pl.col(moment) - pl.col("at") <= WINDOW
