"""The resource `mlflow`: dagster-mlflow's, so that one Dagster run of training is one MLflow run.

Opened from the settings when a run needs it: importing it takes seconds, and at import time nobody reads settings.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import dagster as dg

from tip_assets.resources.tracking_store import ensure_experiment, ensure_tracking_store
from tip_serving import settings

EXPERIMENT = "tip-training"


@dg.resource(description="dagster-mlflow's tracking: the MLflow run of this Dagster run, and the registry.")
def mlflow_resource(context: dg.InitResourceContext) -> Iterator[Any]:
    """The MLflow run of a training; it ends with the resource, failed where a step said so before."""
    import mlflow
    from dagster_mlflow import mlflow_tracking

    chosen = settings.load()
    ensure_tracking_store(chosen)
    client = mlflow.MlflowClient(chosen.tracking_uri)
    _bury(client, ensure_experiment(client, EXPERIMENT, chosen), context)
    asked = {"experiment_name": EXPERIMENT, "mlflow_tracking_uri": chosen.tracking_uri, "env": {}, "extra_tags": {}}
    with settings.kept("MLFLOW_TRACKING_URI"):  # dagster-mlflow sets it, and what comes after has settings of its own
        with warnings.catch_warnings():
            # dagster-mlflow asks for the run by old names, and so does Dagster's own way to hand it a configuration.
            warnings.filterwarnings("ignore", message=r"InitResourceContext\.", category=DeprecationWarning)
            opened = mlflow_tracking.resource_fn(context.replace_config(asked))
            run = next(opened)
        try:
            yield run
        finally:
            if mlflow.active_run() is not None:
                mlflow.end_run()


def _bury(client: Any, experiment_id: str, context: dg.InitResourceContext) -> None:
    """Runs that stayed open because their process died are marked failed, once Dagster knows that theirs has ended.

    What this instance does not know may be under way in another one on the same server.
    """
    if context.instance is None:
        return
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        owner = context.instance.get_run_by_id(run.data.tags.get("dagster_run_id", ""))
        if owner is not None and owner.is_finished:
            client.set_terminated(run.info.run_id, "FAILED")
