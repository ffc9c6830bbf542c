"""MLflow as a mirror of releases: a real store, versions as training registers them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tip_assets.releases.registry import LAKE_VERSION, MlflowRegistry
from tip_assets.resources.tracking_store import ensure_tracking_store
from tip_serving import settings as environment
from tip_serving.releasing.ports import RegistryError
from tip_serving.settings import Settings


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    return environment.load()


@pytest.fixture
def client(chosen: Settings) -> Iterator[Any]:
    from mlflow import MlflowClient

    ensure_tracking_store(chosen)
    opened = MlflowClient(chosen.tracking_uri, registry_uri=chosen.tracking_uri)
    opened.create_registered_model("tip-policy")
    experiment = opened.create_experiment("training", str(chosen.artifact_root / "training"))
    for version in ("aaa", "bbb"):
        run = opened.create_run(experiment)
        opened.create_model_version("tip-policy", "file:nowhere", run_id=run.info.run_id, tags={LAKE_VERSION: version})
    return opened


def test_an_alias_follows_the_version_of_the_lake(chosen: Settings, client: Any) -> None:
    registry = MlflowRegistry(chosen)
    registry.set_alias("tip-policy", "champion", "aaa")
    registry.set_alias("tip-policy", "champion", "bbb")
    registry.set_alias("tip-policy", "champion", "bbb")
    assert client.get_model_version_by_alias("tip-policy", "champion").tags[LAKE_VERSION] == "bbb"


def test_an_alias_is_taken_only_from_the_version_that_has_it(chosen: Settings, client: Any) -> None:
    registry = MlflowRegistry(chosen)
    registry.set_alias("tip-policy", "champion", "bbb")
    registry.remove_alias("tip-policy", "champion", "aaa")
    assert client.get_model_version_by_alias("tip-policy", "champion").tags[LAKE_VERSION] == "bbb"
    registry.remove_alias("tip-policy", "champion", "bbb")
    assert client.get_registered_model("tip-policy").aliases == {}


def test_tags_and_cards_are_kept_with_the_version(chosen: Settings, client: Any) -> None:
    registry = MlflowRegistry(chosen)
    registry.tag("tip-policy", "aaa", {"tip.release": "p1: finished"})
    registry.log_artifact("tip-policy", "aaa", "card.md", b"# first")
    registry.log_artifact("tip-policy", "aaa", "card.md", b"# second")
    found = client.get_model_version("tip-policy", "1")
    assert registry.tags("tip-policy", "aaa")["tip.release"] == found.tags["tip.release"] == "p1: finished"
    kept = client.download_artifacts(found.run_id, "tip-policy/card.md")
    assert Path(kept).read_text() == "# second"


def test_what_is_not_registered_there_is_let_be(chosen: Settings, client: Any) -> None:
    registry = MlflowRegistry(chosen)
    registry.set_alias("tip-policy", "champion", "zzz")
    registry.tag("tip-reward-model", "aaa", {"a": "b"})
    assert client.get_registered_model("tip-policy").aliases == {}


def test_a_server_that_does_not_answer_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryError, match="tip-policy aaa: cannot point champion at it"):
        MlflowRegistry(environment.load()).set_alias("tip-policy", "champion", "aaa")
