"""The assets `signals`, `exposures`, `feedback` and `tip_scores`: each UTC day as the event store has it, in the lake.

What a run shows of a day are counts; names and ids of people stay in the tables, from which they can be deleted.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from tip_assets.bench.previews import table
from tip_assets.events.days import DAYS
from tip_assets.events.examining import days_of, results, specs
from tip_assets.resources.archive import Archive
from tip_serving.events import export
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.training.quality.events import CHECKS

GROUP = "events"


def _asset(kind: str, by: str, description: str, deps: Sequence[dg.AssetsDefinition] = ()) -> dg.AssetsDefinition:
    """The asset of one kind of events.

    Args:
        kind: of SCHEMAS.
        by: the column by whose values a preview counts.
        description: grain first, then what is excluded.
        deps: what it is a view of.
    """

    @dg.asset(
        name=kind,
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=deps,
        check_specs=specs(kind, CHECKS[kind]),
        group_name=GROUP,
        kinds={"parquet"},
        description=description,
    )
    def kept(context: dg.AssetExecutionContext, archive: dg.ResourceParam[Archive]) -> dg.MaterializeResult:
        days = days_of(context)
        changed = {one.day: one for one in archive.store.changed_days() if one.kind == kind}
        for day in days:
            export.export_day(archive.store, archive.lake, kind, day)
            if day in changed:
                archive.store.mark_exported(changed[day])
        frames = {day: export.read_day(archive.lake, kind, day) for day in days}
        for day, frame in frames.items():
            context.add_asset_metadata(_metadata(archive, kind, by, day, frame), partition_key=day.isoformat())
        return dg.MaterializeResult(check_results=list(results(CHECKS[kind], archive, kind, frames)))

    return kept


def _metadata(archive: Archive, kind: str, by: str, day: dt.date, frame: pl.DataFrame) -> dict[str, Any]:
    counted = frame.group_by(by).agg(
        pl.len().alias("rows"), pl.col("user").n_unique().alias("people"), pl.col("at").max().alias("latest")
    )
    return {
        "dagster/row_count": frame.height,
        "people": frame["user"].n_unique(),
        "file": dg.MetadataValue.path(archive.lake.locate(layout.events(kind, day.isoformat()))),
        "preview": table(counted.sort("rows", by, descending=[True, False]).rows(named=True)),
    }


signals = _asset(
    Kind.SIGNAL.value,
    "type",
    "One row per thing that a person did with their tasks or the app on a UTC day. Columns that its type does not have "
    "are null; a task's text is in none.",
)
exposures = _asset(
    Kind.EXPOSURE.value,
    "arm",
    "One row per decision of a UTC day: what was decided for whom, by which arm, with which probability and from which "
    "features. Neither a task's text nor a tip's is in it.",
)
feedback = _asset(Kind.FEEDBACK.value, "reaction", "One row per reaction of a UTC day, of decisions of whichever day.")
tip_scores = _asset(
    TIP_SCORES,
    "arm",
    "One row per person, decision and tip shown on a UTC day, with all reactions so far, however late. A tip was shown "
    "when it came first, or when somebody reacted to it.",
    deps=[exposures, feedback],
)

EVENT_ASSETS = [signals, exposures, feedback, tip_scores]
