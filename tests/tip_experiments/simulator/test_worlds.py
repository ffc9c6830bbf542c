"""Worlds: is the truth they state the truth they pay?"""

from collections.abc import Callable

import numpy as np
import pytest

from tip_experiments.simulator import worlds
from tip_experiments.simulator.multiclass import MulticlassWorld, digits
from tip_experiments.simulator.worlds import LinearWorld, World

MAKERS: dict[str, Callable[[np.random.Generator], World]] = {
    "linear": worlds.linear,
    "logistic": worlds.logistic,
    "drifting": lambda rng: worlds.drifting(rng, 400),
    "delayed": lambda rng: worlds.delayed(rng, 20.0),
    "many_arms": worlds.many_arms,
    "cold_start": lambda rng: worlds.cold_start(rng, 300),
    "digits": lambda rng: digits(slip=float(rng.uniform(0.05, 0.2))),
}


@pytest.fixture(params=MAKERS)
def world(request: pytest.FixtureRequest) -> World:
    return MAKERS[request.param](np.random.default_rng(5))


def test_rewards_pay_what_is_expected_of_every_arm(world: World) -> None:
    episode = world.episode(20_000, np.random.default_rng(1))
    surplus = episode.rewards - episode.expected
    errors = surplus.std(axis=0) / np.sqrt(20_000)
    assert (np.abs(surplus.mean(axis=0)) < 4.5 * errors).all()
    # nor does the surplus depend on the context
    slopes = episode.contexts.T @ surplus / 20_000
    assert np.abs(slopes).max() < 5 * surplus.std() * np.abs(episode.contexts).max() / np.sqrt(20_000)


def test_an_episode_fits_its_world_and_is_a_function_of_its_seed(world: World) -> None:
    episode, again = (world.episode(300, np.random.default_rng(2)) for _ in range(2))
    n_arms = len(world.arms)
    assert episode.contexts.shape == (300, world.n_features)
    assert episode.expected.shape == episode.rewards.shape == episode.available.shape == (300, n_arms)
    assert episode.available.any(axis=1).all()
    for field in ("contexts", "expected", "rewards", "delays", "available"):
        assert (getattr(episode, field) == getattr(again, field)).all()
    assert (world.episode(300, np.random.default_rng(3)).contexts != episode.contexts).any()


def test_by_hand_linear_and_logistic_arms() -> None:
    coefficients, offsets = np.array([[2.0, 0.0], [0.0, -1.0]]), np.array([0.0, 0.5])
    identity = LinearWorld(coefficients, offsets, "identity").episode(50, np.random.default_rng(0))
    x, y = identity.contexts.T
    assert x**2 + y**2 == pytest.approx(np.ones(50))
    assert identity.expected == pytest.approx(np.column_stack([2 * x, 0.5 - y]))
    assert (identity.rewards == identity.expected).all()
    logistic = LinearWorld(coefficients, offsets, "logistic").episode(50, np.random.default_rng(0))
    assert logistic.expected[:, 0] == pytest.approx(1 / (1 + np.exp(-2 * x)))
    assert set(np.unique(logistic.rewards)) == {0.0, 1.0}


def test_drifting_arms_are_their_opposites_after_half_a_period_and_back_after_a_whole() -> None:
    world = worlds.drifting(np.random.default_rng(1), 400)
    episode = world.episode(401, np.random.default_rng(1))
    start = episode.contexts @ world.coefficients.T
    assert episode.expected[0] == pytest.approx(start[0])
    assert episode.expected[200] == pytest.approx(-start[200])
    assert episode.expected[400] == pytest.approx(start[400])


def test_delays_have_their_mean_and_put_rewards_out_of_order() -> None:
    delays = worlds.delayed(np.random.default_rng(1), 20.0).episode(20_000, np.random.default_rng(1)).delays
    assert delays.min() == 0
    assert delays.mean() == pytest.approx(20, rel=0.05)
    assert (np.diff(np.arange(20_000) + delays) < 0).any()


def test_arms_arrive_one_by_one_and_stay() -> None:
    episode = worlds.cold_start(np.random.default_rng(1), 100, n_arms=5).episode(500, np.random.default_rng(1))
    assert episode.available.sum(axis=1)[[0, 99, 100, 199, 200, 300, 499]].tolist() == [2, 2, 3, 3, 4, 5, 5]
    assert (np.diff(episode.available.astype(int), axis=0) >= 0).all()


def test_the_arm_that_names_the_class_pays() -> None:
    world = MulticlassWorld(np.arange(3.0)[:, None], np.array([2, 0, 1]))
    episode = world.episode(100, np.random.default_rng(0))
    named = np.array([2, 0, 1])[episode.contexts[:, 0].astype(int)]
    assert (episode.rewards == np.eye(3)[named]).all()
    assert (episode.expected == episode.rewards).all()


def test_digits_are_all_there() -> None:
    world = digits()
    assert (len(world.labels), world.n_features, len(world.arms)) == (1797, 64, 10)
    assert world.features.min() == 0
    assert world.features.max() == 1
