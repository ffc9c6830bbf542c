"""The sensor of releases: asks what is next, and has it done.

Level-triggered: nothing is remembered but what the lake says. `tip release watch` may do the same at the same time.
"""

import datetime as dt

import dagster as dg

from tip_assets.releases.opening import release_sources
from tip_assets.releases.released import released
from tip_serving import settings
from tip_serving.events.database import EventStoreError
from tip_serving.lake.storage import Lake
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.journal import read_journal
from tip_serving.releasing.state import proposals

RELEASE_ASSETS = [released]
observe_released = dg.define_asset_job("observe_released", RELEASE_ASSETS, executor_def=dg.in_process_executor)
EVERY_S = 30


@dg.sensor(job=observe_released, minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
def release_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Advances the release whose turn it is, and has `released` materialized after each step."""
    chosen = settings.load()
    lake = Lake(chosen.lake_url)
    if not proposals(lake):
        return dg.SkipReason("Nothing was ever proposed.")
    try:
        with release_sources(chosen, context.instance) as sources:
            for step in advance_all(lake, sources, dt.datetime.now(dt.UTC)):
                context.log.info("%s: %s. %s", step.proposal_id, step.kind, step.reason)
    except EventStoreError as error:
        return dg.SkipReason(f"The event store does not answer, so nothing is decided: {error}")
    # Steps of commands and of other sensors count too, and a tick that died after a step loses no run.
    return dg.RunRequest(run_key=f"step-{len(read_journal(lake).steps)}")
