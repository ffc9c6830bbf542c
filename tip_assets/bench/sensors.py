"""The sensor of the bench: asks what each experiment lacks and requests just that.

Level-triggered: nothing is remembered but what the lake says and which runs are under way, so a daemon that was down
misses nothing. A step that failed MAX_ATTEMPTS times on the same results is not requested again.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import dagster as dg

from tip_assets.bench import jobs
from tip_assets.bench.partitions import EXPERIMENT_TAG, register
from tip_assets.bench.requesting import runs_for
from tip_assets.resources.dead_runs import bury
from tip_serving import settings
from tip_serving.bench.identity import Cell
from tip_serving.bench.state import ExperimentState, Step, experiments
from tip_serving.bench.workshop import Workshop

ATTEMPT_TAG = "tip/attempt_of"
MAX_ATTEMPTS = 3
OPEN_STATUSES = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class Lack(NamedTuple):
    """One step that an experiment lacks, named so that a second attempt at the same is known as such."""

    step: Step
    cells: list[Cell]
    name: str


def lack_of(state: ExperimentState) -> Lack | None:
    """What `state` lacks next."""
    if state.step is None:
        return None
    cells = state.pending if state.step is Step.COLLECT else []
    about = ",".join(sorted(cell.key for cell in cells)) if cells else state.fingerprint + "".join(state.inbox)
    return Lack(state.step, cells, f"{state.step.value}:{hash_of(state.fingerprint + about)}")


def hash_of(text: str) -> str:
    """16 hex digits that name `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dg.sensor(jobs=jobs.BENCH_JOBS, minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def bench_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Requests what each experiment in the lake lacks: cells, judging, or the import of dropped score files."""
    workshop = Workshop.open(settings.load())
    bury(context.instance)
    requested: list[dg.RunRequest] = []
    reasons: list[str] = []
    for experiment in experiments(workshop.lake):
        try:
            wanted, reason = _wanted(context.instance, workshop, experiment)
        except Exception as error:  # noqa: BLE001  an experiment with a damaged file must not silence the others
            wanted, reason = [], f"{experiment} cannot be examined: {type(error).__name__}: {error}"
        requested += wanted
        reasons += [reason] if reason else []
    for reason in reasons:
        context.log.info(reason)
    # Dagster refuses a tick that both requests and skips.
    return dg.SensorResult(
        run_requests=requested, skip_reason="\n".join(reasons) if reasons and not requested else None
    )


def _wanted(
    instance: dg.DagsterInstance, workshop: Workshop, experiment: str
) -> tuple[list[dg.RunRequest], str | None]:
    """The runs that the experiment asks for now, or why it lacks something and asks for none."""
    state = workshop.state(experiment)
    if state.faults:
        return [], f"{experiment} is refused: {'; '.join(state.faults)}"
    lack = lack_of(state)
    if lack is None:
        return [], None
    if _open_runs(instance, experiment):
        return [], f"{experiment}: a run is under way"
    requests = list(_requests(instance, state, lack))
    # One attempt may be several runs: collecting asks for one a rectangle of cells.
    n_runs = sum(ATTEMPT_TAG in request.tags for request in requests)
    if _runs_of(instance, experiment, lack) >= MAX_ATTEMPTS * n_runs:
        return [], f"{experiment}: {lack.step.value} failed {MAX_ATTEMPTS} times; `tip bench run` tries again"
    return requests, None


def _requests(instance: dg.DagsterInstance, state: ExperimentState, lack: Lack) -> Iterator[dg.RunRequest]:
    experiment = state.experiment
    tags = {EXPERIMENT_TAG: experiment, ATTEMPT_TAG: lack.name}
    if lack.step is Step.COLLECT:
        register(instance, experiment, [cell.cell for cell in state.cells])
        yield dg.RunRequest(
            job_name=jobs.choose_scenarios.name, partition_key=experiment, tags={EXPERIMENT_TAG: experiment}
        )
        for rectangle in runs_for(instance, lack.cells):
            yield dg.RunRequest(job_name=jobs.collect.name, tags={**tags, **rectangle.tags})
    else:
        register(instance, experiment, ())
        job = jobs.judge if lack.step is Step.JUDGE else jobs.import_scores
        yield dg.RunRequest(job_name=job.name, partition_key=experiment, tags=tags)


def _open_runs(instance: dg.DagsterInstance, experiment: str) -> int:
    return instance.get_runs_count(dg.RunsFilter(statuses=OPEN_STATUSES, tags={EXPERIMENT_TAG: experiment}))


def _runs_of(instance: dg.DagsterInstance, experiment: str, lack: Lack) -> int:
    return instance.get_runs_count(dg.RunsFilter(tags={EXPERIMENT_TAG: experiment, ATTEMPT_TAG: lack.name}))
