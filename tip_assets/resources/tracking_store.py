"""The SQLite database under `TIP_HOME` that MLflow keeps runs in where no tracking server is set."""

from pathlib import Path

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
