"""What people did with tips, as the assets wrote it last: rates, comparisons, shares of arms, judges against people.

Nothing is computed here; a table that was never written has no rows.
"""

import datetime as dt

import polars as pl
from pydantic import ConfigDict

from tip_serving.admin.service.rows import Page, Plain, page_of
from tip_serving.admin.service.users import READERS, User, require
from tip_serving.lake.storage import Lake
from tip_serving.rewards import tables
from tip_serving.rewards.tables import Certainty, Dimension, Window

MAX_LIMIT = 2_000
"""Rows of a page: a year of days of a handful of keys."""


class RateRow(Plain):
    """How one key did in one window."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dimension": "prompt", "key": "embedded/planner|v2", "model": "embedded/planner",
                    "prompt_version": "v2", "window": "week", "since": "2026-03-02", "until": "2026-03-08",
                    "n_users": 214, "n_shown": 903, "n_due": 897, "n_open": 6, "n_displayed": 880, "n_accepted": 291,
                    "n_dismissed": 120, "n_done": 64, "n_snoozed": 71, "n_rated": 40, "rating_mean": 0.72,
                    "reward_rate": 0.331, "reward_se": 0.018, "reward_low": 0.296, "reward_high": 0.367,
                    "certainty": "estimated", "as_of": "2026-03-09T06:00:00Z",
                }
            ]
        }
    )  # fmt: skip

    dimension: Dimension
    key: str
    model: str | None
    """Of the dimension `prompt` alone."""
    prompt_version: str | None
    window: Window
    since: dt.date
    until: dt.date
    n_users: int
    n_shown: int
    n_due: int
    """Shown, and the window of their reward is over: what the rate rests on."""
    n_open: int
    """Shown, and the window is not over: in no rate, whatever happened so far."""
    n_displayed: int
    n_accepted: int
    n_dismissed: int
    n_done: int
    n_snoozed: int
    n_rated: int
    rating_mean: float | None
    reward_rate: float | None
    reward_se: float | None
    reward_low: float | None
    """95 % interval over people."""
    reward_high: float | None
    certainty: Certainty
    as_of: dt.datetime


class ComparisonRow(Plain):
    """One key against the oldest that it was shown beside; holds at every look."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dimension": "arm", "key": "challenger", "reference": "champion", "difference": 0.031,
                    "difference_se": 0.009, "difference_low": 0.002, "difference_high": 0.06, "p_value": 0.021,
                    "rate": 0.331, "reference_rate": 0.3, "n_users": 812, "n_both": 0, "n_strata": 28,
                    "n_comparisons": 1, "sentence": "challenger does better than champion: 33.1 of 100 tips ...",
                }
            ]
        }
    )  # fmt: skip

    dimension: Dimension
    key: str
    reference: str
    difference: float
    difference_se: float
    difference_low: float | None
    """Null before enough people have come."""
    difference_high: float | None
    p_value: float | None
    rate: float
    reference_rate: float
    n_users: int
    n_both: int
    n_strata: int
    n_comparisons: int
    sentence: str


class ArmShare(Plain):
    """How many people one arm holds."""

    arm: str
    weight: float | None
    n_users: int


class SampleRatioRow(Plain):
    """One manifest version: whether its arms hold as many people as its weights say."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "manifest_version": "3f9c0a51be27-8", "verdict": "as planned", "p_value": 0.41,
                    "sentence": "Manifest 3f9c0a51be27-8: as planned: ...", "since": "2026-03-02",
                    "until": "2026-03-08", "arms": [{"arm": "champion", "weight": 0.9, "n_users": 731},
                                                    {"arm": "challenger", "weight": 0.1, "n_users": 81}],
                }
            ]
        }
    )  # fmt: skip

    manifest_version: str
    verdict: str
    p_value: float | None
    sentence: str
    since: dt.date
    until: dt.date
    arms: tuple[ArmShare, ...]


class JudgeCell(Plain):
    """One cell: what the judge gave it, and what people did."""

    model: str
    prompt_version: str
    experiment: str
    score_mean: float
    score_se: float | None
    score_low: float | None
    score_high: float | None
    n_scored: int
    reward_rate: float | None
    reward_se: float | None
    reward_low: float | None
    reward_high: float | None
    n_users: int
    n_due: int
    why_not: str | None
    """It takes no part in what is said of the judge; null where it does."""


class JudgeRow(Plain):
    """One judge under one rubric version against people."""

    judge: str
    rubric_version: str
    kind: str
    n_cells: int
    n_left_out: int
    linear: float | None
    linear_low: float | None
    linear_high: float | None
    by_rank: float | None
    by_rank_low: float | None
    by_rank_high: float | None
    without_noise: float | None
    without_noise_low: float | None
    without_noise_high: float | None
    slope: float | None
    """Reward rate per point of the judge, without the noise."""
    slope_low: float | None
    slope_high: float | None
    reliability_score: float | None
    reliability_reward: float | None
    curve_score: tuple[float, ...]
    curve_reward: tuple[float, ...]
    curve_low: tuple[float | None, ...]
    curve_high: tuple[float | None, ...]
    verdict: str
    sentence: str
    cells: tuple[JudgeCell, ...]


class Rewards:
    """What is known of rewards in one lake.

    Args:
        lake: where the assets write.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def rates(
        self,
        user: User,
        dimension: Dimension,
        window: Window,
        key: str | None = None,
        offset: int = 0,
        limit: int = MAX_LIMIT,
    ) -> Page[RateRow]:
        """The rates of a dimension, by key and then by time.

        Args:
            user: an admin or a viewer.
            dimension: by what tips are told apart.
            window: over how long they are summed.
            key: only this one.
            offset: how many to pass over.
            limit: at most so many, up to MAX_LIMIT.
        """
        require(user, READERS, "see rewards")
        found = tables.read(self._lake, "prompt_rewards").filter(dimension=dimension.value, window=window.value)
        found = found if key is None else found.filter(pl.col("key") == key)
        shown = found.sort("key", "since").slice(offset, min(limit, MAX_LIMIT))
        return page_of([RateRow.model_validate(row) for row in shown.iter_rows(named=True)], found.height, offset)

    def comparisons(self, user: User, dimension: Dimension | None = None) -> list[ComparisonRow]:
        """Whether one does better than another, the surest first."""
        require(user, READERS, "see rewards")
        found = tables.read(self._lake, "comparisons")
        found = found if dimension is None else found.filter(dimension=dimension.value)
        return [
            ComparisonRow.model_validate(row)
            for row in found.sort("p_value", "key", nulls_last=True).iter_rows(named=True)
        ]

    def sample_ratios(self, user: User) -> list[SampleRatioRow]:
        """Every manifest version that people met, the latest first."""
        require(user, READERS, "see rewards")
        found = tables.read(self._lake, "sample_ratios")
        rows = [
            SampleRatioRow.model_validate({**arms.row(0, named=True), "arms": arms.to_dicts()})
            for _, arms in found.group_by("manifest_version", maintain_order=True)
        ]
        return sorted(rows, key=lambda row: (row.since, row.until), reverse=True)

    def judges(self, user: User) -> list[JudgeRow]:
        """Every judge under every rubric version, each by itself; those of whom most can be said first."""
        require(user, READERS, "see rewards")
        cells = tables.read(self._lake, "judge_against_people")
        worth = tables.read(self._lake, "judge_worth").sort("n_cells", "judge", descending=[True, False])
        return [
            JudgeRow.model_validate({
                **row,
                "cells": cells.filter(
                    pl.col("judge") == row["judge"], pl.col("rubric_version") == row["rubric_version"]
                ).to_dicts(),
            })
            for row in worth.iter_rows(named=True)
        ]  # fmt: skip
