"""The databases of Dagster and MLflow are in place whole or not at all, wherever a kill falls."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tip_assets.resources.aside import made_aside
from tip_assets.resources.instance import open_instance
from tip_assets.resources.tracking_store import ensure_tracking_store
from tip_serving.settings import Settings

_OPENS = {
    "instance": "from tip_assets.resources.instance import ensure_instance_directory as ensure",
    "tracking": "from tip_assets.resources.tracking_store import ensure_tracking_store as ensure; import mlflow",
}
_MAKE = """
{opens}
from pathlib import Path
from tip_serving.settings import Settings
print("begin", flush=True)
ensure(Settings(tip_home=Path({home!r})))
print("end", flush=True)
"""


def _settings(home: Path) -> Settings:
    return Settings(tip_home=home)


@pytest.mark.parametrize("kind", list(_OPENS))
@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.8])
def test_a_store_whose_maker_was_killed_halfway_opens_afterwards(tmp_path: Path, kind: str, after_s: float) -> None:
    script = _MAKE.format(opens=_OPENS[kind], home=str(tmp_path))
    maker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    with maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == b"begin\n"
        time.sleep(after_s)
        maker.kill()
    settings = _settings(tmp_path)
    if kind == "instance":
        with open_instance(settings) as instance:
            instance.add_dynamic_partitions("experiment", ["tip-bench-a"])
            assert list(instance.get_dynamic_partitions("experiment")) == ["tip-bench-a"]
    else:
        ensure_tracking_store(settings)
        from mlflow import MlflowClient

        client = MlflowClient(settings.tracking_uri)
        default = client.get_experiment("0")
        assert default.artifact_location.startswith(str(settings.artifact_root))


def test_an_instance_that_is_there_keeps_its_configuration(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    settings.dagster_directory.mkdir(parents=True)
    own = "telemetry:\n  enabled: false\n"
    (settings.dagster_directory / "dagster.yaml").write_text(own)
    with open_instance(settings):
        assert (settings.dagster_directory / "dagster.yaml").read_text() == own


@pytest.mark.parametrize("is_directory", [True, False])
def test_who_comes_second_leaves_the_work_of_the_first(tmp_path: Path, is_directory: bool) -> None:
    target = tmp_path / "store"
    with made_aside(target) as second:
        for path, text in ((target, "first"), (second, "second")):
            if is_directory:
                path.mkdir()
            (path / "file" if is_directory else path).write_text(text)
    assert (target / "file" if is_directory else target).read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_what_failed_halfway_leaves_nothing(tmp_path: Path) -> None:
    with suppress(InterruptedError), made_aside(tmp_path / "store") as path:
        path.write_text("half")
        raise InterruptedError
    assert list(tmp_path.iterdir()) == []
