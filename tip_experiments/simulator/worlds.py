"""Worlds in which the expected reward of every arm in every round is known.

A world lays out an episode whole, with the reward that each arm would pay. So two policies on the same episode meet the
same people and the same luck, and differ by their choices alone.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Episode:
    """What a policy will meet, round by round, and what it does not get to see."""

    contexts: NDArray[np.float64]
    """(n, d) float64, what the policy sees before it decides."""
    expected: NDArray[np.float64]
    """(n, K) float64, the true mean reward of each arm in each round."""
    rewards: NDArray[np.float64]
    """(n, K) float64, what each arm would pay; a policy learns that of its choice only."""
    delays: NDArray[np.int64]
    """(n,) int64 >= 0, after how many further rounds the reward of a round is known; 0: before the next decision."""
    available: NDArray[np.bool_]
    """(n, K) bool, which arms exist in a round; at least one in each."""


class World(Protocol):
    """Whatever lays out episodes over the same arms."""

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of all arms that ever exist, in the order of the columns of an episode."""

    @property
    def n_features(self) -> int:
        """Length of a context."""

    def episode(self, rounds: int, rng: np.random.Generator) -> Episode:
        """An episode of `rounds` rounds; all its chance comes from `rng`."""


@dataclass(frozen=True)
class LinearWorld:
    """Contexts on the unit sphere; the expected reward of an arm is a function of one linear score.

    With the identity as link an arm pays `offset + coefficients @ context` and Gaussian noise; with the logistic link
    it pays 1 with probability `sigmoid(offset + coefficients @ context)`, else 0.
    """

    coefficients: NDArray[np.float64]
    """(K, d) float64."""
    offsets: NDArray[np.float64]
    """(K,) float64."""
    link: Literal["identity", "logistic"]
    noise: float = 0.0
    """Standard deviation of the reward around its mean; for the identity link only."""
    turned: NDArray[np.float64] | None = None
    """(K, d) float64: with a period, where the coefficients are after a quarter of it."""
    period: int | None = None
    """Rounds in which drifting coefficients come round; None: they stay."""
    mean_delay: float = 0.0
    """Mean of the geometric delay of a reward, in rounds."""
    arrivals: tuple[int, ...] | None = None
    """(K,) the first round in which each arm exists; None: all from the start."""

    @property
    def arms(self) -> tuple[str, ...]:
        """`arm-0` and so on."""
        return tuple(f"arm-{index}" for index in range(len(self.coefficients)))

    @property
    def n_features(self) -> int:
        """Length of a context."""
        return int(self.coefficients.shape[1])

    def episode(self, rounds: int, rng: np.random.Generator) -> Episode:
        """An episode of `rounds` rounds."""
        n_arms = len(self.coefficients)
        contexts = rng.normal(size=(rounds, self.n_features))
        contexts /= np.linalg.norm(contexts, axis=1, keepdims=True)
        scores = self.offsets + contexts @ self.coefficients.T
        if self.period is not None and self.turned is not None:
            angle = 2 * np.pi * np.arange(rounds)[:, None] / self.period
            scores = self.offsets + np.cos(angle) * (contexts @ self.coefficients.T)
            scores += np.sin(angle) * (contexts @ self.turned.T)
        if self.link == "identity":
            expected = scores
            rewards = expected + self.noise * rng.normal(size=(rounds, n_arms))
        else:
            expected = 1 / (1 + np.exp(-scores))
            rewards = (rng.random((rounds, n_arms)) < expected).astype(np.float64)
        delays = np.zeros(rounds, np.int64)
        if self.mean_delay > 0:
            delays = rng.geometric(1 / (1 + self.mean_delay), rounds).astype(np.int64) - 1
        first = np.zeros(n_arms, np.int64) if self.arrivals is None else np.array(self.arrivals)
        return Episode(contexts, expected, rewards, delays, np.arange(rounds)[:, None] >= first)


def linear(rng: np.random.Generator, n_arms: int = 8, n_features: int = 8, noise: float = 0.5) -> LinearWorld:
    """Arms whose mean reward lies in [-1, 1] and is linear in the context, with Gaussian noise."""
    return LinearWorld(_unit_rows(rng, n_arms, n_features), np.zeros(n_arms), "identity", noise=noise)


def logistic(rng: np.random.Generator, n_arms: int = 8, n_features: int = 8, steepness: float = 4.0) -> LinearWorld:
    """Arms that pay 0 or 1, with log-odds that are linear in the context plus a level of the arm's own."""
    coefficients = steepness * _unit_rows(rng, n_arms, n_features)
    return LinearWorld(coefficients, rng.normal(0.0, 0.5, n_arms) - 1, "logistic")


def drifting(rng: np.random.Generator, period: int, n_arms: int = 8, n_features: int = 8) -> LinearWorld:
    """The linear world with coefficients that turn: after half of `period` rounds each arm is its own opposite."""
    start, turned = _unit_rows(rng, n_arms, n_features), _unit_rows(rng, n_arms, n_features)
    return LinearWorld(start, np.zeros(n_arms), "identity", noise=0.5, turned=turned, period=period)


def delayed(rng: np.random.Generator, mean_delay: float, n_arms: int = 8, n_features: int = 8) -> LinearWorld:
    """The logistic world whose rewards become known `mean_delay` rounds later on average, out of order."""
    world = logistic(rng, n_arms, n_features)
    return LinearWorld(world.coefficients, world.offsets, "logistic", mean_delay=mean_delay)


def many_arms(rng: np.random.Generator, n_arms: int = 200, n_features: int = 4) -> LinearWorld:
    """The logistic world with more arms than a few thousand rounds can learn one by one."""
    return logistic(rng, n_arms, n_features)


def cold_start(rng: np.random.Generator, every: int, n_arms: int = 8, n_features: int = 8) -> LinearWorld:
    """The logistic world that starts with two arms; another arrives `every` rounds."""
    world = logistic(rng, n_arms, n_features)
    arrivals = tuple(max(0, index - 1) * every for index in range(n_arms))
    return LinearWorld(world.coefficients, world.offsets, "logistic", arrivals=arrivals)


def _unit_rows(rng: np.random.Generator, n_rows: int, n_columns: int) -> NDArray[np.float64]:
    rows = rng.normal(size=(n_rows, n_columns))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows
