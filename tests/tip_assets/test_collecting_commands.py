"""`tip bench run --dry-run`, `list` and `show` where something is amiss."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.bench import EXPERIMENT, create, fill_all, workshop

from tip_assets.cli import bench
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    return workshop(tmp_path)


def test_a_dry_run_refuses_what_the_run_would_refuse(place: Workshop) -> None:
    create(place)
    told = CliRunner().invoke(bench, ["run", "--experiment", EXPERIMENT, "--n-scenarios", "9", "--dry-run"])
    assert told.exit_code == 2
    assert "exists and never changes" in told.stderr
    assert "n_scenarios: is 6 in the lake, 9 was asked for" in told.stderr


def test_a_dry_run_of_what_is_there_tells_that_nothing_is_left_to_ask(place: Workshop) -> None:
    fill_all(place, create(place))
    told = CliRunner().invoke(bench, ["run", "--experiment", EXPERIMENT, "--dry-run"])
    assert told.exit_code == 0
    assert "24 needed, 24 already there" in told.stdout


def test_one_damaged_experiment_hides_no_other_in_the_list(place: Workshop) -> None:
    asked = create(place)
    fill_all(place, asked)
    create(place, experiment="tip-bench-whole")
    place.lake.write(layout.cell_result(EXPERIMENT, "embedded/first", "v1"), b"{broken")
    told = CliRunner().invoke(bench, ["list"])
    assert told.exit_code == 0, told.output
    assert "damaged" in next(line for line in told.stdout.splitlines() if EXPERIMENT in line)
    assert "waiting" in next(line for line in told.stdout.splitlines() if "tip-bench-whole" in line)


def test_a_damaged_experiment_is_named_as_such(place: Workshop) -> None:
    fill_all(place, create(place))
    place.lake.write(layout.cell_result(EXPERIMENT, "embedded/first", "v1"), b"{broken")
    told = CliRunner().invoke(bench, ["show", EXPERIMENT])
    assert told.exit_code == 1
    assert f"a file of {EXPERIMENT} is damaged" in told.stderr
