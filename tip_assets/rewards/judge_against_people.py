"""The asset `judge_against_people`."""

import dagster as dg
import polars as pl

from tip_assets.bench.leaderboard import leaderboard
from tip_assets.bench.previews import table
from tip_assets.rewards.plots import Mark, scatter
from tip_assets.rewards.prompt_rewards import GROUP, prompt_rewards
from tip_experiments.stats.noisy_correlation import MIN_PAIRS
from tip_serving.bench.workshop import Workshop
from tip_serving.rewards.publishing import publish_judges


@dg.asset(
    deps=[prompt_rewards, leaderboard],
    check_specs=[
        dg.AssetCheckSpec(
            "judges_have_enough_cells",
            asset="judge_against_people",
            description=f"Of every judge {MIN_PAIRS} cells have a score and a rate, so that something can be said.",
        )
    ],
    group_name=GROUP,
    kinds={"parquet"},
)
def judge_against_people(workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult:
    """One row per judge, rubric version and cell that the judge scored: its score beside what people did.

    Cells that take no part have a reason: nobody saw them, too few people did, or nothing varies. Judges are never
    averaged together. Written beside it, one row per judge: correlation by rank and linear, as measured and without the
    noise of either side, calibration, and what it comes to.
    """
    found = publish_judges(workshop.lake)
    told = found.cells.filter(pl.col("why_not").is_null())
    few = found.worth.filter(pl.col("n_cells") < MIN_PAIRS)["judge"].to_list()
    shown = ("judge", "rubric_version", "n_cells", "by_rank", "without_noise", "without_noise_low",
             "without_noise_high", "verdict")  # fmt: skip
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": found.cells.height,
            "cells_left_out": found.cells.height - told.height,
            "judges": table(found.worth.select(shown).rows(named=True)),
            "verdicts": dg.MetadataValue.md("\n".join(f"- {one}" for one in found.worth["sentence"]) or "no judge yet"),
            **{f"plot_{judge}_{rubric}": _drawn(rows, str(judge)) for (judge, rubric), rows in
               told.group_by("judge", "rubric_version", maintain_order=True)},
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="judges_have_enough_cells", passed=not few, severity=dg.AssetCheckSeverity.WARN,
                metadata={"too_few": few},
            )
        ],
    )  # fmt: skip


def _drawn(cells: pl.DataFrame, judge: str) -> dg.MarkdownMetadataValue:
    points = [
        Mark(row["score_mean"], row["reward_rate"], row["reward_low"], row["reward_high"], row["score_low"],
             row["score_high"])
        for row in cells.iter_rows(named=True)
    ]  # fmt: skip
    return scatter(points, f"Scores of {judge} against rewards")
