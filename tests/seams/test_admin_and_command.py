"""The admin API asks for a bench run exactly as the command does: by the very same file."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.admin import ANA, files, opened, signed_in

from tip_assets.commands import collecting
from tip_serving.bench import requests
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.settings import Settings

NAME = "tip-bench-seam"


def _command(home: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Workshop:
    """The lake after `tip bench run`, which is kept from running what it wrote."""
    monkeypatch.setenv("TIP_HOME", str(home))
    monkeypatch.setattr(collecting, "_run_to_end", lambda *_: 0)
    done = CliRunner().invoke(collecting.run, ["--experiment", NAME, *options])
    assert done.exit_code == 0, done.output
    return Workshop.open(Settings(tip_home=home))


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {}),
        (
            ("--models", "embedded/planner,openai/gpt-4o-mini", "--prompts", "v2,v1", "--n-scenarios", "7"),
            {"models": ["embedded/planner", "openai/gpt-4o-mini"], "prompts": ["v2", "v1"], "n_scenarios": 7},
        ),
        (
            ("--temperature", "0", "--max-model-b", "3", "--sampling-seed", "9", "--n-tips", "2"),
            {"temperature": 0, "max_model_b": 3, "sampling_seed": 9, "n_tips": 2},
        ),
    ],
)
def test_route_and_command_write_the_same_spec_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], body: dict[str, object]
) -> None:
    by_command = _command(tmp_path / "command", monkeypatch, *options)
    admin = opened(tmp_path / "route")
    answer = signed_in(admin, ANA).post("/api/bench/run", json={"experiment": NAME, **body})
    assert answer.status_code == 202
    assert files(admin) == {layout.spec(NAME): by_command.lake.read(layout.spec(NAME))}
    admin.close()


def test_a_cancellation_by_route_stops_what_the_command_would_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _command(tmp_path, monkeypatch)
    admin = opened(tmp_path)
    assert signed_in(admin, ANA).post(f"/api/bench/cancel/{NAME}").status_code == 202
    standing = requests.cancellation(place.lake, NAME)
    assert standing is not None
    assert standing.by == "ana"
    assert place.state(NAME).phase == "cancelled"
    admin.close()
