"""What `tip doctor` finds, and what it says to do."""

import socket
from collections import namedtuple
from pathlib import Path

import dagster as dg
import pytest
from support.bench import EXPERIMENT, workshop

from tip_assets import doctor
from tip_assets.doctor import Finding, Level
from tip_assets.resources.dead_runs import PROCESS_TAG
from tip_assets.resources.instance import open_instance
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Lease, LeaseDesk, ProcessName
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.scoring.online_store import write_profiles


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    return workshop(tmp_path)


def _found(place: Workshop, word: str) -> Finding:
    found = [finding for finding in doctor.examine(place.settings) if word in finding.what]
    assert len(found) == 1, [finding.what for finding in doctor.examine(place.settings)]
    return found[0]


def test_a_fresh_machine_is_not_broken_and_is_left_as_it_was(place: Workshop, tmp_path: Path) -> None:
    assert not [finding for finding in doctor.examine(place.settings) if finding.level is Level.BROKEN]
    assert not (tmp_path / "dagster").exists()
    assert not (tmp_path / "mlflow.db").exists()
    assert place.lake.find("bench") == []


def test_a_port_in_use_is_named_with_who_holds_it(place: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        monkeypatch.setattr(doctor, "PORTS", {holder.getsockname()[1]: "the Dagster UI"})
        found = _found(place, "the Dagster UI")
    assert found.level is Level.NOTE
    assert "is held by" in found.what
    assert found.mend


def test_the_lease_of_a_dead_worker_is_named(place: Workshop) -> None:
    lease = LeaseDesk(place.lake, 15.0).take(Cell("ollama/llama3.2:3b", "v1"), EXPERIMENT)
    assert isinstance(lease, Lease)
    assert _found(place, "stale lease").level is Level.FINE
    dead = lease.holding.model_copy(update={"process": lease.holding.process.model_copy(update={"started": 1.0})})
    place.lake.write(layout.lease(*lease.cell), dead.model_dump_json().encode())
    found = _found(place, "leases of dead workers")
    assert "ollama/llama3.2:3b|v1" in found.what
    assert found.mend == "the next run takes them over"


def test_a_full_disk_is_broken_and_says_what_to_do(place: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024  the shape of shutil's answer
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10, 10, 100_000_000))
    found = _found(place, "GB free")
    assert (found.level, found.mend) == (Level.BROKEN, "make room, or set TIP_HOME")


def test_a_package_that_is_not_as_locked_is_named(
    place: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.lock").write_text(
        "click==0.0.1 \\\nno-such-package==1.0 ; sys_platform == 'win32' \\\nnot-installed==2.0 \\\n"
    )
    monkeypatch.chdir(tmp_path)
    found = _found(place, "astray")
    assert found.level is Level.BROKEN
    assert "pinned 0.0.1" in found.what
    assert "not-installed is missing" in found.what
    assert "no-such-package" not in found.what


def test_keys_are_named_and_their_values_never_shown(place: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "OPENAI_API_KEY" in _found(place, "keys set").what
    assert not [finding for finding in doctor.examine(place.settings) if "very-secret" in str(finding)]


def test_a_broken_catalog_hides_no_other_finding(place: Workshop, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text("size = ")
    found = doctor.examine(place.settings)
    assert [finding.level for finding in found if finding.what.startswith("catalog:")] == [Level.BROKEN]
    assert any(finding.what.startswith("Python") for finding in found)
    assert any("Dagster" in finding.what for finding in found)


def test_a_lake_that_takes_no_writes_is_broken(place: Workshop) -> None:
    elsewhere = place.settings.model_copy(update={"tip_lake": "memory://nowhere"})
    found = [finding for finding in doctor.examine(elsewhere) if finding.level is Level.BROKEN]
    assert len(found) == 1
    assert "Set TIP_LAKE" in found[0].what


def test_runs_of_dead_processes_are_counted(place: Workshop) -> None:
    me = ProcessName.current()
    dead = me.model_copy(update={"started": 1.0}).model_dump_json()
    with open_instance(place.settings) as instance:
        instance.add_run(
            dg.DagsterRun(job_name="collect", status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: dead})
        )
    assert "1 runs stand open" in _found(place, "stand open").what
    assert _found(place, "daemon").mend == "make up"


def test_an_online_store_that_does_not_answer_is_told_and_one_that_does_too(place: Workshop, tmp_path: Path) -> None:
    assert "no online feature store is configured" in _found(place, "online feature store").what
    url = f"sqlite:///{tmp_path}/profiles.db"
    chosen = place.settings.model_copy(update={"tip_online_store": url})
    (absent,) = doctor.check_online_store(chosen)
    assert absent.level is Level.BROKEN
    assert absent.what.endswith("store cannot be reached")
    assert "online_features" in absent.mend
    write_profiles(url, [])
    (answering,) = doctor.check_online_store(chosen)
    assert answering.level is Level.FINE
