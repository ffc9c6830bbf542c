"""The asset `profile_features`."""

import datetime as dt

import dagster as dg
import polars as pl

from tip_assets.bench.previews import table
from tip_assets.events.assets import exposures, feedback, signals
from tip_assets.events.days import DAYS
from tip_assets.events.examining import days_of, results, specs
from tip_assets.resources.archive import Archive
from tip_serving.features.profile import PROFILE_FEATURES
from tip_serving.lake import layout
from tip_serving.scoring.online_store import Written, write_profiles
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

    Nothing from after the day is in it, whenever it became known; a feature is null where it cannot be known. The
    latest snapshot is put into the online store, where one is configured.
    """
    days = days_of(context)
    counts = [upkeep.make(archive.lake, upkeep.Table.PROFILE, day, archive.now) for day in days]
    frames = {day: profiles.read_snapshot(archive.lake, day) for day in days}
    written = _published(archive)
    latest = max(days)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(frame.height for frame in frames.values()),
            "replaced_rows": sum(count["n_replaced"] for count in counts),
            "put_online": 0 if written is None else written.n_profiles,
            "file": dg.MetadataValue.path(archive.lake.locate(layout.profile_features(latest.isoformat()))),
            "preview": table(_summary(frames[latest])),
        },
        check_results=list(results(CHECKS[PROFILE], archive, PROFILE, frames)),
    )


def _published(archive: Archive) -> Written | None:
    """Put the latest snapshot of all into the online store."""
    made = [layout.day_of(entry.path) for entry in archive.lake.find(layout.PROFILES)]
    if archive.online_store is None or not made:
        return None
    latest = profiles.read_snapshot(archive.lake, dt.date.fromisoformat(max(made)))
    return write_profiles(archive.online_store, profiles.online(latest))


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
