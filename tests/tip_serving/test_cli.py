"""The root of the command line: what it says when a subcommand meets what it cannot mend."""

import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

from tip_serving.cli import EntryPointGroup, main
from tip_serving.settings import child_environment


@pytest.mark.parametrize(
    "command",
    [
        ["bench", "list"],
        ["bench", "run", "--n-scenarios", "2"],
        ["bench", "cancel", "tip-bench-x"],
        ["scenarios", "import", "list.csv", "--name", "mine"],
    ],
    ids=" ".join,
)
def test_a_lake_that_cannot_be_used_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    (tmp_path / "lake").write_bytes(b"a file where the lake should be")
    (tmp_path / "list.csv").write_text("TYPE,CONTENT\ntask,Call\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TIP_LAKE", str(tmp_path / "lake"))
    done = CliRunner().invoke(main, command)
    assert done.exit_code in {1, 2}
    assert isinstance(done.exception, SystemExit), "a traceback is no answer"
    assert str(tmp_path / "lake") in done.output


def test_an_interrupt_ends_any_command_with_its_own_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tip_serving.scenarios.sets.list_sets", interrupted)
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    done = CliRunner().invoke(main, ["scenarios", "list"])
    assert done.exit_code == 130
    assert "Interrupted" in done.output


def test_a_command_that_cannot_be_loaded_takes_no_other_down(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = EntryPointGroup(entry_point_group="tip.commands")
    points = {"doctor": EntryPoint("doctor", "tip_assets.doctor:doctor", "tip.commands"),
              "broken": EntryPoint("broken", "tip_assets.no_such_room:broken", "tip.commands")}  # fmt: skip
    monkeypatch.setattr(offered, "_offered", points)
    told = CliRunner().invoke(offered, ["--help"])
    assert told.exit_code == 0
    assert "cannot be loaded: No module named" in told.output
    assert "Tell what is missing" in told.output
    assert CliRunner().invoke(offered, ["broken"]).exit_code == 1


@pytest.mark.parametrize("module", ["tip_serving", "tip_serving.admin", "tip_serving.consumers"])
def test_variables_that_cannot_be_meant_are_all_named_and_no_secret_is_repeated(module: str, tmp_path: Path) -> None:
    wrong = {"TIP_HOME": str(tmp_path), "TIP_CONCURRENCY": "lots", "TIP_SESSION_S": "hunter2",
             "TIP_RETENTION_DAYS": "3000000"}  # fmt: skip  # the year 10240 is none
    done = subprocess.run(
        [sys.executable, "-m", module], env=child_environment(**wrong), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert wrong.keys() - {"TIP_HOME"} <= set(re.findall(r"TIP_[A-Z_]+", done.stderr))
    assert "hunter2" not in done.stderr
