"""The sensor of releases: asks what is next, and has it done.

Level-triggered: nothing is remembered but what the lake says. `tip release watch` may do the same at the same time.
The gate reads weeks of decisions, for which a tick has no time, so that is a run's; asked for anew each hour, should
one have died.
"""

import datetime as dt

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from tip_assets.releases.opening import release_sources
from tip_assets.releases.released import released
from tip_assets.resources.dead_runs import tag_with_process
from tip_serving import settings
from tip_serving.events.database import EventStoreError
from tip_serving.lake.storage import Lake
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.journal import read_journal
from tip_serving.releasing.state import Phase, proposals

RELEASE_ASSETS = [released]
observe_released = dg.define_asset_job("observe_released", RELEASE_ASSETS, executor_def=dg.in_process_executor)
EVERY_S = 30


@dg.op
def decide(context: dg.OpExecutionContext) -> None:
    """Advances the release whose turn it is until nothing can be decided, through the gate too."""
    tag_with_process(context.instance, context.run_id)
    chosen = settings.load()
    with release_sources(chosen, context.instance) as sources:
        for step in advance_all(Lake(chosen.lake_url), sources, dt.datetime.now(dt.UTC)):
            context.log.info("%s: %s. %s", step.proposal_id, step.kind, step.reason)


@dg.job(executor_def=dg.in_process_executor)
def decide_release() -> None:
    """What is next of a release, done in a run of its own."""
    decide()


RELEASE_JOBS: list[dg.JobDefinition | UnresolvedAssetJobDefinition] = [observe_released, decide_release]


@dg.sensor(jobs=RELEASE_JOBS, minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
def release_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Advances the release whose turn it is, and has `released` materialized after each step."""
    chosen = settings.load()
    lake = Lake(chosen.lake_url)
    if not proposals(lake):
        return dg.SkipReason("Nothing was ever proposed.")
    now = dt.datetime.now(dt.UTC)
    try:
        with release_sources(chosen, context.instance) as sources:
            for step in advance_all(lake, sources, now, without=[Phase.GATE]):
                context.log.info("%s: %s. %s", step.proposal_id, step.kind, step.reason)
    except EventStoreError as error:
        return dg.SkipReason(f"The event store does not answer, so nothing is decided: {error}")
    at_gate = next((one for one in proposals(lake) if one.phase is Phase.GATE), None)
    if at_gate is not None:
        return dg.RunRequest(job_name=decide_release.name, run_key=f"gate-{at_gate.proposal_id}-{now:%Y-%m-%dT%H}")
    # Steps of commands and of other sensors count too, and a tick that died after a step loses no run.
    return dg.RunRequest(job_name=observe_released.name, run_key=f"step-{len(read_journal(lake).steps)}")
