"""Versions in MLflow: parameters, metrics and the card on the run, the version in the registry under its name.

Nothing about single people is logged: cards hold counts, rates and hashes. The same content is registered once; trained
again, it gets the alias `challenger` anew and no second version.
"""

import math
import re
from typing import Any, NamedTuple

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.training.cards.card import TITLES, Card
from tip_serving.training.trained import Trained, write_trained

CHALLENGER = "challenger"
LAKE_VERSION, LAKE_PATH = "lake_version", "lake_path"
_FORMS = ("json", "md", "html")
_NOT_IN_NAMES = re.compile(r"[^\w .\-/]")


class Registered(NamedTuple):
    """Where a version stands in MLflow."""

    version: str
    run_id: str
    is_new: bool


def register(mlflow: Any, lake: Lake, trained: Trained, card: Card) -> Registered:
    """Log the version on the active run and register it; the lake's record of it then names the registered version.

    Args:
        mlflow: the resource, its run active.
        lake: holds the version and its card.
        trained: what was trained.
        card: its card.
    """
    run_id = str(mlflow.active_run().info.run_id)
    _log(mlflow, lake, trained, card)
    client = mlflow.tracking_client
    found = _known(client, trained)
    is_new = found is None
    version = _created(client, mlflow, trained, run_id) if found is None else found
    client.set_registered_model_alias(trained.name, CHALLENGER, version)
    write_trained(lake, trained.model_copy(update={"registered": version}))
    return Registered(version, run_id, is_new)


def _known(client: Any, trained: Trained) -> str | None:
    """The version of this content, if it is registered."""
    query = f"name = '{trained.name}' and tags.{LAKE_VERSION} = '{trained.version}'"
    found = client.search_model_versions(query, max_results=1)
    return str(found[0].version) if found else None


def _created(client: Any, mlflow: Any, trained: Trained, run_id: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(trained.name, description=f"{TITLES[trained.name]} of this installation.")
    except MlflowException:  # it is there, or the next call says what is wrong
        client.get_registered_model(trained.name)
    tags = {LAKE_VERSION: trained.version, LAKE_PATH: trained.artifact.path, "sha256": trained.artifact.sha256}
    source = mlflow.get_artifact_uri(trained.name)
    made = client.create_model_version(trained.name, source, run_id=run_id, tags=tags)
    return str(made.version)


def _log(mlflow: Any, lake: Lake, trained: Trained, card: Card) -> None:
    """One run holds all that was trained in it, so each number goes under its registered name."""
    mlflow.log_params({f"{trained.name}.{key}": value for key, value in card.parameters.items() if value is not None})
    if trained.data is not None:
        about = trained.data.model_dump(mode="json")
        mlflow.log_params({f"{trained.name}.data.{key}": value for key, value in about.items()})
    numbers: dict[str, float] = {}
    for metric in card.metrics:
        whose = trained.name if metric.of == card.version else f"{trained.name}/{metric.of}"
        bounds = {"": metric.value, "/low": metric.low, "/high": metric.high}
        for end, value in bounds.items():
            if value is not None and math.isfinite(value):
                numbers[_NOT_IN_NAMES.sub("-", f"{whose}/{metric.name}{end}")[:250]] = value
    mlflow.log_metrics(numbers)
    mlflow.set_tag(f"{trained.name}.{LAKE_VERSION}", trained.version)
    filename = trained.artifact.path.rsplit("/", 1)[-1]
    mlflow.log_text(lake.read(trained.artifact.path).decode(), f"{trained.name}/{filename}")
    for form in _FORMS:
        text = lake.read(layout.card(card.name, card.version, form)).decode()
        mlflow.log_text(text, f"{trained.name}/card.{form}")
