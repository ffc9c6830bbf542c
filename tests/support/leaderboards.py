"""Scores of leaderboards with known truth, for tests of what is said about cells."""

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats.cell_scores import CellScores


def clustered_scores(
    rng: np.random.Generator, means: NDArray[np.float64], n_scenarios: int, n_each: int = 5, missing: float = 0.0
) -> CellScores:
    """Cells that share what scenarios are like, differ in how they take to each, and scatter within them.

    Args:
        rng: of the scores.
        means: (C,) float64, the true ones.
        n_scenarios: S.
        n_each: candidates per scenario.
        missing: the chance that a cell has no score for a scenario.
    """
    shape = (means.size, n_scenarios)
    worth = means[:, np.newaxis] + rng.normal(0.0, 0.6, n_scenarios) + rng.normal(0.0, 0.3, shape)
    sums = worth * n_each + rng.normal(0.0, 0.7 * n_each**0.5, shape)
    is_scored = rng.random(shape) >= missing
    return CellScores(np.where(is_scored, sums, 0.0), np.where(is_scored, n_each, 0))


def rubric_scores(rng: np.random.Generator, shares: NDArray[np.float64], n_scenarios: int) -> CellScores:
    """Cells with one score of 1 to 5 per scenario each, drawn by `shares`, (C, 5); scenarios are alike."""
    drawn = [rng.choice(np.arange(1.0, 6.0), n_scenarios, p=of_cell) for of_cell in shares]
    return CellScores(np.array(drawn), np.ones((len(shares), n_scenarios), np.int64))
