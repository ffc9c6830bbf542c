"""The tables of reward analytics in the lake; sums over people only, no row names one.

    rewards/prompt_rewards.parquet         one row per dimension, key, window and its first day
    rewards/comparisons.parquet            one row per dimension and key that was shown beside an older one
    rewards/sample_ratios.parquet          one row per manifest version and arm
    rewards/judge_against_people.parquet   one row per judge, rubric version and cell that the judge scored
    rewards/judge_worth.parquet            one row per judge and rubric version

A rate rests on tips whose reward window is over. A tip whose window is still open is counted in `n_open` and in no
rate, also where it was accepted already: a young day would hold successes alone.
"""

from enum import StrEnum

import polars as pl

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, read_table, write_table


class Dimension(StrEnum):
    """By what tips are told apart."""

    PROMPT = "prompt"
    """The cell that wrote the tip; its key is `model|prompt`."""
    POLICY = "policy"
    """Version of the policy that put it first."""
    REWARD_MODEL = "reward_model"
    """Version of the model that scored it."""
    ARM = "arm"
    """Of the released manifest."""


class Window(StrEnum):
    """Over how long tips are summed."""

    DAY = "day"
    WEEK = "week"
    """From Monday on."""
    ALL = "all"


class Certainty(StrEnum):
    """What can be said of a rate; the words are those that a reader sees."""

    ESTIMATED = "estimated"
    """Has an interval."""
    TOO_FEW = "too few people"
    """Has at most a wide interval that shows how little is known."""
    CONSTANT = "all the same"
    """Nothing tells how far off it may be."""
    OPEN = "nothing is over yet"
    """Every window is still open: no rate. Never zero."""


_RATE: Schema = {
    "reward_rate": pl.Float64,  # share of tips that were rewarded
    "reward_se": pl.Float64,  # clustered by person; null below two
    "reward_low": pl.Float64,  # 95 % interval, cut at 0 and 1
    "reward_high": pl.Float64,
}
_ESTIMATE = ("", "_low", "_high")

PROMPT_REWARDS: Schema = {
    "dimension": pl.String,
    "key": pl.String,
    "model": pl.String,  # of the dimension `prompt` alone
    "prompt_version": pl.String,
    "window": pl.String,
    "since": pl.Date,
    "until": pl.Date,  # the last day in it that has tips
    "n_users": pl.Int64,
    "n_shown": pl.Int64,
    "n_due": pl.Int64,  # shown, and the window is over
    "n_open": pl.Int64,  # shown, and it is not
    "n_displayed": pl.Int64,  # the app said that it was on the screen
    "n_accepted": pl.Int64,
    "n_dismissed": pl.Int64,
    "n_done": pl.Int64,
    "n_snoozed": pl.Int64,
    "n_rated": pl.Int64,
    "rating_mean": pl.Float64,
    **_RATE,
    "certainty": pl.String,
    "as_of": pl.Datetime("us", "UTC"),
}
COMPARISONS: Schema = {
    "dimension": pl.String,
    "key": pl.String,
    "reference": pl.String,  # the oldest that it was shown beside
    "difference": pl.Float64,  # of reward rates, day by day and manifest by manifest
    "difference_se": pl.Float64,
    "difference_low": pl.Float64,  # holds at every look, for all comparisons of the dimension together
    "difference_high": pl.Float64,
    "p_value": pl.Float64,  # adjusted for all comparisons of the dimension
    "rate": pl.Float64,  # of the key, over the days and manifests that both share
    "reference_rate": pl.Float64,
    "n_users": pl.Int64,
    "n_both": pl.Int64,  # people who saw both
    "n_strata": pl.Int64,
    "n_comparisons": pl.Int64,
    "sentence": pl.String,
}
SAMPLE_RATIOS: Schema = {
    "manifest_version": pl.String,
    "arm": pl.String,
    "weight": pl.Float64,  # null where no manifest of this version is known
    "n_users": pl.Int64,
    "since": pl.Date,
    "until": pl.Date,
    "verdict": pl.String,  # of the manifest version, as the next two
    "p_value": pl.Float64,
    "sentence": pl.String,
}
JUDGE_CELLS: Schema = {
    "judge": pl.String,
    "rubric_version": pl.String,
    "model": pl.String,
    "prompt_version": pl.String,
    "experiment": pl.String,  # whose leaderboard has most scores of the cell
    "score_mean": pl.Float64,
    "score_se": pl.Float64,
    "score_low": pl.Float64,
    "score_high": pl.Float64,
    "n_scored": pl.Int64,
    **_RATE,
    "n_users": pl.Int64,
    "n_due": pl.Int64,
    "why_not": pl.String,  # it takes no part in what is said of the judge; null where it does
}
JUDGE_WORTH: Schema = {
    "judge": pl.String,
    "rubric_version": pl.String,
    "kind": pl.String,
    "n_cells": pl.Int64,  # that take part
    "n_left_out": pl.Int64,
    **{f"linear{end}": pl.Float64 for end in _ESTIMATE},
    **{f"by_rank{end}": pl.Float64 for end in _ESTIMATE},
    **{f"without_noise{end}": pl.Float64 for end in _ESTIMATE},
    **{f"slope{end}": pl.Float64 for end in _ESTIMATE},  # reward rate per point of the judge, without the noise
    "reliability_score": pl.Float64,
    "reliability_reward": pl.Float64,
    "curve_score": pl.List(pl.Float64),  # the calibration as measured
    "curve_reward": pl.List(pl.Float64),
    "curve_low": pl.List(pl.Float64),  # null with fewer than ten cells
    "curve_high": pl.List(pl.Float64),
    "verdict": pl.String,
    "sentence": pl.String,
}
SCHEMAS: dict[str, Schema] = {
    "prompt_rewards": PROMPT_REWARDS,
    "comparisons": COMPARISONS,
    "sample_ratios": SAMPLE_RATIOS,
    "judge_against_people": JUDGE_CELLS,
    "judge_worth": JUDGE_WORTH,
}


def read(lake: Lake, name: str) -> pl.DataFrame:
    """The table of this name; no rows where it was never written."""
    path = layout.rewards(name)
    return read_table(lake, path) if lake.exists(path) else empty(SCHEMAS[name])


def write(lake: Lake, name: str, frame: pl.DataFrame) -> None:
    """Replace the table of this name.

    Raises:
        ValueError: its columns are not those of the schema.
    """
    if dict(frame.schema) != SCHEMAS[name]:
        raise ValueError(f"The table {name} cannot be written: its columns are {frame.schema}, not {SCHEMAS[name]}")
    write_table(lake, layout.rewards(name), frame)
