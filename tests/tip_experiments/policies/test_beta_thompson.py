"""Chances to win of Beta variables against exact integrals and by hand; half-lives."""

import numpy as np
import pytest
from scipy import integrate, stats

from tip_experiments.policies.beta_thompson import BetaThompson, chances_to_win
from tip_experiments.policies.epsilon_greedy import EpsilonGreedy
from tip_experiments.policies.errors import PolicyError
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.roster import Prior


def _exact(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """By adaptive quadrature with the distribution functions of scipy."""
    chances = []
    for arm in range(len(alpha)):
        others = [at for at in range(len(alpha)) if at != arm]

        def density(quantile: float, arm: int = arm, others: list[int] = others) -> float:
            rate = stats.beta.ppf(quantile, alpha[arm], beta[arm])
            return float(np.prod(stats.beta.cdf(rate, alpha[others], beta[others])))

        chances.append(integrate.quad(density, 0, 1, limit=200)[0])
    return np.array(chances)


@pytest.mark.parametrize(
    ("alpha", "beta"),
    [
        ([1.0, 1.0], [1.0, 1.0]),
        ([3.0, 2.0, 1.0], [2.0, 5.0, 1.0]),
        ([500.0, 520.0, 1.0], [9500.0, 9480.0, 1.0]),
        ([2e5, 2.01e5], [8e5, 7.99e5]),
        ([0.5, 0.1, 4.0], [0.5, 0.4, 1.0]),
        ([1.0] * 6, [40.0, 20.0, 10.0, 5.0, 3.0, 1.0]),
    ],
)
def test_chances_to_win_are_those_of_the_exact_integral(alpha: list[float], beta: list[float]) -> None:
    found = chances_to_win(np.array(alpha), np.array(beta))
    assert found == pytest.approx(_exact(np.array(alpha), np.array(beta)), abs=2e-4)


def test_by_hand_two_successes_against_none() -> None:
    # Beta(2, 1) against Beta(1, 1): the integral of 2 p^2 is 2/3
    policy = BetaThompson.over(("a", "b")).update(Feedback(["a"], [1.0]))
    assert policy.probabilities() == pytest.approx([2 / 3, 1 / 3], abs=1e-4)


def test_many_alike_arms_share_alike() -> None:
    assert BetaThompson.over([str(at) for at in range(60)]).probabilities() == pytest.approx(1 / 60, abs=1e-10)


def test_a_hopeless_arm_has_the_floor_and_a_sure_one_the_rest() -> None:
    feedback = Feedback(["a"] * 5000 + ["b"] * 5000, np.repeat([1.0, 0.0], 5000))
    assert BetaThompson.over(("a", "b"), floor=0.02).update(feedback).probabilities() == pytest.approx([0.98, 0.02])


def test_half_the_weight_is_left_after_a_half_life_and_the_batches_do_not_matter() -> None:
    fresh = BetaThompson.over(("a", "b"), half_life=10)
    rewards = np.tile([1.0, 0.0, 1.0, 1.0], 10)
    whole = fresh.update(Feedback(["a", "b"] * 20, rewards))
    parts = fresh
    for at in range(40):
        parts = parts.update(Feedback([("a", "b")[at % 2]], rewards[at : at + 1]))
    assert parts.probabilities() == pytest.approx(whole.probabilities(), abs=1e-6)
    later = whole.update(Feedback(["b"] * 10, np.zeros(10)))
    assert later.sums.sums[0] == pytest.approx(whole.sums.sums[0] / 2, rel=1e-8)
    with pytest.raises(PolicyError, match="half-life of 1 "):
        BetaThompson.over(("a", "b"), half_life=1)


def test_epsilon_greedy_by_hand() -> None:
    policy = EpsilonGreedy.over(("a", "b", "c", "d"), 0.2, newcomer=Prior(0.5, 1.0))
    assert policy.probabilities() == pytest.approx([0.25] * 4)
    policy = policy.update(Feedback(["a", "b", "b"], [0.0, 1.0, 1.0]))
    assert policy.probabilities() == pytest.approx([0.05, 0.85, 0.05, 0.05])
    with pytest.raises(PolicyError, match=r"epsilon of 1\.5"):
        EpsilonGreedy.over(("a", "b"), 1.5)
