"""Where MLflow mirrors an experiment or one of its cells, looked up when somebody follows the link.

Only the address is asked for; nothing of an experiment's state is read there.
"""

import hashlib
from typing import Any
from urllib.parse import quote

import httpx

from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.errors import NotFoundError, UnavailableError
from tip_serving.admin.service.users import READERS, User, require

CELL_TAG = "tip.cell"
"""Holds `cell_tag` on the run of a cell."""
_TIMEOUT_S = 5.0


def cell_tag(key: str) -> str:
    """A cell as MLflow's filter language can be asked for it."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def url(user: User, bench: Bench, experiment: str, cell: str | None) -> str:
    """The address of the experiment, or of the run of a cell (`model|prompt`), in MLflow's pages.

    Raises:
        NotFoundError: there is no such experiment or cell, or MLflow has nothing of it.
        UnavailableError: MLflow does not answer.
    """
    require(user, READERS, "see runs")
    state = bench.state(experiment)
    if cell is not None and cell not in {known.cell.key for known in state.cells}:
        raise NotFoundError(f"{experiment} has no cell {cell!r:.300}.")
    server = bench.workshop.settings.mlflow_ui.rstrip("/")
    found = _call(f"{server}/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(experiment, safe='')}", None)
    if found is None:
        raise NotFoundError(f"MLflow has nothing of {experiment} yet.")
    experiment_id = str(found["experiment"]["experiment_id"])
    page = f"{server}/#/experiments/{experiment_id}"
    if cell is None:
        return page
    asked = {"experiment_ids": [experiment_id], "filter": f"tags.`{CELL_TAG}` = '{cell_tag(cell)}'", "max_results": 1}
    runs = (_call(f"{server}/api/2.0/mlflow/runs/search", asked) or {}).get("runs")
    if not runs:
        raise NotFoundError(f"MLflow has no run of {cell} yet.")
    return f"{page}/runs/{runs[0]['info']['run_id']}"


def _call(address: str, asked: dict[str, Any] | None) -> dict[str, Any] | None:
    """MLflow's answer; None where it knows of no such thing."""
    try:
        answer = httpx.request("GET" if asked is None else "POST", address, json=asked, timeout=_TIMEOUT_S)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError(f"MLflow gave no usable answer: {type(error).__name__}.") from None
    return found
