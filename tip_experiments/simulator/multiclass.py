"""Labelled data as a world: each class is an arm, and the arm that names a row's class pays 1, all others 0.

Source: Dudik, Langford & Li (2011), section 4, the conversion of classification data to bandit feedback.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tip_experiments.simulator.worlds import Episode


@dataclass(frozen=True)
class MulticlassWorld:
    """Rows of a data set, drawn with replacement."""

    features: NDArray[np.float64]
    """(n_rows, d) float64."""
    labels: NDArray[np.int64]
    """(n_rows,) int64 in [0, K)."""
    slip: float = 0.0
    """Probability that a reward is turned round, so that the mean reward is `slip` or `1 - slip`."""

    @property
    def arms(self) -> tuple[str, ...]:
        """`class-0` and so on."""
        return tuple(f"class-{index}" for index in range(int(self.labels.max()) + 1))

    @property
    def n_features(self) -> int:
        """Length of a context."""
        return int(self.features.shape[1])

    def episode(self, rounds: int, rng: np.random.Generator) -> Episode:
        """An episode of `rounds` rows."""
        rows = rng.integers(0, len(self.labels), rounds)
        n_arms = len(self.arms)
        truth = np.eye(n_arms)[self.labels[rows]]
        slips = rng.random((rounds, n_arms)) < self.slip
        return Episode(
            contexts=self.features[rows],
            expected=truth * (1 - self.slip) + (1 - truth) * self.slip,
            rewards=np.where(slips, 1 - truth, truth),
            delays=np.zeros(rounds, np.int64),
            available=np.ones((rounds, n_arms), np.bool_),
        )


def digits(slip: float = 0.0) -> MulticlassWorld:
    """The 1,797 handwritten digits that scikit-learn ships: ten arms, contexts of 64 pixels in [0, 1]."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return MulticlassWorld(np.asarray(data.data, np.float64) / 16, np.asarray(data.target, np.int64), slip)
