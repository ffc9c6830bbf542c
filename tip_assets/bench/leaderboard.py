"""The asset `leaderboard`."""

import dagster as dg

from tip_assets.bench.judging import judge_scores
from tip_assets.bench.partitions import EXPERIMENTS
from tip_assets.bench.previews import table
from tip_assets.bench.scenarios import GROUP
from tip_serving.bench.identity import Cell
from tip_serving.bench.leaderboard import read_boards
from tip_serving.bench.page import words
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout


@dg.asset(
    partitions_def=EXPERIMENTS,
    deps=[judge_scores],
    check_specs=[
        dg.AssetCheckSpec(
            "leaderboard_covers_every_cell",
            asset="leaderboard",
            description="Every done cell has a row under every judge, failed and unscored ones too.",
        )
    ],
    group_name=GROUP,
    kinds={"parquet"},
)
def leaderboard(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult:
    """One row per cell, judge and rubric: mean score and rank, each with its 95 % interval, counts, cost, latency.

    Standard errors are clustered by scenario. Judges are never averaged together; an unscored or failed cell has no
    mean. Written beside it: the page, with all comparisons, the judges beside one another and a sample of tips.
    """
    experiment = context.partition_key
    ranked = workshop.rank(experiment)
    state = workshop.state(experiment)
    shown = ranked.select(
        "judge",
        "place",
        "model",
        "prompt",
        "score_mean",
        "score_low",
        "score_high",
        "n_scored",
        "n_unscored",
        "n_failed",
    )
    done = {cell.cell for cell in state.cells if cell.result is not None}
    missing = [
        f"{judge}: {cell.key}"
        for (judge,), rows in ranked.group_by("judge")
        for cell in done - {Cell(model, prompt) for model, prompt in rows.select("model", "prompt").iter_rows()}
    ]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": ranked.height,
            "unscored": int(ranked["n_unscored"].sum()),
            "failed_cells": [result.cell.key for result in state.failed],
            "skipped_models": [f"{skip.model}: {skip.reason}" for skip in state.skipped],
            "verdicts": {str(board.judge): words.verdict(board) for board in read_boards(workshop.lake, experiment)},
            "page": dg.MetadataValue.path(workshop.lake.locate(layout.leaderboard_page(experiment))),
            "leaderboard": table(shown.rows(named=True)),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="leaderboard_covers_every_cell", passed=not missing, metadata={"missing": missing}
            )
        ],
    )
