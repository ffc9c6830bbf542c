"""Paired differences: every cell against every other over the scenarios that both have scores for.

A scenario counts once, however many candidates it has, so that both cells are judged on the same mix of scenarios.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.clustered import ROUNDING, clustered_errors, or_none
from tip_experiments.stats.intervals import Skewness, skewed_quantiles, skewness, unskewed
from tip_experiments.stats.multiplicity import holm

_SAME = 1e-9  # means of the same scores, summed in another order
_ENOUGH = 2


class Differences(NamedTuple):
    """One cell minus each of K others, over shared scenarios; NaN where there is nothing to tell."""

    means: NDArray[np.float64]
    """(K,) float64; NaN without a shared scenario."""
    standard_errors: NDArray[np.float64]
    """(K,) float64; NaN below two shared scenarios, and where all differences are the same."""
    skew: Skewness
    n_shared: NDArray[np.int64]
    """(K,) int64."""
    wins: NDArray[np.float64]
    """(K,) float64 in [0, 1], the share of shared scenarios that the cell wins; a tie counts half."""
    influence: NDArray[np.float64]
    """(K, S) float64, what each scenario adds to the error of each mean."""


@dataclass(frozen=True)
class PairedDifference:
    """The cell `first` minus the cell `second`, both by their place among the cells."""

    first: int
    second: int
    difference: float | None
    """None without a shared scenario."""
    standard_error: float | None
    """None below two shared scenarios, and where all differences are the same."""
    low: float | None
    """Of the interval for this pair alone. None without a standard error, and where the differences are more skewed
    than so few scenarios bear; so are the next three."""
    high: float | None
    p_value: float | None
    """Two-sided, that the cells are equally good on average."""
    p_holm: float | None
    """The same, adjusted for all pairs."""
    n_shared: int
    wins: float | None
    """Share of the shared scenarios where `first` has the higher mean; a tie counts half."""


def paired_differences(scores: CellScores, confidence: float = 0.95) -> tuple[PairedDifference, ...]:
    """All pairs of cells, (0, 1), (0, 2), ..., (1, 2), ...; the paired t test over scenarios.

    Where the differences are skewed by more than may be noise, test and interval are corrected for it, as those of
    means are: the plain test of two cells one of which fails rarely calls equals different too often.

    Args:
        scores: of one judge.
        confidence: of each interval, in (0, 1).

    Raises:
        ValueError: `confidence` is not in (0, 1).
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"An interval needs a confidence between 0 and 1; found {confidence}")
    if scores.n_cells < _ENOUGH:
        return ()
    rows = [differences(scores, cell, np.arange(cell + 1, scores.n_cells)) for cell in range(scores.n_cells - 1)]
    means, errors, n_shared, wins, step, is_heavy = (
        np.concatenate(column)
        for column in zip(
            *((row.means, row.standard_errors, row.n_shared, row.wins, *row.skew) for row in rows), strict=True
        )
    )
    degrees = np.maximum(n_shared - 1, 1)
    quantile = stats.t.ppf((1 + confidence) / 2, degrees)
    scale = np.where(is_heavy, np.nan, errors)
    low, high = means - scale * skewed_quantiles(quantile, step), means - scale * skewed_quantiles(-quantile, step)
    p_values = 2 * stats.t.sf(np.abs(unskewed(means / scale, step)), degrees)
    columns = (means, errors, low, high, p_values, holm(p_values), wins)
    firsts, seconds = np.triu_indices(scores.n_cells, k=1)
    return tuple(
        PairedDifference(first, second, mean, error, low, high, p_value, p_holm, n, share)
        for first, second, n, mean, error, low, high, p_value, p_holm, share in zip(
            firsts.tolist(), seconds.tolist(), n_shared.tolist(), *map(or_none, columns), strict=True
        )
    )


def differences(scores: CellScores, cell: int, others: NDArray[np.int64]) -> Differences:
    """`cell` minus each of `others`.

    Args:
        scores: of one judge.
        cell: the place of the cell.
        others: (K,) int64, places of cells.
    """
    by_scenario = scores.scenario_means[cell] - scores.scenario_means[others]
    is_shared = ~np.isnan(by_scenario)
    n_shared = np.count_nonzero(is_shared, axis=1).astype(np.int64)
    by_scenario = np.where(is_shared, by_scenario, 0.0)
    size = np.maximum(n_shared, 1)
    means = by_scenario.sum(axis=1) / size
    influence = np.where(is_shared, by_scenario - means[:, np.newaxis], 0.0) / size[:, np.newaxis]
    errors = clustered_errors(influence, n_shared)
    scale = np.abs(np.nan_to_num(scores.means[cell])) + np.abs(np.nan_to_num(scores.means[others]))
    is_win, is_loss = by_scenario > _SAME, by_scenario < -_SAME
    balance = (np.count_nonzero(is_win, axis=1) - np.count_nonzero(is_loss, axis=1)) / size
    return Differences(
        np.where(n_shared > 0, means, np.nan),
        np.where(errors > ROUNDING * scale, errors, np.nan),
        skewness(influence, n_shared),
        n_shared,
        np.where(n_shared > 0, (1 + balance) / 2, np.nan),
        influence,
    )
