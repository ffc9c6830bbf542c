"""How a judge holds against anchors, batch by batch in the order judged."""

import numpy as np
import polars as pl

from tip_experiments.stats.anchors import Finding, JudgeReport, judge_drift
from tip_serving.bench.page.content import Drift, DriftPoint


def drifts_of(anchors: pl.DataFrame, scores: pl.DataFrame) -> list[Drift]:
    """The report on each judge who was given anchors.

    Args:
        anchors: ANCHOR_SCHEMA, of one experiment.
        scores: the experiment's view; a judge's scores of the same batch tell whether it gives one score to everything.
    """
    if anchors.is_empty():
        return []
    rows = _in_order_judged(anchors, scores)
    judges = sorted(anchors["judge"].unique())
    reports = judge_drift(
        rows["judge"].replace_strict(judges, range(len(judges)), return_dtype=pl.Int64).to_numpy(),
        rows["order"].to_numpy().astype(np.int64),
        rows["score"].to_numpy(),
        rows["expected"].fill_null(float("nan")).to_numpy(),
        np.random.default_rng(0),
    )
    names = dict(rows.select("order", "batch").unique().iter_rows())
    return [_told(judges[report.judge], report, names) for report in reports]


def _in_order_judged(anchors: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Anchors and the other scores that came with the same import, `judge, order, batch, score, expected`.

    Scores of tips do not carry their batch; those that came in the same moment as a batch's anchors count to it.
    """
    by_batch = anchors.group_by("judge", "batch", maintain_order=True).agg(imported_at=pl.col("imported_at").max())
    # Batches of one file came in the same moment; their order is that of its lines.
    moments = by_batch.sort("imported_at", maintain_order=True).with_row_index("order")
    own = anchors.select("judge", "batch", "score", "expected").join(
        moments.select("judge", "batch", "order"), on=["judge", "batch"]
    )
    columns = ["judge", "order", "batch", "score", "expected"]
    if "imported_at" not in scores.columns:
        return own.select(columns)
    beside = (
        scores.drop_nulls("score")
        .join(moments, on=["judge", "imported_at"])
        .with_columns(expected=pl.lit(None, dtype=pl.Float64))
    )
    return pl.concat([own.select(columns), beside.select(columns)])


def _told(judge: str, report: JudgeReport, names: dict[int, str]) -> Drift:
    points = [
        DriftPoint(batch=names[one.batch], deviation=one.deviation, low=None, high=None, n_anchors=one.n_anchors)
        for one in report.batches
        if one.deviation is not None
    ]
    return Drift(
        judge=judge,
        points=tuple(points),
        is_drifting=Finding.DRIFTING in report.findings,
        findings=tuple(finding.value for finding in report.findings),
        reasons=report.reasons,
    )
