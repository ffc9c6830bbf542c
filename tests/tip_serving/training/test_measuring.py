"""A model that learnt something beats its baselines with an interval; one that could not, does not. And by group."""

import numpy as np
import pytest
from numpy.typing import NDArray
from support import learning

from tip_serving.features import vector
from tip_serving.training import baselines, calibrating, fairness, groups, measuring, parts, reward_model
from tip_serving.training.cards.of_reward_model import measure

Floats = NDArray[np.float64]


def _least_saved(model: reward_model.TrainedModel, baseline: str) -> float:
    found, _ = measure(model, 1)
    metric = measuring.metric_of(found.metrics, measuring.saved_against(baseline), model.version)
    assert metric is not None
    assert metric.low is not None
    return metric.low


@pytest.fixture(scope="module")
def trained() -> reward_model.TrainedModel:
    return reward_model.train(learning.training_table(learning.world(1, 3000)), 7, learning.LATER)


@pytest.mark.parametrize("baseline", baselines.MUST_BEAT)
def test_a_model_of_known_tastes_beats_what_it_must(trained: reward_model.TrainedModel, baseline: str) -> None:
    assert _least_saved(trained, baseline) > 0.02


@pytest.mark.parametrize("seed", range(1))
def test_with_rewards_shuffled_it_beats_nothing(seed: int) -> None:
    made = learning.world(20 + seed, 2000)
    shuffled = np.random.default_rng(seed).permutation(made.rewards)
    model = reward_model.train(learning.training_table(made, rewards=shuffled), seed, learning.LATER)
    assert _least_saved(model, baselines.BASE_RATE) <= 0.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_where_nobody_cares_which_tip_it_is_it_hardly_beats_the_rate_of_each_person(seed: int) -> None:
    model = reward_model.train(learning.training_table(learning.world(30 + seed, 2000, pull=0.0)), seed, learning.LATER)
    assert _least_saved(model, baselines.BASE_RATE) < 0.02


def test_chances_that_are_bent_are_shown_to_be_off_and_those_of_the_model_are_not(
    trained: reward_model.TrainedModel,
) -> None:
    rewards, people = parts.rewards(trained.parts.test), parts.people(trained.parts.test)
    errors = {}
    for name, chances in (("straight", trained.outputs), ("bent", trained.outputs**3)):
        found = measuring.measured(name, chances, {}, rewards, people, np.random.default_rng(0))
        errors[name] = measuring.metric_of(found.metrics, measuring.ECE, name)
    straight, bent = errors["straight"], errors["bent"]
    assert straight is not None
    assert bent is not None
    assert (straight.low or 0.0) <= measuring.TOLERATED_ERROR < (bent.low or 0.0)


def test_every_number_of_the_version_has_an_interval_with_its_value_inside(trained: reward_model.TrainedModel) -> None:
    found, _ = measure(trained, 1)
    own = [metric for metric in found.metrics if metric.of == trained.version]
    assert {metric.name for metric in own} == {
        "log loss", "Brier score", "AUC", "calibration error", *map(measuring.saved_against, (
            baselines.BASE_RATE, baselines.RULE, baselines.LOGISTIC,
        )),
    }  # fmt: skip
    for metric in own:
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high


@pytest.mark.slow
def test_a_leak_from_the_future_would_show_as_a_model_that_is_too_good() -> None:
    """With the reward among the features the AUC is near 1: the guard is that no such column is in the contract."""
    made = learning.world(3, 3000)
    leaky = learning.training_table(made).with_columns(tip_exclamations=learning.training_table(made)["reward"])
    model = reward_model.train(leaky, 0, learning.LATER)
    found, _ = measure(model, 0)
    area = measuring.metric_of(found.metrics, measuring.AUC, model.version)
    assert area is not None
    assert area.value > 0.95
    assert max(model.importance, key=lambda name: model.importance[name]) == "tip_exclamations"


def test_baselines_predict_from_earlier_rows_alone(trained: reward_model.TrainedModel) -> None:
    before = baselines.predictions(trained.parts)
    turned = trained.parts._replace(test=trained.parts.test.with_columns(reward=1 - trained.parts.test["reward"]))
    after = baselines.predictions(turned)
    assert all((before[name] == after[name]).all() for name in before)


# Calibration


def _bent(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Outputs that are far too sure of themselves."""
    truth = rng.beta(2, 5, n)
    outputs = 1 / (1 + np.exp(-3 * calibrating.log_odds(truth)))
    return outputs, (rng.random(n) < truth).astype(float)


@pytest.mark.parametrize(("n", "method", "tolerated"), [(400, "Platt", 0.08), (6000, "isotonic", 0.05)])
def test_calibration_straightens_outputs(n: int, method: str, tolerated: float) -> None:
    rng = np.random.default_rng(4)
    found = calibrating.calibrated(*_bent(rng, n))
    assert found.method.startswith(method)
    outputs, _ = _bent(rng, 20_000)
    odds = calibrating.log_odds(outputs) / 3
    truth = 1 / (1 + np.exp(-odds))
    assert np.abs(calibrating.apply(found.line, outputs) - truth).mean() < tolerated
    assert np.abs(outputs - truth).mean() > 0.15


def test_the_line_grows_so_that_the_best_tip_stays_the_best() -> None:
    for n in (300, 5000):
        line = calibrating.calibrated(*_bent(np.random.default_rng(n), n)).line
        assert (np.diff(line.outputs) > 0).all()
        assert (np.diff(line.rewards) >= 0).all()


def test_a_run_of_failures_is_not_taken_for_certainty() -> None:
    outputs = np.linspace(0, 1, 4000)
    rewards = (outputs > 0.9).astype(float)
    line = calibrating.calibrated(outputs, rewards).line
    assert 0 < min(line.rewards) < max(line.rewards) < 1


# Groups


def _rows(rng: np.random.Generator, n: int, n_people: int) -> fairness.Rows:
    people = rng.integers(0, n_people, n)
    predicted = rng.uniform(0.2, 0.6, n)
    return fairness.Rows((rng.random(n) < predicted).astype(float), predicted, people)


def test_a_group_that_is_predicted_wrongly_is_found_and_named() -> None:
    rng = np.random.default_rng(1)
    rows = _rows(rng, 4000, 200)
    labels = np.where(rows.people % 4 == 0, "quiet", "loud")
    off = rows._replace(predicted=np.where(labels == "quiet", rows.predicted + 0.2, rows.predicted))
    assert fairness.by_group(rows, {"voice": labels}).findings == ()
    (finding,) = fairness.by_group(off, {"voice": labels}).findings
    assert finding.startswith("voice quiet: predictions are off by +0.")


def test_a_small_group_is_shown_and_says_nothing() -> None:
    rng = np.random.default_rng(2)
    rows = _rows(rng, 3000, 100)
    labels = np.where(rows.people == 0, "tiny", "rest")
    wrong = rows._replace(predicted=np.where(labels == "tiny", 0.99, rows.predicted))
    found = fairness.by_group(wrong, {"size": labels})
    tiny = next(group for group in found.groups if group.group == "tiny")
    assert not tiny.is_large_enough
    assert tiny.n_users == 1
    assert found.findings == ()
    assert found.gaps["bias by size"] is None


def test_many_rows_of_few_people_are_a_small_group() -> None:
    rows = _rows(np.random.default_rng(3), 3000, 100)
    labels = np.where(rows.people < 5, "few", "many")
    found = fairness.by_group(rows._replace(people=rows.people), {"g": labels})
    few = next(group for group in found.groups if group.group == "few")
    assert (few.n_rows >= fairness.MIN_ROWS, few.is_large_enough) == (True, False)


def test_values_by_group_are_those_of_the_group_alone() -> None:
    rows = _rows(np.random.default_rng(4), 1000, 50)
    labels = np.where(rows.people % 2 == 0, "even", "odd")
    found = {group.group: group for group in fairness.by_group(rows, {"g": labels}).groups}
    for name in ("even", "odd"):
        mine = labels == name
        assert found[name].values[fairness.REWARD_RATE] == pytest.approx(rows.outcomes[mine].mean())
        assert found[name].values[fairness.BIAS] == pytest.approx((rows.predicted - rows.outcomes)[mine].mean())


def test_a_policy_is_a_finding_where_a_group_earns_less_and_none_where_it_earns_more() -> None:
    rng = np.random.default_rng(5)
    people = rng.integers(0, 300, 9000)
    is_good = rng.integers(0, 2, 9000)
    labels = np.where(people % 3 == 0, "harmed", "helped")
    wants = np.where(labels == "harmed", 0, 1)
    outcomes = (rng.random(9000) < np.where(is_good == wants, 0.6, 0.3)).astype(float)
    rows = fairness.Rows(outcomes, 2.0 * (is_good == 1), people, np.ones(9000))
    (finding,) = fairness.by_group(rows, {"g": labels}, fairness.OF_POLICIES).findings
    assert finding.startswith("g harmed: it earns -0.")


@pytest.mark.slow
def test_groups_that_do_not_differ_are_found_as_rarely_as_they_may() -> None:
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(100):
        rows = _rows(rng, 1200, 120)
        labels = np.array(["a", "b", "c", "d"])[rows.people % 4]
        found += bool(fairness.by_group(rows, {"g": labels}, fairness.OF_PREDICTIONS[:3]).findings)
    assert found <= 11  # 5 % allowed: 5 expected, and chance


def test_groups_are_read_off_the_vector() -> None:
    rows = np.zeros((4, len(vector.names())))
    rows[:, vector.names().index("profile_language")] = [2, 0, 1, 29]
    rows[:, vector.names().index("profile_account_age_days")] = [0, 7, 30, 365]
    rows[:, vector.names().index("profile_tips_7d")] = [0, 1, 7, 8]
    rows[:, vector.names().index("profile_region")] = [1, 0, 3, 12]
    found = groups.labelled(groups.OF_PEOPLE, rows)
    assert found["language"].tolist() == ["de", "other", "en", "zh"]
    assert found["region"].tolist() == ["UTC", "other", "Europe", "Arctic"]
    assert found["account age"].tolist() == ["under a week", "under a month", "under a year", "a year or more"]
    assert found["activity"].tolist() == [
        "no tips this week", "1 to 7 tips this week", "1 to 7 tips this week", "8 tips or more this week",
    ]  # fmt: skip
