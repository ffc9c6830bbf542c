"""The asset `online_features`."""

import dagster as dg

from tip_assets.events.days import DAYS
from tip_assets.events.examining import days_of
from tip_assets.features.profile_features import GROUP, profile_features
from tip_assets.resources.archive import Archive
from tip_serving.scoring.online_store import write_profiles
from tip_serving.scoring.online_store.verifying import verify
from tip_serving.training import profiles

_SAMPLE = 100  # people asked about; a store that lost or garbled some of them shows it there
_CHECK = "online_store_answers_with_what_was_written"


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[profile_features],
    check_specs=[
        dg.AssetCheckSpec(
            _CHECK,
            asset="online_features",
            description="Asked as the server asks, the store tells of people what was written, or what is newer.",
        )
    ],
    group_name=GROUP,
    kinds={"redis", "sqlite"},
)
def online_features(context: dg.AssetExecutionContext, archive: dg.ResourceParam[Archive]) -> dg.MaterializeResult:
    """Per person and feature the newest value, in the store that the server asks where a caller ships no profile.

    Of the days of a run that are over the last snapshot is put there; what the store has newer stays, so days may come
    in any order. Where TIP_ONLINE_STORE is not set nothing is put anywhere. `tip features feast-export` fills the same
    store by way of Feast, from the same snapshots and with the same answers: for those who have Feast materialize.
    """
    over = [day for day in days_of(context) if profiles.end_of(day) <= archive.now]
    if archive.online_store is None or not over:
        why = "No online store is configured." if archive.online_store is None else "The day is not over."
        untold = dg.AssetCheckResult(check_name=_CHECK, passed=True, description=why)
        return dg.MaterializeResult(metadata={"profiles_put": 0}, check_results=[untold])
    rows = list(profiles.online(profiles.read_snapshot(archive.lake, over[-1])))
    written = write_profiles(archive.online_store, rows)
    verified = verify(archive.online_store, rows[:: max(1, len(rows) // _SAMPLE)])
    return dg.MaterializeResult(
        metadata={
            "profiles_put": written.n_profiles,
            "features_put": written.n_features,
            "features_newer_there": written.n_newer,
            "store": archive.online_store.partition("://")[0],
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=_CHECK,
                passed=verified.n_wrong == 0,
                severity=dg.AssetCheckSeverity.WARN,  # the server falls back, and says so in each answer
                metadata={
                    "asked": verified.n_asked,
                    "wrong": verified.n_wrong,
                    "faults": list(verified.faults),
                    "latency_p50_ms": verified.latency_p50_ms or 0.0,
                },
            )
        ],
    )
