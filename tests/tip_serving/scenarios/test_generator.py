"""The generator: repeatable, distinct, and every kind is what it says."""

from collections import Counter

from tip_serving.features.context import context_features
from tip_serving.prompts import registry
from tip_serving.prompts.rendering import render
from tip_serving.scenarios.generator import KINDS, generate
from tip_serving.scenarios.model import Scenario


def test_fewer_scenarios_are_the_first_of_more() -> None:
    assert generate(30, seed=5)[:11] == generate(11, seed=5)


def test_another_seed_gives_other_people_and_days() -> None:
    ids = [{scenario.scenario_id for scenario in generate(24, seed)} for seed in (1, 2)]
    assert not ids[0] & ids[1]


def test_no_two_scenarios_look_alike_under_any_prompt() -> None:
    found = generate(400, seed=0)
    assert len({scenario.scenario_id for scenario in found}) == 400
    for version in registry.versions():
        assert len({render(registry.get(version), scenario.situation) for scenario in found}) == 400


def test_a_dozen_scenarios_meet_every_kind_and_each_kind_is_what_it_says() -> None:
    found = {scenario.kind: scenario.situation for scenario in generate(len(KINDS), seed=9)}
    assert set(found) == set(KINDS)
    assert found["empty_list"].tasks == ()
    assert len(found["overload"].tasks) >= 60
    assert context_features(found["overdue"])["n_overdue"] >= 2
    assert context_features(found["late_night"])["part_of_day"] == "late night"
    assert context_features(found["weekend"])["is_weekend"] is True
    assert found["unknown_person"].profile_features is None
    assert (found["other_language"].profile_features or {})["language"] != "en"
    assert any(
        ord(letter) > 0x1F000 or 0x2600 <= ord(letter) < 0x2800
        for task in found["emoji"].tasks
        for letter in task.content
    )
    assert any(task.due and task.due.is_recurring for task in found["recurring"].tasks)
    assert max(len(task.content) for task in found["long_titles"].tasks) > 100


def test_people_and_moments_vary() -> None:
    found = generate(240, seed=1)
    languages = Counter((scenario.situation.profile_features or {}).get("language", "") for scenario in found)
    assert len(languages) >= 5
    assert len({scenario.situation.now.hour for scenario in found}) >= 15
    assert len({scenario.situation.now.utcoffset() for scenario in found}) >= 5


def test_a_scenario_survives_storage_byte_for_byte() -> None:
    for scenario in generate(24, seed=2):
        again = Scenario.model_validate_json(scenario.model_dump_json())
        assert again == scenario
        assert Scenario.of(again.situation, again.kind).scenario_id == scenario.scenario_id
        assert render(registry.get("v2"), again.situation) == render(registry.get("v2"), scenario.situation)
