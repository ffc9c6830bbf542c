"""Releases: only what was checked is served, users stick to their arm, and a bad release changes nothing."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.released import NOON, Shelf, ask, model_file, prompt_policy, softmax

from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.reward_models import LinearRewards
from tip_experiments.policies.softmax import Softmax
from tip_experiments.policies.uniform import Uniform
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.scoring import released, scorer
from tip_serving.scoring.arms import DEFAULT_ARM, DEFAULT_POLICY, UNRELEASED, ReadyArm, Release
from tip_serving.scoring.ranking import PredictedRewards
from tip_serving.scoring.released import Releases
from tip_serving.scoring.request import ScoreRequest, read


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(Lake(str(tmp_path)))


def question() -> scorer.Question:
    request = read(ScoreRequest, ask())
    return scorer.question(request, scorer.moment(request, None, NOON))


def refreshed(shelf: Shelf, releases: Releases | None = None) -> Releases:
    found = releases or Releases(shelf.lake)
    found.refresh()
    return found


def test_where_nothing_is_released_the_default_serves_and_nothing_is_refused(shelf: Shelf) -> None:
    releases = refreshed(shelf)
    assert releases.current is UNRELEASED
    assert releases.current.arm_of("u").is_default
    assert releases.refusal is None


def test_a_release_serves_the_scores_of_its_model(shelf: Shelf) -> None:
    shelf.publish("r1", shelf.arm("a", 1))
    release = refreshed(shelf).current
    arm = release.arm_of("u")
    assert (release.version, arm.model_version, arm.policy_version) == ("r1", "reward-1", softmax("reward-1").version)
    assert arm.model is not None
    asked = question()
    assert scorer.score(arm, asked, "d").scores == arm.model.predict(asked.vectors).tolist()
    assert scorer.score(arm, asked, "d").scores != scorer.score(DEFAULT_ARM, asked, "d").scores


def test_an_arm_without_files_is_the_default_one_under_its_own_name(shelf: Shelf) -> None:
    shelf.publish(
        "r1", {"name": "a", "role": "champion", "weight": 1.0, "model": None, "policy": None, "prompt_policy": None}
    )
    arm = refreshed(shelf).current.arm_of("u")
    assert (arm.name, arm.is_default, arm.policy) == ("a", True, DEFAULT_POLICY)


def _bad_hash(shelf: Shelf) -> list[dict[str, Any]]:
    arm = shelf.arm("b", 2)
    return [{**arm, "model": {**arm["model"], "sha256": "0" * 64}}]


def _gone(shelf: Shelf) -> list[dict[str, Any]]:
    arm = shelf.arm("b", 2)
    shelf.lake.delete(arm["model"]["path"])
    return [arm]


def _other_contract(shelf: Shelf) -> list[dict[str, Any]]:
    arm = shelf.arm("b", 2)
    return [{**arm, "model": {**arm["model"], "contract_hash": "feedfeedfeedfeed"}}]


def _lying_contract(shelf: Shelf) -> list[dict[str, Any]]:
    arm = shelf.arm("b", 2)
    data = model_file(2, "feedfeedfeedfeed")
    shelf.lake.write(arm["model"]["path"], data)
    return [{**arm, "model": {**arm["model"], "sha256": hashlib.sha256(data).hexdigest()}}]


def _wrong_version(shelf: Shelf) -> list[dict[str, Any]]:
    arm = shelf.arm("b", 2)
    return [{**arm, "policy": {**arm["policy"], "version": "other"}}]


def _other_models_policy(shelf: Shelf) -> list[dict[str, Any]]:
    return [shelf.arm("b", 2) | {"policy": shelf.policy(softmax("reward-1"))}]


def _no_policy(shelf: Shelf) -> list[dict[str, Any]]:
    arm = shelf.arm("b", 2)
    data = b'{"schema": "tip-policy/9"}'
    shelf.lake.write(arm["policy"]["path"], data)
    return [{**arm, "policy": {**arm["policy"], "sha256": hashlib.sha256(data).hexdigest()}}]


def _policy_of_another_context(shelf: Shelf) -> list[dict[str, Any]]:
    return [shelf.arm("b", 2) | {"policy": shelf.policy(LinUcb.over(["x", "y"], 3, floor=0.1))}]


def _policy_without_contract(shelf: Shelf) -> list[dict[str, Any]]:
    return [shelf.arm("b", 2) | {"policy": shelf.policy(prompt_policy(("x", "y")), contract_hash=None)}]


def _unregistered_prompt(shelf: Shelf) -> list[dict[str, Any]]:
    return [shelf.arm("b", 2) | {"prompt_policy": shelf.policy(prompt_policy(("v1", "v99", "openai/x@v98")))}]


def _prompt_policy_of_another_length(shelf: Shelf) -> list[dict[str, Any]]:
    rewards = LinearRewards({"v1": (0.0, 1.0), "v2": (0.0, 2.0)})
    return [shelf.arm("b", 2) | {"prompt_policy": shelf.policy(Softmax.over(["v1", "v2"], rewards, 0.5))}]


def _prompt_policy_on_scores(shelf: Shelf) -> list[dict[str, Any]]:
    return [shelf.arm("b", 2) | {"prompt_policy": shelf.policy(softmax("reward-2"))}]


BAD = {
    _bad_hash: "the manifest says 0000",
    _gone: "Nothing lies at",
    _other_contract: "trained on feature contract feedfeedfeedfeed",
    _lying_contract: "trained on feature contract feedfeedfeedfeed",
    _wrong_version: "the manifest says other",
    _other_models_policy: "draws from the scores of reward-1, the arm has reward-2",
    _no_policy: "schema 'tip-policy/9'",
    _policy_of_another_context: "reads 3 features",
    _policy_without_contract: "reads contexts of contract None",
    _unregistered_prompt: "no registered prompt version: v99, openai/x@v98",
    _prompt_policy_of_another_length: "b: fails on the example: A context",
    _prompt_policy_on_scores: "prompts have none",
}


@pytest.mark.parametrize(("spoilt", "reason"), BAD.items(), ids=[made.__name__.strip("_") for made in BAD])
def test_a_bad_release_is_refused_with_its_reason_and_the_old_one_stays(shelf: Shelf, spoilt: Any, reason: str) -> None:
    shelf.publish("r1", shelf.arm("a", 1))
    releases = refreshed(shelf)
    before = releases.current
    shelf.publish("r2", *spoilt(shelf))
    refreshed(shelf, releases)
    assert releases.current is before
    assert releases.refusal is not None
    assert reason in releases.refusal.reason
    assert "r2" in releases.refusal.reason
    shelf.publish("r3", shelf.arm("c", 3))
    refreshed(shelf, releases)
    assert (releases.current.version, releases.refusal) == ("r3", None)


def test_all_reasons_of_all_arms_are_told(shelf: Shelf) -> None:
    challenger = _bad_hash(shelf)[0] | {"name": "one", "weight": 0.5}
    shadow = _wrong_version(shelf)[0] | {"name": "two", "role": "shadow"}
    shelf.publish("r1", challenger, shelf.arm("three", 3, "challenger", 0.5), shadow)
    refusal = refreshed(shelf).refusal
    assert refusal is not None
    assert "one: model" in refusal.reason
    assert "two: policy" in refusal.reason
    assert "three" not in refusal.reason


def test_a_manifest_that_is_none_or_gone_changes_nothing(shelf: Shelf) -> None:
    shelf.publish("r1", shelf.arm("a", 1))
    releases = refreshed(shelf)
    shelf.lake.write(layout.released_manifest(), b"{")
    refreshed(shelf, releases)
    assert releases.refusal is not None
    assert "cannot be used" in releases.refusal.reason
    shelf.lake.delete(layout.released_manifest())
    refreshed(shelf, releases)
    assert releases.current.version == "r1"
    assert "still served" in releases.refusal.reason


def test_where_nothing_was_released_a_bad_manifest_that_is_taken_away_is_refused_no_longer(shelf: Shelf) -> None:
    shelf.lake.write(layout.released_manifest(), b"{")
    releases = refreshed(shelf)
    assert releases.refusal is not None
    shelf.lake.delete(layout.released_manifest())
    assert refreshed(shelf, releases).refusal is None


def test_a_manifest_that_comes_back_to_what_is_served_is_no_longer_refused(shelf: Shelf) -> None:
    shelf.publish("r1", shelf.arm("a", 1))
    releases = refreshed(shelf)
    before = releases.current
    shelf.lake.write(layout.released_manifest(), b"{")
    assert refreshed(shelf, releases).refusal is not None
    shelf.publish("r1", shelf.arm("a", 1))
    refreshed(shelf, releases)
    assert (releases.current, releases.refusal) == (before, None)


def test_a_store_that_fails_in_its_own_way_keeps_no_server_from_serving(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read(path: str) -> bytes:
        raise KeyError(path)

    shelf.publish("r1", shelf.arm("a", 1))
    releases = refreshed(shelf)
    monkeypatch.setattr(shelf.lake, "read", read)
    for _ in range(3):
        refreshed(shelf, releases)
    assert releases.current.version == "r1"
    assert releases.refusal is not None
    assert "KeyError" in releases.refusal.reason
    assert [record.exc_info is not None for record in caplog.records] == [True], "told once, with where it happened"


def test_the_stored_example_must_be_scored_as_when_the_model_was_trained(shelf: Shelf) -> None:
    asked = json.loads(ask())
    shelf.publish("r1", shelf.arm("a", 1))
    releases = refreshed(shelf)
    arm = releases.current.arm_of("u")
    known = scorer.score(arm, question(), "d").scores
    shelf.publish("r2", shelf.arm("a", 1), example=shelf.example(asked, {"a": known}))
    assert refreshed(shelf, releases).current.version == "r2"
    shelf.publish("r3", shelf.arm("a", 1), example=shelf.example(asked, {"a": [known[0] + 1e-6, *known[1:]]}))
    assert refreshed(shelf, releases).current.version == "r2"
    assert releases.refusal is not None
    assert "when it was trained" in releases.refusal.reason
    shelf.publish("r4", shelf.arm("a", 1), example=shelf.example({"user": ""}, {}))
    assert "stored example cannot be read" in str(refreshed(shelf, releases).refusal)


def test_files_that_arrive_late_are_found_though_the_manifest_stays(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = _gone(shelf)[0]
    shelf.publish("r1", arm)
    releases = refreshed(shelf)
    shelf.lake.write(arm["model"]["path"], model_file(2))
    assert refreshed(shelf, releases).current is UNRELEASED  # not asked again at once
    now = released.time.monotonic()
    monkeypatch.setattr(released.time, "monotonic", lambda: now + 31)
    assert refreshed(shelf, releases).current.version == "r1"


def test_a_change_of_weights_keeps_the_models_in_memory(shelf: Shelf) -> None:
    one, two = shelf.arm("a", 1, weight=0.9), shelf.arm("b", 2, "challenger", 0.1)
    shelf.publish("r1", one, two)
    releases = refreshed(shelf)
    before = [arm.model for arm in releases.current.live]
    shelf.publish("r2", one | {"weight": 0.5}, two | {"weight": 0.5})
    refreshed(shelf, releases)
    assert releases.current.version == "r2"
    assert all(old is arm.model for old, arm in zip(before, releases.current.live, strict=True))


def arm_named(name: str) -> ReadyArm:
    return ReadyArm(name, None, None, "m", DEFAULT_POLICY, None)


def release(*weights: float, seed: str = "s") -> Release:
    return Release("r", [arm_named(str(place)) for place in range(len(weights))], weights, (), seed)


def test_users_are_dealt_by_weight_and_stick_while_a_challenger_grows() -> None:
    users = [f"user-{number}" for number in range(20_000)]
    stages = [release(1 - share, share) for share in (0.01, 0.1, 0.5, 1.0)]
    dealt = [{user for user in users if stage.arm_of(user).name == "1"} for stage in stages]
    assert dealt[0] < dealt[1] < dealt[2] < dealt[3]
    for share, seen in zip((0.01, 0.1, 0.5, 1.0), dealt, strict=True):
        # Four standard deviations of a binomial share.
        assert abs(len(seen) / len(users) - share) <= 4 * (share * (1 - share) / len(users)) ** 0.5


def test_another_seed_deals_the_users_anew() -> None:
    users = [f"user-{number}" for number in range(4_000)]
    one, other = release(0.9, 0.1), release(0.9, 0.1, seed="t")
    both = Counter((one.arm_of(user).name, other.arm_of(user).name) for user in users)
    assert 10 <= both["1", "1"] <= 80  # 40 by chance; 400 were they the same users


def test_a_policy_that_needs_no_scores_is_released_without_a_model(shelf: Shelf) -> None:
    shelf.publish("r1", shelf.arm("a", 1) | {"model": None, "policy": shelf.policy(Uniform.over(["any"]))})
    arm = refreshed(shelf).current.arm_of("u")
    assert scorer.score(arm, question(), "d").order.propensities == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=1e-11)


def test_the_default_policy_is_the_documented_one() -> None:
    assert isinstance(DEFAULT_POLICY, Softmax)
    assert isinstance(DEFAULT_POLICY.model, PredictedRewards)
    assert (DEFAULT_POLICY.temperature, DEFAULT_POLICY.floor) == (0.25, 0.01)
