"""`tip release` as a person and as a program use it, on a real lake, event store and Dagster instance."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.releases import QUICK, House

from tip_assets.releases.cli import release
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.state import Phase, state

NOW = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    monkeypatch.setenv("TIP_EVENT_STORE", f"sqlite:///{tmp_path}/events.db")
    monkeypatch.setenv("COLUMNS", "160")
    made = House(tmp_path)
    yield made
    made.store.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(release, arguments)


def proposed(house: House, tmp_path: Path, *arguments: str) -> str:
    """A candidate, proposed by a command with the quick plan."""
    plan = tmp_path / "plan.json"
    plan.write_text(QUICK.model_copy(update={"auto_approve": False}).model_dump_json())
    done = run("propose", house.candidate().candidate_id, "--plan", str(plan), "--by", "ada", "--json", *arguments)
    assert done.exit_code == 0, done.output
    name: str = json.loads(done.stdout)["proposal_id"]
    return name


def begun(house: House, tmp_path: Path) -> str:
    """The same, through the gate and half an hour of shadow."""
    name = proposed(house, tmp_path)
    advance_all(house.lake, house.sources, NOW)
    house.live(NOW, 0.5, 250)
    return name


def test_candidates_lists_what_was_trained_and_how_far_it_is(house: House, tmp_path: Path) -> None:
    made = house.candidate()
    listed = run("candidates").output
    assert made.candidate_id in listed
    assert "tip-reward-model reward-1" in listed
    proposed(house, tmp_path)
    assert json.loads(run("candidates", "--json").stdout) == [{"id": made.candidate_id, "phase": "queued"}]


def test_proposing_what_is_not_there_or_by_a_plan_that_cannot_be_meant_is_bad_input(
    house: House, tmp_path: Path
) -> None:
    done = run("propose", "nothing")
    assert (done.exit_code, "Nothing of the id 'nothing' can be proposed" in done.output) == (2, True)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"stages": [0.5], "patience": 3}))
    done = run("propose", house.candidate().candidate_id, "--plan", str(plan))
    assert done.exit_code == 2
    assert "stages are (0.5,); expected two or more growing shares" in done.output or "patience: Extra" in done.output
    plan.write_text("{")
    assert run("propose", house.candidate().candidate_id, "--plan", str(plan)).exit_code == 2


def test_flags_of_the_plan_are_kept_with_the_proposal(house: House, tmp_path: Path) -> None:
    name = proposed(house, tmp_path, "--auto-approve", "--accept-warnings", "--note", "as agreed")
    kept = state(house.lake, name).proposal
    assert (kept.plan.auto_approve, kept.plan.accepts_warnings, kept.note, kept.by) == (True, True, "as agreed", "ada")
    assert kept.plan.stages == QUICK.stages


def test_status_shows_where_a_release_is_its_numbers_and_what_is_next(house: House, tmp_path: Path) -> None:
    assert "Nothing was ever proposed" in run("status").output
    name = begun(house, tmp_path)
    shown = run("status").output
    assert "● gate  ○ shadow" in shown
    assert "250/200" in shown
    assert "agreement: pass." in shown
    assert "to have answered in the shadow for long enough" in shown
    told = json.loads(run("status", name, "--json").stdout)
    [one] = told
    assert (one["phase"], one["progress"]["n_decisions"], one["share"]) == ("shadow", 250, 0.0)
    assert {finding["name"] for finding in one["findings"]} >= {"errors", "latency", "agreement", "score shift"}
    assert [step["kind"] for step in one["steps"]] == ["begun", "gate passed"]
    assert run("status", "nothing").exit_code == 2


def test_a_person_approves_rolls_back_and_withdraws(house: House, tmp_path: Path) -> None:
    name = begun(house, tmp_path)
    refused = run("approve", name)
    assert (refused.exit_code, "is not waiting for a person: it is shadow" in refused.output) == (2, True)
    advance_all(house.lake, house.sources, NOW + dt.timedelta(hours=3))
    assert "a person: tip release approve" in run("status").output
    done = run("approve", name, "--by", "eve", "--reason", "fine")
    assert f"{name}: approved, by eve: approved by eve: fine" in done.output
    advance_all(house.lake, house.sources, NOW + dt.timedelta(hours=4))
    assert run("rollback", name).exit_code == 2, "a reason is asked for"
    done = run("rollback", name, "--by", "eve", "--reason", "complaints")
    assert f"{name}: rolled back, by eve: rolled back by eve: complaints" in done.output
    again = proposed(house, tmp_path)
    assert f"{again}: withdrawn" in run("withdraw", again, "--reason", "no").output
    assert state(house.lake, again).phase is Phase.WITHDRAWN
    overview = run("status").output
    assert overview.index(again) < overview.index(name)


def test_watch_ends_at_once_where_nothing_is_open(house: House) -> None:
    assert run("watch").output == "No release is open.\n"


@pytest.mark.slow
def test_watch_has_done_what_is_next(house: House, tmp_path: Path) -> None:
    name = proposed(house, tmp_path)
    done = run("watch", "--every", "0.1")
    assert done.exit_code == 0, done.output
    assert f"{name}: begun, by release: its turn has come" in done.output
    assert f"{name}: refused, by release: " in done.output
    assert "checks: no check of the assets behind it has ever run" in done.output
    assert done.output.rstrip().endswith("No release is open.")


@pytest.mark.slow
def test_watch_says_how_far_what_is_under_way_is(house: House, tmp_path: Path) -> None:
    name = begun(house, tmp_path)
    assert f"{name} is shadow: 250 decisions" in run("watch", "--once").output
