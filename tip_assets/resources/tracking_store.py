"""Where MLflow keeps runs and artifacts: the SQLite database under `TIP_HOME` where no tracking server is set."""

from pathlib import Path
from typing import Any

from tip_assets.resources.aside import made_aside
from tip_serving.settings import Settings

_SQLITE = "sqlite:///"


def ensure_tracking_store(settings: Settings) -> None:
    """Make the database where there is none; a server, or a database that is there, stays as it is."""
    if not settings.tracking_uri.startswith(_SQLITE):
        return
    database = Path(settings.tracking_uri.removeprefix(_SQLITE))
    if database.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with made_aside(database) as path:
        # Without the root, MLflow's default experiment would put artifacts into the current folder.
        store = SqlAlchemyStore(f"{_SQLITE}{path}", str(settings.artifact_root))
        store.engine.dispose()


def ensure_experiment(client: Any, name: str, settings: Settings) -> str:
    """The id of the MLflow experiment, made where there is none."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        # A server of its own knows where artifacts go; a database does not, and would put them into the current folder.
        is_server = settings.tracking_uri.startswith("http")
        return str(client.create_experiment(name, None if is_server else str(settings.artifact_root / name)))
    except MlflowException:
        # Another worker was first.
        return str(client.get_experiment_by_name(name).experiment_id)
