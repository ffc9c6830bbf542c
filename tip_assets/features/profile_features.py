"""The asset `profile_features`."""

import datetime as dt
from typing import Any

import dagster as dg
import polars as pl

from tip_assets.bench.previews import table
from tip_assets.events.assets import exposures, feedback, signals
from tip_assets.events.days import DAYS
from tip_assets.events.examining import days_of, results, specs
from tip_assets.resources.archive import Archive
from tip_serving.events import export
from tip_serving.features.profile import PROFILE_FEATURES
from tip_serving.lake import layout
from tip_serving.training import profiles, upkeep
from tip_serving.training.quality.features import CHECKS, PROFILE

GROUP = "features"


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    # A day rests on days before, too: the sensor asks by `upkeep`; Dagster's mapping for it is beta.
    deps=[signals, exposures, feedback],
    check_specs=specs(PROFILE, CHECKS[PROFILE]),
    group_name=GROUP,
    kinds={"parquet"},
)
def profile_features(context: dg.AssetExecutionContext, archive: dg.ResourceParam[Archive]) -> dg.MaterializeResult:
    """One row per person at the end of a UTC day: every declared feature by the contract's own definitions.

    Nothing from after the day is in it, whenever it became known; a feature is null where it cannot be known.
    """
    held = export.inventory(archive.lake)
    frames = {}
    for day in days_of(context):
        counts = upkeep.make(archive.lake, upkeep.Table.PROFILE, day, archive.now, held)
        frames[day] = profiles.read_snapshot(archive.lake, day)
        context.add_asset_metadata(_metadata(archive, day, frames[day], counts), partition_key=day.isoformat())
    return dg.MaterializeResult(check_results=list(results(CHECKS[PROFILE], archive, PROFILE, frames)))


def _metadata(archive: Archive, day: dt.date, frame: pl.DataFrame, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "dagster/row_count": frame.height,
        "replaced_rows": counts["n_replaced"],
        "file": dg.MetadataValue.path(archive.lake.locate(layout.profile_features(day.isoformat()))),
        "preview": table(_summary(frame)),
    }


def _summary(frame: pl.DataFrame) -> list[dict[str, object]]:
    """What is known of a snapshot's features, of no single person."""
    rows: list[dict[str, object]] = []
    for feature in PROFILE_FEATURES:
        values = frame[feature.name]
        usual = values.median() if values.dtype.is_numeric() else None
        rows.append(
            {"feature": feature.name, "known": values.len() - values.null_count(), "of": values.len(), "median": usual}
        )
    return rows
