"""Runs whose process died without a word stay STARTED in Dagster's storage. Whoever starts next marks them failed."""

import dagster as dg
from dagster import DagsterRunStatus

from tip_serving.bench.leases import ProcessName

PROCESS_TAG = "tip/process"
_OPEN = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def process_tags() -> dict[str, str]:
    """The tag that names this process as the one that executes a run."""
    return {PROCESS_TAG: ProcessName.current().model_dump_json()}


def tag_with_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """Note on the run that this process executes it."""
    instance.add_run_tags(run_id, process_tags())


def dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Open runs whose executing process surely runs no more."""
    found = instance.get_runs(dg.RunsFilter(statuses=_OPEN))
    return [
        run
        for run in found
        if PROCESS_TAG in run.tags and ProcessName.model_validate_json(run.tags[PROCESS_TAG]).is_dead()
    ]


def bury(instance: dg.DagsterInstance) -> list[str]:
    """Mark every dead run failed; their ids."""
    buried = dead_runs(instance)
    for run in buried:
        instance.report_run_failed(run, message="The process that executed this run died.")
    return [run.run_id for run in buried]
