"""Play: is the log what happened, does feedback arrive when it is due, do policies learn?"""

from itertools import pairwise

import numpy as np
import pytest

from tip_experiments.policies.beta_thompson import BetaThompson
from tip_experiments.policies.inverse_gap import InverseGap
from tip_experiments.policies.lin_thompson import LinThompson
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.linear import LinearPolicy
from tip_experiments.policies.uniform import Uniform
from tip_experiments.simulator import worlds
from tip_experiments.simulator.play import play, play_episode
from tip_experiments.simulator.worlds import Episode

FLOOR = 0.01


def test_a_log_holds_what_was_drawn_and_what_it_paid() -> None:
    world = worlds.logistic(np.random.default_rng(0))
    log = play(world, LinUcb.over(world.arms, 8, floor=FLOOR), 400, np.random.default_rng(1))
    episode = world.episode(400, np.random.default_rng(1))
    rounds = np.arange(400)
    assert (log.contexts == episode.contexts).all()
    assert (log.rewards == episode.rewards[rounds, log.actions]).all()
    assert (log.propensities == log.probabilities[rounds, log.actions]).all()
    assert log.probabilities.sum(axis=1) == pytest.approx(np.ones(400), abs=1e-12)
    assert log.probabilities.min() >= FLOOR
    assert log.regret == pytest.approx(episode.expected.max(axis=1) - episode.expected[rounds, log.actions])
    assert len(set(log.versions)) == 400
    again = play(world, LinUcb.over(world.arms, 8, floor=FLOOR), 400, np.random.default_rng(1))
    assert (again.actions == log.actions).all()
    assert again.policy == log.policy


def _episode(delays: list[int]) -> Episode:
    n = len(delays)
    return Episode(np.zeros((n, 0)), np.zeros((n, 2)), np.ones((n, 2)), np.array(delays), np.ones((n, 2), np.bool_))


@pytest.mark.parametrize(
    ("delays", "update_every", "known_before"),
    [
        ([0, 0, 0, 0, 0], 1, [0, 1, 2, 3, 4]),
        ([2, 0, 5, 0, 0], 1, [0, 0, 1, 2, 3]),
        ([0, 0, 0, 0, 0], 2, [0, 0, 2, 2, 4]),
        ([1, 1, 0, 0, 0], 2, [0, 0, 1, 1, 4]),
    ],
)
def test_feedback_is_learnt_when_it_is_known_and_an_update_is_due(
    delays: list[int], update_every: int, known_before: list[int]
) -> None:
    rounds = len(delays)
    policy = BetaThompson.over(("a", "b"))
    for n in range(1, rounds + 1):
        episode = _episode(delays[:n])
        # what the policy of round n - 1 had learnt shows in its version: replay with as many rounds
        log = play_episode(("a", "b"), episode, policy, "run", update_every)
        learnt_after_last = int(log.policy.sums.sums[:, 0].sum() >> 30)  # type: ignore[attr-defined]
        if n < rounds:
            assert learnt_after_last == known_before[n]


def test_other_seeds_draw_other_actions_even_from_a_policy_that_does_not_learn() -> None:
    world = worlds.logistic(np.random.default_rng(0), n_arms=2)
    logs = [play(world, Uniform.over(world.arms), 500, np.random.default_rng(seed)) for seed in range(20)]
    shares = np.array([log.actions.mean() for log in logs])
    assert shares.std() == pytest.approx((0.25 / 500) ** 0.5, rel=0.5)
    assert all(0.35 < (one.actions == other.actions).mean() < 0.65 for one, other in pairwise(logs))


def test_arms_that_do_not_exist_yet_have_no_probability_and_cost_no_regret() -> None:
    world = worlds.cold_start(np.random.default_rng(0), 100)
    log = play(world, LinUcb.over(world.arms, 8, floor=FLOOR), 800, np.random.default_rng(1))
    assert (log.probabilities[~log.available] == 0).all()
    assert (log.probabilities[log.available] >= FLOOR).all()
    assert log.regret.min() >= 0
    assert log.available[np.arange(800), log.actions].all()
    assert set(log.actions) == set(range(8))


@pytest.mark.parametrize("kind", [LinUcb, LinThompson, InverseGap])
@pytest.mark.parametrize("name", ["linear", "delayed", "cold_start"])
def test_linear_policies_learn_what_uniform_choice_does_not(kind: type[LinearPolicy], name: str) -> None:
    rng = np.random.default_rng(3)
    make = {
        "linear": worlds.linear,
        "delayed": lambda rng: worlds.delayed(rng, 30.0),
        "cold_start": lambda rng: worlds.cold_start(rng, 100),
    }[name]
    world = make(rng)
    log = play(world, kind.over(world.arms, 8, floor=0.0), 1500, np.random.default_rng(4), update_every=10)
    blind = play(world, Uniform.over(world.arms), 1500, np.random.default_rng(4))
    assert log.regret[-500:].mean() < 0.35 * blind.regret[-500:].mean()


def test_where_the_world_drifts_forgetting_pays() -> None:
    world = worlds.drifting(np.random.default_rng(2), 2000, n_arms=4, n_features=3)
    regrets = [
        play(
            world, LinUcb.over(world.arms, 3, floor=0.005, half_life=half_life), 3000, np.random.default_rng(5), 5
        ).regret.mean()
        for half_life in (150, None)
    ]
    assert regrets[0] < 0.7 * regrets[1]


def test_logged_propensities_are_unbiased_weights() -> None:
    world = worlds.logistic(np.random.default_rng(6), n_arms=4)
    policy = LinThompson.over(world.arms, 8, floor=0.05)
    log = play(world, policy, 6000, np.random.default_rng(7), update_every=50)
    weights = 1 / log.propensities / 4
    error = weights.std() / np.sqrt(6000)
    assert abs(weights.mean() - 1) < 4 * error
    value, truth = weights * log.rewards, log.expected.mean()
    assert abs(value.mean() - truth) < 4 * value.std() / np.sqrt(6000)
