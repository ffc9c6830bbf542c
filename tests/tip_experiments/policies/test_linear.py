"""The regressions behind linear policies, and what each policy makes of them."""

import numpy as np
import pytest

from tip_experiments.policies.errors import FeedbackError, PolicyError
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.inverse_gap import InverseGap
from tip_experiments.policies.lin_thompson import LinThompson, normal_chances
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.linear_sums import inverse
from tip_experiments.policies.roster import Prior
from tip_experiments.policies.state import dumps, loads


def _logged(seed: int, n: int, d: int, n_arms: int) -> Feedback:
    rng = np.random.default_rng(seed)
    arms = rng.integers(0, n_arms, n)
    contexts = rng.normal(size=(n, d))
    rewards = contexts @ rng.normal(size=d) + arms + 0.3 * rng.normal(size=n)
    return Feedback([f"a{arm}" for arm in arms], rewards, contexts)


@pytest.mark.parametrize(("n", "d"), [(5, 3), (300, 8), (800, 40)])
def test_means_and_deviations_are_those_of_ridge_regressions(n: int, d: int) -> None:
    feedback = _logged(n, n, d, 2)
    priors = {"a0": Prior(0.4, 3.0), "a1": Prior(-1.0, 0.5)}
    policy = LinUcb.over(("a0", "a1"), d, floor=0.0, ridge=0.7, priors=priors).update(feedback)
    context = np.random.default_rng(1).normal(size=d)
    features = policy.features(context)
    for at, (arm, prior) in enumerate(priors.items()):
        rows = np.array([name == arm for name in feedback.arms])
        design = np.column_stack([np.ones(rows.sum()), np.asarray(feedback.contexts)[rows]])
        precision = np.diag([prior.n] + [0.7] * d) + design.T @ design
        moment = design.T @ np.asarray(feedback.rewards)[rows]
        moment[0] += prior.n * prior.mean
        assert policy.means(features)[at] == pytest.approx(features @ np.linalg.solve(precision, moment), abs=1e-6)
        deviation = np.sqrt(features @ np.linalg.solve(precision, features))
        assert policy.deviations(features)[at] == pytest.approx(deviation, abs=1e-6)


def test_an_arm_without_feedback_has_the_mean_of_its_prior_at_a_context_of_zeros() -> None:
    policy = LinUcb.over(("a0", "a1"), 2, floor=0.0, priors={"a1": Prior(0.3, 5.0)}, newcomer=Prior(0.1, 1.0))
    assert policy.means(policy.features([0.0, 0.0])) == pytest.approx([0.1, 0.3])
    assert policy.deviations(policy.features([0.0, 0.0])) == pytest.approx([1.0, 5.0**-0.5])


@pytest.mark.parametrize("size", [1, 2, 9, 65])
def test_sweeps_invert(size: int) -> None:
    rng = np.random.default_rng(size)
    half = rng.normal(size=(4, size, size))
    matrices = half @ half.transpose(0, 2, 1) + 0.5 * np.eye(size)
    assert inverse(matrices) == pytest.approx(np.linalg.inv(matrices), abs=1e-8)
    assert (inverse(matrices)[2] == inverse(matrices[2:3])[0]).all()


@pytest.mark.parametrize("d", [0, 1, 12, 40])
def test_regressions_have_the_same_bits_however_they_came_about(d: int) -> None:
    feedback = _logged(5, 90, d, 3)
    names, rewards, contexts = feedback.arms, np.asarray(feedback.rewards), np.asarray(feedback.contexts)
    fresh = LinUcb.over(("a0", "a1", "a2"), d, floor=0.0)
    whole = fresh.update(feedback)
    one_by_one = fresh
    for row in range(90):
        one_by_one = one_by_one.update(Feedback([names[row]], rewards[[row]], contexts[[row]]))
    for other in (one_by_one, loads(dumps(whole)), whole.with_arms(("a2", "a0", "a1")).with_arms(("a0", "a1", "a2"))):
        assert isinstance(other, LinUcb)
        for mine, theirs in zip(whole.sums.fit, other.sums.fit, strict=True):
            assert np.array_equal(mine, theirs)


def test_the_noise_is_learnt_from_what_the_fits_leave_over() -> None:
    policy = LinUcb.over(("a0", "a1"), 4, floor=0.0, noise=5.0)
    assert policy.noise_variance == pytest.approx(25.0)
    assert policy.update(_logged(0, 4000, 4, 2)).noise_variance == pytest.approx(0.09, rel=0.2)


def test_rewards_and_noise_in_another_unit_lead_to_the_same_probabilities() -> None:
    feedback = _logged(3, 200, 3, 4)
    cents = Feedback(feedback.arms, np.asarray(feedback.rewards) * 100, feedback.contexts)
    for policy in (LinUcb, LinThompson):
        one = policy.over([f"a{at}" for at in range(4)], 3, floor=0.0).update(feedback)
        other = policy.over([f"a{at}" for at in range(4)], 3, floor=0.0, noise=50.0).update(cents)
        for context in np.random.default_rng(0).normal(size=(50, 3)):
            assert one.probabilities(context) == pytest.approx(other.probabilities(context), abs=1e-5)


def test_with_a_half_life_the_batches_do_not_matter_and_old_feedback_fades_to_the_prior() -> None:
    feedback = _logged(4, 120, 3, 2)
    fresh = LinUcb.over(("a0", "a1"), 3, floor=0.0, half_life=30)
    whole = fresh.update(feedback)
    parts = fresh
    for rows in np.array_split(np.arange(120), 17):
        names = [feedback.arms[row] for row in rows]
        parts = parts.update(Feedback(names, np.asarray(feedback.rewards)[rows], np.asarray(feedback.contexts)[rows]))
    features = whole.features([0.3, -0.2, 0.5])
    assert parts.means(features) == pytest.approx(whole.means(features), abs=1e-6)
    later = whole.update(Feedback(["a0"] * 600, np.zeros(600), np.zeros((600, 3))))
    assert later.sums.counts[1] == pytest.approx(whole.sums.counts[1] / 2**20, abs=1e-6)
    assert later.means(features)[1] == pytest.approx(fresh.means(features)[1], abs=1e-3)


def test_sums_that_would_leave_their_integers_are_refused_not_wrapped() -> None:
    policy = LinUcb.over(("a0",), 1, floor=0.0)
    large = Feedback(["a0"] * 5000, np.full(5000, 1000.0), np.full((5000, 1), 1000.0))
    with pytest.raises(FeedbackError, match=r"beyond 2\^32"):
        policy.update(large)
    assert policy.update(Feedback(["a0"] * 4000, np.full(4000, 1000.0), np.full((4000, 1), 1000.0))).sums.counts == 4000


@pytest.mark.parametrize("wrong", [{"ridge": 0.0}, {"noise": -1.0}, {"width": float("inf")}])
def test_parameters_that_no_regression_can_have_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(PolicyError, match=f"cannot have .*{next(iter(wrong))}"):
        LinUcb.over(("a", "b"), 2, floor=0.0, **wrong)  # type: ignore[arg-type]


def test_chances_of_normal_variables_are_those_of_drawn_ones() -> None:
    rng = np.random.default_rng(0)
    for n_arms in (2, 5, 30):
        means, deviations = rng.normal(size=n_arms), rng.uniform(0.1, 1.0, n_arms)
        wins = (means + deviations * rng.normal(size=(200_000, n_arms))).argmax(axis=1)
        drawn = np.bincount(wins, minlength=n_arms) / 200_000
        assert normal_chances(means, deviations) == pytest.approx(drawn, abs=0.01)


def test_chances_of_normal_variables_hold_where_deviations_differ_a_thousandfold() -> None:
    found = normal_chances(np.array([0.5, 0.5, -40.0]), np.array([1e-3, 1.0, 1.0]))
    assert found == pytest.approx([0.5, 0.5, 0.0], abs=0.03)


def test_inverse_gap_weighting_by_hand() -> None:
    policy = InverseGap.over(("a", "b", "c"), 0, floor=0.0, sharpness=2.0)
    policy = policy.update(Feedback(["a"] * 4 + ["b"] * 4, [1.0] * 4 + [0.5] * 4, np.empty((8, 0))))
    # means 4/5, 2/5 and 0; gamma 2 sqrt(9)
    expected = np.array([0.0, 1 / (3 + 6 * 0.4), 1 / (3 + 6 * 0.8)])
    expected[0] = 1 - expected.sum()
    assert policy.probabilities([]) == pytest.approx(expected, abs=1e-11)


def test_lin_ucb_by_hand_with_no_doubt_it_is_greedy_and_with_equal_doubt_it_shares() -> None:
    policy = LinUcb.over(("a", "b", "c"), 0, floor=0.0)
    assert policy.probabilities([]) == pytest.approx([1 / 3] * 3)
    tried = policy.update(Feedback(["a"], [0.0], np.empty((1, 0))))
    # All means are 0; above height 0 the doubted arms b and c win and share, below it the tried one.
    levels = np.linspace(-0.5, 3.5, 32)
    odds = np.exp(-((levels - 1.5) ** 2) / 2)
    below = odds[levels < 0].sum() / odds.sum()
    assert tried.probabilities([]) == pytest.approx([below, (1 - below) / 2, (1 - below) / 2], abs=1e-5)
    rewards = np.repeat([0.1, 0.9, 0.5], 900)
    sure = policy.update(Feedback(np.repeat(["a", "b", "c"], 900).tolist(), rewards, np.empty((2700, 0))))
    assert sure.probabilities([]).tolist() == [0.0, 1.0, 0.0]
