"""Moves one experiment on in this process until nothing is lacking: the same assets as under the sensor.

Runs are made on the persistent instance, so they show in the Dagster UI. Where other processes hold cells, this one
waits for them; `state` alone says what is next.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

import dagster as dg

from tip_assets.bench import jobs
from tip_assets.bench.mirror import Mirror
from tip_assets.bench.partitions import EXPERIMENT_TAG, register
from tip_assets.bench.requesting import runs_for
from tip_assets.definitions import defs
from tip_assets.resources.dead_runs import bury, process_tags
from tip_assets.resources.instance import open_instance
from tip_assets.resources.interrupts import interrupts_noted
from tip_serving.bench.state import ExperimentState, Step
from tip_serving.bench.workshop import Workshop

POLL_S = 1.0
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class StuckError(Exception):
    """A step ran and the lake still lacks it; says which run to look at."""


def run_to_end(workshop: Workshop, experiment: str, waiting: Callable[[ExperimentState], None]) -> ExperimentState:
    """The experiment's state once nothing is lacking and nobody works on it.

    Args:
        workshop: with the progress to count in.
        experiment: its spec lies in the lake.
        waiting: called every second while only other processes work on the experiment.

    Raises:
        StuckError: a step ended and its result is not in the lake.
        KeyboardInterrupt: an interrupt came, also one that Dagster kept to itself.
    """
    state = workshop.state(experiment)
    if _is_settled(state):
        return state
    with (
        interrupts_noted() as raise_noted,
        open_instance(workshop.settings) as instance,
        closing(Mirror()) as mirror,
    ):
        bury(instance)
        register(instance, experiment, [cell.cell for cell in state.cells])
        while not _is_settled(state):
            if state.step is None:
                waiting(state)
                time.sleep(POLL_S)
            else:
                before = (state.step, state.fingerprint, tuple(state.pending), state.inbox)
                run_ids = _take_step(workshop, mirror, instance, state, raise_noted)
                after = workshop.state(experiment)
                if (after.step, after.fingerprint, tuple(after.pending), after.inbox) == before:
                    raise StuckError(
                        f"{state.step.value} of {experiment} ended and changed nothing. `dagster run list` or the UI "
                        f"shows why: run {', '.join(run_ids)}."
                    )
            raise_noted()
            state = workshop.state(experiment)
    return state


def _is_settled(state: ExperimentState) -> bool:
    return state.step is None and (state.is_collected or state.spec is None)


def _take_step(
    workshop: Workshop,
    mirror: Mirror,
    instance: dg.DagsterInstance,
    state: ExperimentState,
    raise_noted: Callable[[], None],
) -> list[str]:
    experiment = state.experiment
    if state.step is Step.COLLECT:
        runs = [_execute(workshop, mirror, instance, jobs.choose_scenarios.name, experiment, experiment)]
        for rectangle in runs_for(instance, state.pending):
            raise_noted()
            runs.append(_execute(workshop, mirror, instance, jobs.collect.name, experiment, None, rectangle.tags))
            if workshop.state(experiment).is_cancelled:
                break
        return runs
    job = jobs.judge if state.step is Step.JUDGE else jobs.import_scores
    return [_execute(workshop, mirror, instance, job.name, experiment, experiment)]


def _execute(
    workshop: Workshop,
    mirror: Mirror,
    instance: dg.DagsterInstance,
    job: str,
    experiment: str,
    partition_key: str | None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Execute one run here; failed cells are no exception, since the lake says what it left."""
    run_id = str(uuid.uuid4())
    with suppress(dg.Failure):
        defs.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=partition_key,
            run_config=_QUIET,
            tags={EXPERIMENT_TAG: experiment, **process_tags(), **(tags or {})},
            resources={"workshop": workshop, "mirror": mirror},
            run_id=run_id,
        )
    return run_id
