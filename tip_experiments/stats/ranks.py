"""The rank of each cell and how far it may be off, by resampling whole scenarios.

Scenarios are resampled for all cells together: where two cells do well on the same ones, their order is surer than
their means.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.clustered import clustered_errors
from tip_experiments.stats.intervals import MIN_SCENARIOS

_TIE = 1e-9
_CHUNK = 128  # resamples at a time: with 50 cells and 2,000 scenarios 2 MB of weights and 3 MB of comparisons


@dataclass(frozen=True)
class CellRank:
    """The rank of one cell among those with scores; None for a cell without any."""

    rank: int | None
    """1 is best; equal means share the better rank."""
    low: int | None
    """The best rank it may truly have."""
    high: int | None
    """The worst."""


def cell_ranks(
    scores: CellScores, rng: np.random.Generator, confidence: float = 0.95, n_resamples: int = 2000
) -> tuple[CellRank, ...]:
    """Ranks by mean, with percentile intervals over resampled scenarios, in the order of the cells.

    A resampled mean's distance from the mean is stretched by what Student's t has over the normal distribution, for
    resampling is too sure of few scenarios. A cell with fewer than `MIN_SCENARIOS` may have any rank; for the ranks of
    the others its mean is drawn from Student's t, and where nothing is known of its spread it is put first as often
    as last.

    Args:
        scores: of one judge.
        rng: of the resampling.
        confidence: of the intervals, in (0, 1).
        n_resamples: how often scenarios are resampled.

    Raises:
        ValueError: `confidence` is not in (0, 1), or there is no resample.

    Source:
        Goldstein & Spiegelhalter (1996), Journal of the Royal Statistical Society A 159, 385-443, for intervals of
        ranks; Davison & Hinkley (1997), section 3.8, for resampling whole clusters.
    """
    if not 0.0 < confidence < 1.0 or n_resamples < 1:
        raise ValueError(
            f"Intervals of ranks need a confidence between 0 and 1 and at least one resample; "
            f"found {confidence} and {n_resamples}"
        )
    ranked = np.flatnonzero(scores.n_scored > 0)
    kept = CellScores(scores.sums[ranked], scores.counts[ranked])
    rank = _ranks(kept.means[np.newaxis])[0]
    resampled = np.concatenate([_ranks(means) for means in _resampled_means(kept, rng, confidence, n_resamples)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0, method="inverted_cdf")
    is_unsettled = kept.n_scored_scenarios < MIN_SCENARIOS
    low = np.where(is_unsettled, 1, np.minimum(low, rank))
    high = np.where(is_unsettled, ranked.size, np.maximum(high, rank))
    found = {
        cell: CellRank(int(rank[place]), int(low[place]), int(high[place]))
        for place, cell in enumerate(ranked.tolist())
    }
    return tuple(found.get(cell, CellRank(None, None, None)) for cell in range(scores.n_cells))


def _resampled_means(
    scores: CellScores, rng: np.random.Generator, confidence: float, n_resamples: int
) -> Iterator[NDArray[np.float64]]:
    """Means of cells that all have scores, (b, C) float64 for a chunk of b resamples at a time."""
    n = scores.n_scored_scenarios
    is_few = n < MIN_SCENARIOS
    degrees = np.maximum(n - 1, 1)
    errors = clustered_errors(scores.influence, n)
    tail = (1 - confidence) / 2
    stretch = np.sqrt((degrees + 1) / degrees) * stats.t.isf(tail, degrees) / stats.norm.isf(tail)
    is_used = scores.counts.any(axis=0)
    sums, counts = scores.sums[:, is_used].T, scores.counts[:, is_used].T.astype(np.float64)
    for start in range(0, n_resamples, _CHUNK):
        size = min(_CHUNK, n_resamples - start)
        weights = _weights(rng, size, len(sums))
        weighed = weights @ counts
        # A cell with ten scenarios is in none of a resample once in 22,000 times; it then keeps its mean.
        means = np.divide(weights @ sums, weighed, out=np.tile(scores.means, (size, 1)), where=weighed > 0)
        drawn = rng.standard_t(degrees, (size, n.size))
        spread = np.where(errors > 0.0, errors, np.inf)  # NaN and 0 alike: nothing is known
        deviation = np.where(is_few, drawn * spread, stretch * (means - scores.means))
        yield scores.means + deviation


def _weights(rng: np.random.Generator, size: int, n_scenarios: int) -> NDArray[np.float64]:
    """How often each scenario is in each resample, (size, n_scenarios), multinomial."""
    drawn = rng.integers(0, n_scenarios, (size, n_scenarios)) + n_scenarios * np.arange(size)[:, np.newaxis]
    counted = np.bincount(drawn.ravel(), minlength=size * n_scenarios)
    return counted.reshape(size, n_scenarios).astype(np.float64)


def _ranks(means: NDArray[np.float64]) -> NDArray[np.int64]:
    """(b, C) int64: one more than the number of cells that are better by more than rounding."""
    with np.errstate(invalid="ignore"):  # infinity less infinity: neither is better
        is_better = means[:, np.newaxis, :] - means[:, :, np.newaxis] > _TIE
    return np.asarray(1 + np.count_nonzero(is_better, axis=2))
