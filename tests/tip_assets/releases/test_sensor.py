"""Releases in Dagster, on a real instance: the sensor decides, checks count, `released` shows what is served."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.releases import QUICK, House

from tip_assets.definitions import defs
from tip_assets.models.showing import about
from tip_assets.releases.checks import InstanceChecks
from tip_assets.releases.released import FOLLOWS, LOADS, released
from tip_assets.releases.sensor import release_sensor
from tip_assets.resources.instance import open_instance
from tip_serving import settings as environment
from tip_serving.lake import layout
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import Phase, state
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    monkeypatch.setenv("TIP_EVENT_STORE", f"sqlite:///{tmp_path}/events.db")
    return House(tmp_path)


@pytest.fixture
def instance(house: House) -> Iterator[dg.DagsterInstance]:
    with open_instance(environment.load()) as opened:
        yield opened


def tick(instance: dg.DagsterInstance) -> tuple[list[str | None], str | None]:
    with dg.build_sensor_context(instance=instance, definitions=defs) as context:
        data = release_sensor.evaluate_tick(context)
    return [request.run_key for request in data.run_requests or []], data.skip_message


def proposed(house: House) -> str:
    return propose(house.lake, house.candidate().candidate_id, "ada", NOW, QUICK).proposal_id


def test_nothing_proposed_asks_for_nothing(instance: dg.DagsterInstance) -> None:
    assert tick(instance) == ([], "Nothing was ever proposed.")


def test_the_sensor_decides_and_asks_for_what_is_served_once_a_step(house: House, instance: dg.DagsterInstance) -> None:
    name = proposed(house)
    [key] = tick(instance)[0]
    assert str(key).startswith(f"gate-{name}-"), "a tick has no time for the gate, so a run of its own decides"
    assert defs.resolve_job_def("decide_release").execute_in_process(instance=instance).success
    found = state(house.lake, name)
    assert found.phase is Phase.REFUSED
    assert "checks: no check of the assets behind it has ever run" in found.reason
    assert "evidence: cannot be read: No decision of" in found.reason
    assert tick(instance)[0] == ["step-2"]
    assert tick(instance)[0] == ["step-2"], "the same key again, of which Dagster makes no second run"


def report(instance: dg.DagsterInstance, asset: str, check: str, *, passed: bool, **metadata: Any) -> None:
    evaluation = dg.AssetCheckEvaluation(
        check_name=check, asset_key=dg.AssetKey(asset), passed=passed,
        metadata={name: dg.MetadataValue.json(one) if isinstance(one, list) else dg.MetadataValue.text(one)
                  for name, one in metadata.items()},
        severity=dg.AssetCheckSeverity.ERROR, description="as tested",
    )  # fmt: skip
    instance.report_runless_asset_event(evaluation)


def test_checks_of_all_that_is_behind_a_candidate_count_with_their_last_result(
    house: House, instance: dg.DagsterInstance
) -> None:
    checks, candidate = InstanceChecks(instance, defs), house.candidate()
    assert checks.results(candidate) == []
    report(instance, "release_candidate", "cards_are_complete", passed=False)
    report(instance, "release_candidate", "cards_are_complete", passed=True)
    report(instance, "leaderboard", "leaderboard_covers_every_cell", passed=False)
    report(instance, "released", FOLLOWS, passed=False)
    [found] = checks.results(candidate)
    assert (found.asset, found.check, found.is_green, found.is_blocking, found.words) == (
        "release_candidate", "cards_are_complete", True, True, "as tested"
    )  # fmt: skip
    report(instance, "release_candidate", "cards_are_complete", passed=False)
    assert [one.is_green for one in checks.results(candidate)] == [False]


def test_a_check_of_another_version_says_nothing_of_the_one_that_is_proposed(
    house: House, instance: dg.DagsterInstance
) -> None:
    checks, candidate = InstanceChecks(instance, defs), house.candidate()
    mine = about(REWARD_MODEL, candidate.cards[REWARD_MODEL])

    def told() -> list[tuple[bool, str]]:
        return [(one.is_green, one.words) for one in checks.results(candidate)]

    report(instance, "reward_model", "beats_the_baselines", passed=True, **about(REWARD_MODEL, "later"))
    report(instance, "prompt_policy", "propensities_are_valid", passed=False, **about(PROMPT_POLICY, "later"))
    unseen = f"it never ran for {REWARD_MODEL} {candidate.cards[REWARD_MODEL]}"
    assert told() == [(False, unseen)], "a part that the candidate does not have is nobody's business"
    report(instance, "reward_model", "beats_the_baselines", passed=False, **mine)
    report(instance, "reward_model", "beats_the_baselines", passed=True, **about(REWARD_MODEL, "later"))
    assert told() == [(False, "as tested")], "the newer green is that of a newer model"
    report(instance, "reward_model", "beats_the_baselines", passed=True, **mine)
    report(instance, "reward_model", "beats_the_baselines", passed=False, **about(REWARD_MODEL, "later"))
    assert told() == [(True, "as tested")]


def test_a_red_day_that_the_candidate_rests_on_stays_red_until_that_day_is_green(
    house: House, instance: dg.DagsterInstance
) -> None:
    checks, candidate = InstanceChecks(instance, defs), house.candidate()
    first = candidate.data.first_day

    def tell(since: int, until: int, *failed: int) -> None:
        days = [(first + dt.timedelta(days=n)).isoformat() for n in (since, until, *failed)]
        report(
            instance, "training_set", "training_set_without_leaks", passed=not failed,
            first_day=days[0], last_day=days[1], days_failed=days[2:],
        )  # fmt: skip

    def is_green() -> bool:
        [found] = checks.results(candidate)
        return found.is_green

    tell(-3, -1, -2)
    assert is_green(), "the candidate was not made from days before its first"
    tell(3, 6, 4, 5)
    tell(7, 7)
    assert not is_green(), "a later day says nothing of the two"
    tell(4, 4)
    assert not is_green(), "one is left"
    tell(5, 8, 8)
    assert not is_green()
    tell(8, 8)
    assert is_green()
    for n in range(9, 220):
        tell(n, n)
    tell(0, 0, 0)
    tell(220, 220)
    assert not is_green()


def test_runs_that_have_only_been_planned_hide_no_result(house: House, instance: dg.DagsterInstance) -> None:
    report(instance, "release_candidate", "cards_are_complete", passed=False)
    for _ in range(12):
        instance.create_run_for_job(defs.resolve_job_def("train"))
    assert [one.is_green for one in InstanceChecks(instance, defs).results(house.candidate())] == [False]


def materialized(instance: dg.DagsterInstance) -> tuple[dict[str, object], dict[str, bool]]:
    result = dg.materialize([released], instance=instance)
    [made] = result.asset_materializations_for_node("released")
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    return {name: getattr(value, "value", None) for name, value in made.metadata.items()}, checks


def test_the_asset_shows_the_defaults_while_nothing_is_released(instance: dg.DagsterInstance) -> None:
    metadata, checks = materialized(instance)
    assert metadata["version"] == "nothing is released"
    assert metadata["champion"] == "default"
    assert checks == {FOLLOWS: True, LOADS: True}


def test_the_asset_shows_arms_weights_cards_and_steps(house: House, instance: dg.DagsterInstance) -> None:
    from tip_serving.releasing.advancing import advance_all

    name = propose(house.lake, house.candidate().candidate_id, "ada", NOW, QUICK).proposal_id
    advance_all(house.lake, house.sources, NOW)
    metadata, checks = materialized(instance)
    assert metadata["version"] == f"{name}-2"
    assert metadata["weights"] == {"default": 1.0}
    assert metadata["shadows"] == [state(house.lake, name).turn.arm.name]
    assert str(metadata["card of tip-reward-model reward-1"]).endswith("cards/tip-reward-model/reward-1/card.html")
    assert "gate passed" in str(metadata["steps"])
    assert checks == {FOLLOWS: True, LOADS: True}


def test_the_checks_find_a_manifest_of_somebody_elses_and_a_file_that_is_gone(
    house: House, instance: dg.DagsterInstance
) -> None:
    from tip_serving.releasing.advancing import advance_all

    made = house.candidate()
    propose(house.lake, made.candidate_id, "ada", NOW, QUICK)
    advance_all(house.lake, house.sources, NOW)
    house.shelf.publish("by-hand", made.arm("champion", 1.0).model_dump(mode="json"))  # type: ignore[arg-type]
    assert materialized(instance)[1] == {FOLLOWS: False, LOADS: True}
    house.lake.delete(layout.reward_model("reward", "reward-1"))
    assert materialized(instance)[1] == {FOLLOWS: False, LOADS: False}


def test_what_is_served_follows_from_events_models_and_the_bench() -> None:
    graph = defs.resolve_asset_graph()
    behind = {key.to_user_string() for key in graph.get_ancestor_asset_keys(dg.AssetKey("released"))}
    assert behind >= {"exposures", "feedback", "tip_scores", "training_set", "reward_model", "release_candidate"}
    assert behind >= {"leaderboard", "candidates"}, "the judge's opinion is where learning starts"
