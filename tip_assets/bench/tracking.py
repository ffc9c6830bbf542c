"""Mirrors cells into MLflow: one run per (experiment, cell), found by its tag, so that a later attempt continues it.

Nobody reads state from here. A tracking server that does not answer costs a warning, never a cell.
"""

import hashlib
import json
import math
from typing import Any, NamedTuple

import polars as pl

from tip_assets.resources.tracking_store import ensure_experiment
from tip_serving.bench.results import CellResult, CellStatus
from tip_serving.bench.spec import Spec
from tip_serving.settings import Settings

CELL_TAG = "tip.cell"
TABLE_FILE = "candidates.json"
TABLE_ROWS = 2_000  # what MLflow's table view still shows with ease
_TABLE_COLUMNS = ("scenario_id", "sample_index", "text", "latency_ms", "completion_tokens", "cost_usd", "n_attempts")


class MirroredRun(NamedTuple):
    """Where a cell stands in MLflow."""

    experiment_id: str
    run_id: str

    def url(self, ui_url: str) -> str:
        """Where a browser finds it, given the address of an MLflow server."""
        return f"{ui_url.rstrip('/')}/#/experiments/{self.experiment_id}/runs/{self.run_id}"


def mirror_cell(settings: Settings, spec: Spec, result: CellResult, candidates: pl.DataFrame) -> MirroredRun:
    """Write the cell's parameters, metrics and candidates into its MLflow run.

    Raises:
        mlflow.exceptions.MlflowException: the tracking server refused or did not answer.
    """
    from mlflow import MlflowClient

    client = MlflowClient(settings.tracking_uri)
    experiment_id = ensure_experiment(client, spec.experiment, settings)
    run_id = _run_id(client, experiment_id, result)
    _log(client, run_id, spec, result, candidates)
    client.set_terminated(run_id, "FINISHED" if result.status is CellStatus.COMPLETE else "FAILED")
    return MirroredRun(experiment_id, run_id)


def _run_id(client: Any, experiment_id: str, result: CellResult) -> str:
    # A hash, because the filter language has no way to quote every model name.
    tag = hashlib.sha256(result.cell.key.encode()).hexdigest()[:16]
    found = client.search_runs([experiment_id], f"tags.`{CELL_TAG}` = '{tag}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    tags = {CELL_TAG: tag, "tip.model": result.model, "tip.prompt": result.prompt}
    made = client.create_run(experiment_id, run_name=f"{result.model} {result.prompt}", tags=tags)
    return str(made.info.run_id)


def _log(client: Any, run_id: str, spec: Spec, result: CellResult, candidates: pl.DataFrame) -> None:
    from mlflow.entities import Metric, Param, RunTag

    at = math.floor(result.finished_at.timestamp() * 1000)
    metrics = {
        "candidates": result.n_done,
        "failures": result.n_failed,
        "calls": result.n_called,
        "latency_p50_ms": result.latency_p50_ms,
        "latency_p95_ms": result.latency_p95_ms,
        "prompt_tokens": result.prompt_tokens,
        "completion_tokens": result.completion_tokens,
        "cost_usd": result.cost_usd,
    }
    parameters = {
        "model": result.model,
        "prompt": result.prompt,
        "n_tips": spec.n_tips,
        "n_scenarios": spec.n_scenarios,
        "scenarios": spec.scenarios,
        "temperature": spec.temperature,
        "sampling_seed": spec.sampling_seed,
    }
    tags = {
        "tip.status": result.status.value,
        "tip.reason": (result.reason or "")[:4_000],
        "tip.prompt_hash": result.prompt_hash,
        # By this tag MLflow's pages know that the artifact is a table.
        "mlflow.loggedArtifacts": json.dumps([{"path": TABLE_FILE, "type": "table"}]),
    }
    client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), at, 0) for name, value in metrics.items() if value is not None],
        params=[Param(name, str(value)) for name, value in parameters.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    shown = candidates.select(_TABLE_COLUMNS).head(TABLE_ROWS)
    client.log_text(run_id, json.dumps({"columns": shown.columns, "data": shown.rows()}), TABLE_FILE)
