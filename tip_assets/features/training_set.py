"""The asset `training_set`."""

import datetime as dt
from typing import Any

import dagster as dg
import polars as pl

from tip_assets.bench.previews import table
from tip_assets.events.assets import exposures, tip_scores
from tip_assets.events.days import DAYS
from tip_assets.events.examining import days_of, results, specs
from tip_assets.features.profile_features import GROUP, profile_features
from tip_assets.resources.archive import Archive
from tip_serving.events import export
from tip_serving.lake import layout
from tip_serving.training import training_set as made
from tip_serving.training import upkeep
from tip_serving.training.quality.features import CHECKS, TRAINING


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[exposures, tip_scores, profile_features],
    check_specs=specs(TRAINING, CHECKS[TRAINING]),
    group_name=GROUP,
    kinds={"parquet"},
)
def training_set(context: dg.AssetExecutionContext, archive: dg.ResourceParam[Archive]) -> dg.MaterializeResult:
    """One row per decision of a UTC day about the tip that came first: the vector it was made on, and its reward.

    Excluded and counted are decisions under another feature contract and those without usable vectors. Rewards whose
    24 hours have not passed are not settled yet; late feedback opens the day again.
    """
    held = export.inventory(archive.lake)
    frames = {}
    for day in days_of(context):
        counts = upkeep.make(archive.lake, upkeep.Table.TRAINING, day, archive.now, held)
        frames[day] = made.read(archive.lake, [day])
        context.add_asset_metadata(_metadata(archive, day, frames[day], counts), partition_key=day.isoformat())
    return dg.MaterializeResult(check_results=list(results(CHECKS[TRAINING], archive, TRAINING, frames)))


def _metadata(archive: Archive, day: dt.date, frame: pl.DataFrame, counts: dict[str, int]) -> dict[str, Any]:
    settled = frame.filter(pl.col("is_settled"))
    by_arm = frame.group_by("arm").agg(
        pl.len().alias("decisions"),
        pl.col("user").n_unique().alias("people"),
        pl.col("is_settled").sum().alias("settled"),
        pl.col("reward").filter(pl.col("is_settled")).mean().alias("reward"),
        pl.col("is_dismissed").mean().alias("dismissed"),
    )
    return {
        "dagster/row_count": frame.height,
        "settled": settled.height,
        "reward_rate": settled["reward"].sum() / settled.height if settled.height else None,
        "of_another_contract": counts["n_other_contract"],
        "without_usable_vectors": counts["n_unusable"],
        "file": dg.MetadataValue.path(archive.lake.locate(layout.training_set(day.isoformat()))),
        "preview": table(by_arm.sort("arm").rows(named=True)),
    }


FEATURE_ASSETS = [profile_features, training_set]
