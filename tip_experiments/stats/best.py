"""Which cells may be the best and which can be dropped: multiple comparison with the best.

To test every cell against the leader of the same scores is not valid: the leader leads by luck as well. Here each cell
in turn is the control that all others are compared with, and only what holds for the true best, whichever it is, is
claimed.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.clustered import or_none
from tip_experiments.stats.intervals import skewed_quantiles
from tip_experiments.stats.paired import differences


@dataclass(frozen=True)
class AgainstBest:
    """One cell minus the best of the others."""

    difference: float | None
    """The smallest paired difference from another cell: above 0 for a leader. None where nothing is shared."""
    low: float | None
    """At most 0. None where nothing bounds it."""
    high: float | None
    """At least 0. None where nothing bounds it."""
    may_be_best: bool
    """Also for a cell that is not scored: nothing speaks against it."""
    can_be_dropped: bool
    """The opposite: at the chosen confidence the cell is not the best, however the scores were looked at."""


class _Controls(NamedTuple):
    """Every cell as the control of the others, (C, C) float64; NaN on the diagonal and where nothing can be told."""

    differences: NDArray[np.float64]
    """Row less column."""
    reach: NDArray[np.float64]
    """What each difference may be too low by when its row is the best, all columns at once."""


def against_best(
    scores: CellScores, rng: np.random.Generator, confidence: float = 0.95, n_draws: int = 10_000
) -> tuple[AgainstBest, ...]:
    """Each cell minus the best of the others with simultaneous intervals, in the order of the cells.

    All intervals hold at once with the given confidence. They are constrained: they hold 0, or end at it. So with one
    chance in twenty at most, at 95 %, a best cell is among those that can be dropped.

    Pairs share their control and their scenarios, so the studentised differences are correlated: the critical value of
    each control is the quantile of the largest of normal draws with the correlation that the scenarios show, carried
    over to Student's t with each pair's own degrees of freedom and skewness. A pair with fewer than two shared
    scenarios, with the same difference on each, or more skewed than so few scenarios bear, tells nothing; it bars no
    cell from being the best. One-sided bounds feel skewness most: where the others' scores have an exponential tail
    that the best cell's have not, it is dropped 12 times in a hundred with 10 scenarios and 8 times with 60, at 95 %.

    Args:
        scores: of one judge.
        rng: of the draws.
        confidence: that all intervals hold, in (0, 1).
        n_draws: the more, the less the critical values vary: 10,000 leave 0.2 points of a confidence of 95 %.

    Raises:
        ValueError: `confidence` is not in (0, 1), or there is no draw.

    Source:
        Hsu (1984), Annals of Statistics 12, 1136-1144, and Hsu (1996), Multiple Comparisons, chapter 4, for the
        intervals; Hothorn, Bretz & Westfall (2008), Biometrical Journal 50, 346-363, for critical values of
        correlated estimates. Carrying quantiles over to t keeps each pair's own degrees of freedom; theirs are common.
    """
    if not 0.0 < confidence < 1.0 or n_draws < 1:
        raise ValueError(
            f"Comparing with the best needs a confidence between 0 and 1 and at least one draw; "
            f"found {confidence} and {n_draws}"
        )
    controls = _controls(scores, rng, confidence, n_draws)
    is_scored = scores.n_scored > 0
    above = _smallest(controls.differences + controls.reach)
    may_be_best = ~(above <= 0.0)
    low = _lower_bounds(controls, is_scored & may_be_best)
    high = np.where(is_scored & np.isfinite(above), np.maximum(above, 0.0), np.nan)
    nearest = _smallest(controls.differences)
    columns = (np.where(np.isfinite(nearest), nearest, np.nan), np.where(is_scored, low, np.nan), high)
    return tuple(
        AgainstBest(difference, lower, upper, may, not may)
        for difference, lower, upper, may in zip(*map(or_none, columns), may_be_best.tolist(), strict=True)
    )


def _controls(scores: CellScores, rng: np.random.Generator, confidence: float, n_draws: int) -> _Controls:
    n_cells = scores.n_cells
    found = _Controls(np.full((n_cells, n_cells), np.nan), np.full((n_cells, n_cells), np.nan))
    # The same draws for every control: single precision does for a quantile, at half the time.
    draws = rng.standard_normal((n_draws, max(n_cells - 1, 1)), dtype=np.float32)
    for control in range(n_cells):
        others = np.delete(np.arange(n_cells), control)
        against = differences(scores, control, others)
        found.differences[control, others] = against.means
        told = np.flatnonzero(~np.isnan(against.standard_errors) & ~against.skew.is_heavy)
        if told.size:
            quantile = _normal_quantile(against.influence[told], draws[:, : told.size], confidence)
            of_t = stats.t.isf(stats.norm.sf(quantile), against.n_shared[told] - 1)
            reach = -skewed_quantiles(-of_t, against.skew.step[told]) * against.standard_errors[told]
            found.reach[control, others[told]] = reach
    return found


def _normal_quantile(influence: NDArray[np.float64], draws: NDArray[np.float32], confidence: float) -> float:
    """The quantile of the largest of K normal variables correlated as the rows of `influence`, (K, S)."""
    lengths = np.sqrt(np.einsum("ks,ks->k", influence, influence))
    correlation = influence @ influence.T / np.outer(lengths, lengths)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    largest = np.max(draws @ root.T.astype(np.float32), axis=1)
    return float(np.quantile(largest, confidence))


def _smallest(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C,), the smallest number of each row; infinite where there is none."""
    return np.asarray(np.min(np.where(np.isnan(rows), np.inf, rows), axis=1))


def _lower_bounds(controls: _Controls, is_rival: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(C,) float64, at most 0; NaN where a rival cannot be compared and so bounds nothing.

    If a rival is the best, it leads by no more than its own comparison with the cell allows.
    """
    bounds = np.zeros(len(is_rival))
    for cell in range(len(is_rival)):
        rivals = np.flatnonzero(is_rival)
        rivals = rivals[rivals != cell]
        if rivals.size:
            behind = controls.differences[cell, rivals] - controls.reach[rivals, cell]
            bounds[cell] = min(float(np.min(behind)), 0.0)  # NaN stays NaN
    return bounds
