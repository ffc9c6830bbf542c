"""Prompt rotation: even, stable per user, and as little moved as can be."""

from collections import Counter

import pytest
from scipy import stats

from tip_experiments.assignment.assign import assign
from tip_experiments.assignment.experiment import Experiment
from tip_experiments.assignment.rotation import parse_rotation, rotated_prompt

USERS = [f"user-{i}" for i in range(10_000)]


def test_one_version_is_everybodys() -> None:
    assert {rotated_prompt(" v3 ", user) for user in USERS[:50]} == {"v3"}


@pytest.mark.parametrize("setting", ["v1,v2", "v1,v2,v3", "v1,v10,v100,v1000,v2,v20,v200"])
@pytest.mark.parametrize("form", ["{}", "user-{:05d}", "{:032x}"])
def test_each_version_is_seen_by_the_same_share(setting: str, form: str) -> None:
    counts = Counter(rotated_prompt(setting, form.format(i)) for i in range(8_000))
    assert counts.keys() == set(setting.split(","))
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


def test_the_order_of_the_versions_does_not_matter() -> None:
    assert all(rotated_prompt("v1,v2,v3", user) == rotated_prompt("v3, v1 ,v2", user) for user in USERS[:2_000])


def test_a_new_version_takes_its_share_and_moves_nobody_else() -> None:
    moved = 0
    for user in USERS:
        before, after = rotated_prompt("v1,v2,v3", user), rotated_prompt("v1,v2,v3,v4", user)
        assert after in {before, "v4"}
        moved += after == "v4"
    assert moved / len(USERS) == pytest.approx(1 / 4, abs=0.02)


def test_rotation_is_unrelated_to_an_experiment_on_the_same_users() -> None:
    experiment = Experiment(key="v2", variations=("a", "b"))
    table = [[0, 0], [0, 0]]
    for user in USERS:
        table[rotated_prompt("v1,v2", user) == "v2"][assign(experiment, {"id": user}).variation] += 1
    assert stats.chi2_contingency(table).pvalue > 1e-4


@pytest.mark.parametrize(
    ("setting", "fault"),
    [("", "entry 1 is empty"), ("v1,,v2,", "entry 2 is empty; entry 4 is empty"), ("v1,v2, v1", "v1 is named 2 times")],
)
def test_a_setting_with_gaps_or_repetitions_is_refused(setting: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_rotation(setting)


def test_nobody_is_no_user() -> None:
    with pytest.raises(ValueError, match="user id is empty"):
        rotated_prompt("v1,v2", "")
