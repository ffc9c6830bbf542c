"""Logs of a world whose truth is known: binary rewards, two contexts, an exploring logging policy."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

REWARDS = np.array([[0.7, 0.4, 0.2, 0.5], [0.1, 0.6, 0.5, 0.3]])  # by context and action
LOGGING = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
BETTER = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1]])


class World(NamedTuple):
    """A log and what is true of it."""

    contexts: NDArray[np.int64]
    columns: dict[str, Any]
    """What every estimator takes, by name; `reward_model` is a model that is somewhat off."""
    expected: NDArray[np.float64]
    """(n, K) the true mean rewards."""


def draw(rng: np.random.Generator, n: int, target: NDArray[np.float64] = BETTER) -> World:
    """`n` rounds under LOGGING, to judge `target` (2, K) by."""
    contexts = rng.integers(2, size=n)
    probabilities = LOGGING[contexts]
    actions = (probabilities.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    expected = REWARDS[contexts]
    rewards = (rng.random(n) < expected[np.arange(n), actions]).astype(float)
    return World(
        contexts,
        {
            "rewards": rewards,
            "actions": actions,
            "propensities": probabilities[np.arange(n), actions],
            "target": target[contexts],
            "reward_model": 0.2 + 0.5 * expected,
        },
        expected,
    )


def truth(target: NDArray[np.float64]) -> float:
    """What `target` (2, K) earns per round on average over contexts."""
    return float((target * REWARDS).sum(axis=1).mean())
