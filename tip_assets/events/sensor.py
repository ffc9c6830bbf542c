"""The sensor of days: asks for exactly what rests on events that changed, and takes in what no broker carries.

Level-triggered: nothing is remembered but what event store and lake say and which runs are under way. What failed
MAX_ATTEMPTS times on the same sources is not asked for again until they change.
"""

import datetime as dt
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import dagster as dg

from tip_assets.bench.sensors import ATTEMPT_TAG, MAX_ATTEMPTS, OPEN_STATUSES
from tip_assets.events.assets import EVENT_ASSETS
from tip_assets.events.days import DAYS
from tip_assets.events.requesting import Request, requests
from tip_assets.features.online import online_features
from tip_assets.features.training_set import FEATURE_ASSETS
from tip_assets.resources.dead_runs import bury
from tip_serving import settings
from tip_serving.events import export, importing, wal
from tip_serving.events.store import EventStore, open_store
from tip_serving.lake.storage import Lake
from tip_serving.settings import Settings
from tip_serving.training.upkeep import Lack, lacking

EVERY_S = 30
refresh_days = dg.define_asset_job(
    "refresh_days",
    [*EVENT_ASSETS, *FEATURE_ASSETS, online_features],
    executor_def=dg.in_process_executor,
)


@dg.sensor(job=refresh_days, minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
def days_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Requests the days whose events changed, and the profiles and training sets that rest on them."""
    chosen = settings.load()
    bury(context.instance)
    if not _is_in_use(chosen):
        return dg.SensorResult(skip_reason="Nothing has happened yet.")
    if _n_open(context.instance):
        return dg.SensorResult(skip_reason="A run is under way.")
    now = dt.datetime.now(dt.UTC)
    lake = Lake(chosen.lake_url)
    with closing(open_store(chosen)) as store:
        n_imported = _import(store, chosen)
        wanted = requests(_in_range(store, lake, lacking(store, lake, now), now), now)
    asked = [request for request in wanted if _n_attempts(context.instance, request) < MAX_ATTEMPTS]
    context.log.info("%d events imported; %d runs wanted, %d asked for.", n_imported, len(wanted), len(asked))
    given_up = [f"{one.first} to {one.last}: {', '.join(one.assets)}" for one in wanted if one not in asked]
    if given_up:
        context.log.error("Failed %d times and not asked for again: %s", MAX_ATTEMPTS, "; ".join(given_up))
    return dg.SensorResult(
        run_requests=[_run(request) for request in asked],
        skip_reason=None if asked else "; ".join(given_up or ["Everything is up to date."]),
    )


def _is_in_use(chosen: Settings) -> bool:
    """Whether there are events; a store that is a file is not made for the asking."""
    path = chosen.event_store.removeprefix("sqlite:///")
    is_there = path == chosen.event_store or Path(path).exists()
    return is_there or bool(chosen.tip_nats_url is None and wal.finished(chosen.wal_directory))


def _import(store: EventStore, chosen: Settings) -> int:
    """Take in the files that servers wrote, where no broker carries events; how many events were new."""
    if chosen.tip_nats_url is not None:
        return 0
    return sum(done.kept.n_new for done in importing.import_files(store, chosen.wal_directory))


def _in_range(store: EventStore, lake: Lake, lacks: Sequence[Lack], now: dt.datetime) -> list[Lack]:
    """What the days lack that are partitions. Events of other days, by clocks that are wrong, are exported here."""
    known = set(DAYS.get_partition_keys(current_time=now))
    changed = [one for one in store.changed_days() if one.day.isoformat() not in known]
    for one in changed:
        export.export_day(store, lake, one.kind, one.day)
        store.mark_exported(one)
    lacks = lacking(store, lake, now) if changed else lacks
    return [lack for lack in lacks if lack.day.isoformat() in known]


def _run(request: Request) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=request.run_key,
        asset_selection=[dg.AssetKey(name) for name in request.assets],
        tags={**request.tags, ATTEMPT_TAG: request.name},
    )


def _n_open(instance: dg.DagsterInstance) -> int:
    return instance.get_runs_count(dg.RunsFilter(job_name=refresh_days.name, statuses=OPEN_STATUSES))


def _n_attempts(instance: dg.DagsterInstance, request: Request) -> int:
    return instance.get_runs_count(dg.RunsFilter(tags={ATTEMPT_TAG: request.name}))
