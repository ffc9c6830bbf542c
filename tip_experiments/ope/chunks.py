"""The walk over a log in chunks that fit the cache: every estimator sees the same `Chunk` while it is there.

So wide matrices are read from memory once, and temporary memory does not grow with the log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_CELLS_PER_CHUNK = 1 << 16  # 512 kB per matrix: two of them and a dozen vectors stay in the second-level cache
_ROWS_PER_CHUNK = (256, 1 << 13)  # vectors of 128 kB and more come from fresh pages: ten times as slow with 2 actions


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive rows of a log as float64, with what several estimators compute from them."""

    first: int
    rewards: NDArray[np.float64]
    actions: NDArray[np.int64]
    propensities: NDArray[np.float64]
    target: NDArray[np.float64]
    model: NDArray[np.float64] | None
    probabilities: NDArray[np.float64] | None
    embedding: NDArray[np.int64] | None

    @cached_property
    def target_of_logged(self) -> NDArray[np.float64]:
        """(m,) the target's probability of the logged action."""
        return of_logged(self.target, self.actions)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """(m,) target's probability / propensity."""
        return self.target_of_logged / self.propensities

    @cached_property
    def model_of_target(self) -> NDArray[np.float64]:
        """(m,) the reward that the model expects of the target."""
        return (self.target * self._model) @ np.ones(self.target.shape[1])

    @cached_property
    def weighted_residuals(self) -> NDArray[np.float64]:
        """(m,) weight times (reward - what the model expected of the logged action)."""
        return self.weights * (self.rewards - of_logged(self._model, self.actions))

    @property
    def _model(self) -> NDArray[np.float64]:
        if self.model is None:
            raise ValueError("This estimator needs a reward_model (n, K); the log has none")
        return self.model


def of_logged(matrix: NDArray[np.float64], actions: NDArray[np.int64]) -> NDArray[np.float64]:
    """(m,) of each row of `matrix` (m, K) what stands at its action."""
    return matrix.reshape(-1).take(np.arange(0, matrix.size, matrix.shape[1]) + actions)


def row_slices(n: int, n_actions: int) -> Iterator[slice]:
    """Consecutive slices of `n` rows, sized for the cache."""
    step = int(np.clip(_CELLS_PER_CHUNK // n_actions, *_ROWS_PER_CHUNK))
    for first in range(0, n, step):
        yield slice(first, min(first + step, n))
