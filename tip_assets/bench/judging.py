"""The assets between candidates and scores: a blind export, the automatic judge's file, the scores of all judges."""

from typing import Any

import dagster as dg
import polars as pl

from tip_assets.bench.candidates import candidates
from tip_assets.bench.partitions import EXPERIMENTS
from tip_assets.bench.previews import PREVIEW_ROWS, table
from tip_assets.bench.scenarios import GROUP, scenarios
from tip_serving.bench.judging import automatic, export
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.rubric import BROUGHT, SCALE_MAX, SCALE_MIN, criteria_of
from tip_serving.bench.workshop import Workshop


@dg.asset(
    partitions_def=EXPERIMENTS,
    deps=[dg.AssetDep(candidates, partition_mapping=dg.AllPartitionMapping()), scenarios],
    check_specs=[
        dg.AssetCheckSpec(
            "export_blind",
            asset="judge_export",
            description="No exported item tells its model, its prompt or its candidate.",
        )
    ],
    group_name=GROUP,
    kinds={"json"},
)
def judge_export(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult:
    """One line per candidate that the automatic judge has not scored, blind and shuffled, with instructions.

    Candidates that it scored for another experiment are not listed again. Exports for other judges are made by
    `tip bench export`.
    """
    experiment = context.partition_key
    batches = workshop.export(experiment, Ask(automatic.JUDGE))
    exported = b"".join(workshop.lake.read(batch.rows_path) for batch in batches)
    leaks = export.leaks(exported, workshop.candidates(experiment))
    shown: dict[str, Any] = {
        "judge": automatic.JUDGE,
        "pending": sum(batch.n_items for batch in batches),
        "paths": [workshop.lake.locate(batch.rows_path) for batch in batches],
    }
    check = dg.AssetCheckResult(check_name="export_blind", passed=not leaks, metadata={"fields": leaks})
    return dg.MaterializeResult(metadata=shown, check_results=[check])


@dg.asset(partitions_def=EXPERIMENTS, deps=[judge_export], group_name=GROUP, kinds={"json"})
def automatic_verdicts(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult:
    """One line per item of the automatic judge's export, scored by rules and dropped into the inbox like anybody's."""
    filename = workshop.judge_automatically(context.partition_key)
    return dg.MaterializeResult(
        metadata={"judge": automatic.JUDGE, "version": automatic.VERSION, "file": filename or "none"}
    )


@dg.asset(
    partitions_def=EXPERIMENTS,
    deps=[automatic_verdicts],
    check_specs=[
        dg.AssetCheckSpec(
            "scores_within_rubric",
            asset="judge_scores",
            description="Every score and every criterion lies on the rubric's scale.",
        )
    ],
    group_name=GROUP,
    kinds={"parquet"},
)
def judge_scores(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult:
    """One row per candidate of the experiment and judge, null where unscored: the latest score that the judge gave.

    Imports every file in the inbox first; refused files and their faults are listed. A judge who scored none of the
    candidates has no rows.
    """
    experiment = context.partition_key
    reports, view = workshop.import_scores(experiment)
    for report in reports:
        for fault in report.faults:
            context.log.warning("%s:%s: %s", report.filename, fault.line, fault.reason)
    by_judge = view.group_by("judge", "rubric_version", maintain_order=True).agg(
        scored=pl.col("score").count(), unscored=pl.col("score").null_count(), mean=pl.col("score").mean()
    )
    outside = _outside_scale(view)
    refused = [report.filename for report in reports if not report.is_taken]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": view.height,
            "files_imported": len(reports) - len(refused),
            "files_refused": refused,
            "judges": table(by_judge.rows(named=True)),
        },
        check_results=[
            dg.AssetCheckResult(check_name="scores_within_rubric", passed=not outside, metadata={"outside": outside})
        ],
    )


def _outside_scale(view: pl.DataFrame) -> list[str]:
    """The first few candidates with points off the scale."""
    view = view.filter(pl.col("rubric_version") != BROUGHT)  # which came on a scale of its own
    names = {name for version in view["rubric_version"].unique() for name in criteria_of(version)}
    columns = [name for name in ("score", *sorted(names)) if name in view.columns]
    is_outside = pl.any_horizontal(*(~pl.col(name).is_between(SCALE_MIN, SCALE_MAX) for name in columns))
    return view.filter(is_outside)["candidate_id"].head(PREVIEW_ROWS).to_list()
