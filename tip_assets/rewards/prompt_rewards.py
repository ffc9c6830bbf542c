"""The asset `prompt_rewards`."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from tip_assets.bench.previews import table
from tip_assets.rewards.moment import Moment
from tip_assets.rewards.plots import Mark, lines
from tip_assets.rewards.released import released_cells, weights_by_manifest
from tip_serving.bench.identity import Cell
from tip_serving.bench.workshop import Workshop
from tip_serving.rewards.publishing import Rewards, publish_rewards
from tip_serving.rewards.tables import Certainty, Dimension, Window

GROUP = "rewards"
_NAMED = 10
_CHECKS = {
    "arms_hold_their_shares": "No manifest's arms hold another number of people than its weights say.",
    "rates_rest_on_enough_people": "Every cell has an interval that can be trusted over all days.",
    "every_released_cell_was_seen": "People saw tips of every cell that a released prompt policy may write with.",
}


@dg.asset(
    deps=[dg.AssetKey("tip_scores")],
    check_specs=[dg.AssetCheckSpec(name, asset="prompt_rewards", description=about) for name, about in _CHECKS.items()],
    group_name=GROUP,
    kinds={"parquet"},
)
def prompt_rewards(config: Moment, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult:
    """One row per dimension (prompt and model, policy, reward model, arm), key, window (day, week, all) and its start.

    Reactions and the share of tips that were rewarded, with 95 % intervals clustered by person. Tips whose reward
    window is still open are counted and in no rate; tips that nobody saw, or of which only a reaction tells, are left
    out. Written beside it: sequential comparisons, and whether arms hold the people that their weights say.
    """
    found = publish_rewards(workshop.lake, weights_by_manifest(workshop.lake), config.read())
    whole = found.rates.filter(window=Window.ALL.value)
    by_cell = whole.filter(dimension=Dimension.PROMPT.value)
    shown = ("key", "n_users", "n_shown", "n_due", "n_open", "reward_rate", "reward_low", "reward_high", "certainty")
    sentences = found.comparisons["sentence"].to_list()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": found.rates.height,
            "days": found.n_days,
            "tips_shown": int(whole.filter(dimension=Dimension.ARM.value)["n_shown"].sum()),
            "tips_open": int(whole.filter(dimension=Dimension.ARM.value)["n_open"].sum()),
            "tips_without_author": found.n_without_author,
            "cells": table(
                by_cell.sort("reward_rate", descending=True, nulls_last=True).select(shown).rows(named=True)
            ),
            "comparisons": dg.MetadataValue.md("\n".join(f"- {one}" for one in sentences) or "none can be made yet"),
            "over_time": _over_time(found.rates),
        },
        check_results=_checks(found, by_cell, released_cells(workshop.lake)),
    )


def _checks(found: Rewards, by_cell: pl.DataFrame, released: Sequence[Cell]) -> list[dg.AssetCheckResult]:
    mismatched = found.sample_ratios.filter(verdict="mismatch")["sentence"].unique(maintain_order=True).to_list()
    thin = by_cell.filter(pl.col("certainty") != Certainty.ESTIMATED.value)["key"].to_list()
    unseen = [cell.key for cell in released if cell.key not in set(by_cell["key"])]
    told = {
        "arms_hold_their_shares": (mismatched, dg.AssetCheckSeverity.ERROR),
        "rates_rest_on_enough_people": (thin, dg.AssetCheckSeverity.WARN),
        "every_released_cell_was_seen": (unseen, dg.AssetCheckSeverity.WARN),
    }
    return [
        dg.AssetCheckResult(
            check_name=name, passed=not faults, severity=severity,
            metadata={"n_found": len(faults), "found": faults[:_NAMED]},
        )
        for name, (faults, severity) in told.items()
    ]  # fmt: skip


def _over_time(rates: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Cells by week, those first that were shown most."""
    weekly = rates.filter(dimension=Dimension.PROMPT.value, window=Window.WEEK.value).drop_nulls("reward_rate")
    order = weekly.group_by("key").agg(pl.col("n_due").sum()).sort("n_due", "key", descending=[True, False])["key"]
    series = {
        key: [
            Mark(row["since"].toordinal(), row["reward_rate"], row["reward_low"], row["reward_high"])
            for row in weekly.filter(key=key).sort("since").iter_rows(named=True)
        ]
        for key in order
    }
    weeks = sorted(set(weekly["since"]))
    marks = {week.toordinal(): f"{week:%d %b}" for week in weeks[:: max(len(weeks) // 6, 1)]}
    return lines(series, "Reward rate by week", marks)
