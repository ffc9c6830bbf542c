"""MLflow's model registry, told what became of versions: aliases, tags, and the card as an artifact of their run.

Nobody reads state from here. Versions are known by their tag `lake_version`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from tip_assets.resources.tracking_store import ensure_tracking_store
from tip_serving.releasing.ports import RegistryError
from tip_serving.settings import Settings

LAKE_VERSION = "lake_version"


class MlflowRegistry:
    """The registry that the settings name; a version that is not registered there is let be.

    Args:
        chosen: say where MLflow is.
    """

    def __init__(self, chosen: Settings) -> None:
        self._settings = chosen

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient

        ensure_tracking_store(self._settings)
        return MlflowClient(self._settings.tracking_uri, registry_uri=self._settings.tracking_uri)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """`alias` of `name` points at the version. Raises RegistryError."""

        def point(found: Any) -> None:
            if alias not in found.aliases:
                self._client.set_registered_model_alias(name, alias, found.version)

        self._tell(name, version, f"point {alias} at it", point)

    def remove_alias(self, name: str, alias: str, version: str) -> None:
        """`alias` of `name` points at the version no longer. Raises RegistryError."""

        def drop(found: Any) -> None:
            if alias in found.aliases:
                self._client.delete_registered_model_alias(name, alias)

        self._tell(name, version, f"take {alias} from it", drop)

    def tags(self, name: str, version: str) -> Mapping[str, str]:
        """What was noted on the version. Raises RegistryError."""
        noted: dict[str, str] = {}
        self._tell(name, version, "read its tags", lambda found: noted.update(found.tags))
        return noted

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Note on the version. Raises RegistryError."""

        def note(found: Any) -> None:
            for key, value in tags.items():
                if found.tags.get(key) != value:
                    self._client.set_model_version_tag(name, found.version, key, value)

        self._tell(name, version, "tag it", note)

    def log_artifact(self, name: str, version: str, filename: str, data: bytes) -> None:
        """Keep a text beside what the version's run left. Raises RegistryError."""

        def keep(found: Any) -> None:
            if found.run_id:
                # Where training put the first one.
                self._client.log_text(found.run_id, data.decode(), f"{name}/{filename}")

        self._tell(name, version, f"keep {filename}", keep)

    def _tell(self, name: str, version: str, attempt: str, say: Callable[[Any], None]) -> None:
        with _registry_errors(f"{name} {version}: cannot {attempt}"):
            # Listed and compared here: which tags a search may ask for differs from store to store.
            for found in self._client.search_model_versions(f"name = '{name}'"):
                if found.tags.get(LAKE_VERSION) == version:
                    say(self._client.get_model_version(name, found.version))  # with its aliases


@contextmanager
def _registry_errors(attempt: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise RegistryError(f"{attempt}: {error}") from error
