"""Krippendorff's alpha: how far judges agree beyond chance, with an interval from resampled scenarios.

Each judge's bias and pairs of judges are in `agreement`. Alpha is a function of sums over units, so that resampling
adds up sums instead of measuring agreement anew.
"""

from collections.abc import Callable
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from tip_experiments.stats.agreement import MIN_SHARED, table_faults
from tip_experiments.stats.inputs import level_faults, require_no_faults

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_MAX_CATEGORIES = 200
_CHUNK = 4_000_000  # numbers held at once while resampling, 32 MB


class Scale(StrEnum):
    """What differences between scores mean."""

    NOMINAL = "nominal"
    """Equal or not."""
    ORDINAL = "ordinal"
    """By how many scores lie between."""
    INTERVAL = "interval"
    """By their squared distance."""


class Alpha(NamedTuple):
    """Krippendorff's alpha: 1 for full agreement, 0 for what chance brings, below 0 for systematic disagreement."""

    alpha: float | None
    low: float | None
    high: float | None
    n_units: int
    """Units with scores of two judges or more; the others tell nothing."""
    n_scores: int
    """On these units."""
    reason: str | None
    """Why alpha or its interval is missing."""


def krippendorff_alpha(
    scores: Floats, rng: np.random.Generator, *, scale: Scale = Scale.INTERVAL, clusters: Codes | None = None,
    confidence: float = 0.95, n_resamples: int = 2000,
) -> Alpha:  # fmt: skip
    """Alpha over all judges with an interval from resampled clusters of units.

    Percentiles of resamples lie too close together where clusters are few (with ten they miss 7 to 17 times in a
    hundred); as with Student's t they are moved away from alpha, the more the fewer clusters there are.

    Args:
        scores: (n_units, n_judges) float64; NaN where a judge did not score.
        rng: of the resampling.
        scale: of the scores.
        clusters: (n_units,) the scenario of each unit, so that scenarios are resampled whole; else units are.
        confidence: in (0, 1).
        n_resamples: at least 100.

    Raises:
        ValueError: an infinite score, shapes that differ, or too many distinct scores for a scale of categories.

    Source:
        Krippendorff (2011), Computing Krippendorff's Alpha-Reliability. His bootstrap draws pairs of scores as if they
        were independent; ours draws units or scenarios (Zapf et al. 2016, BMC Medical Research Methodology 16:93).
    """
    faults = table_faults(scores, clusters) + level_faults(confidence, "confidence")
    if n_resamples < 100:  # noqa: PLR2004  fewer have no tail to speak of
        faults.append(f"n_resamples must be at least 100, found {n_resamples}")
    require_no_faults("Measuring agreement", faults)
    shared = np.isfinite(scores).sum(axis=1) > 1
    n_units, n_scores = int(shared.sum()), int(np.isfinite(scores[shared]).sum())
    if n_units < 2:  # noqa: PLR2004  nothing to compare
        return Alpha(
            None, None, None, n_units, n_scores, f"too little overlap: {n_units} units with two scores or more"
        )
    sums, alpha_of = _moments(scores[shared]) if scale is Scale.INTERVAL else _coincidences(scores[shared], scale)
    alpha = float(alpha_of(np.asarray(sums.sum(axis=0)).reshape(1, -1))[0])
    if np.isnan(alpha):
        return Alpha(None, None, None, n_units, n_scores, "all scores are equal: nothing tells agreement from habit")
    groups = np.arange(n_units) if clusters is None else np.unique(clusters[shared], return_inverse=True)[1]
    n_groups = int(groups.max()) + 1
    if min(n_units, n_groups) < MIN_SHARED:
        found = f"{n_units} shared units in {n_groups} clusters, an interval needs {MIN_SHARED} of each"
        return Alpha(alpha, None, None, n_units, n_scores, f"too little overlap: {found}")
    membership = sparse.csr_array((np.ones(n_units), (groups, np.arange(n_units))), shape=(n_groups, n_units))
    drawn = _resampled(membership @ sums, alpha_of, rng, n_resamples)
    reach = np.nanquantile(drawn, [0.5 - confidence / 2.0, 0.5 + confidence / 2.0]) - alpha
    low, high = alpha + _stretch(n_groups, confidence) * reach
    return Alpha(alpha, min(float(low), alpha), min(max(float(high), alpha), 1.0), n_units, n_scores, None)


def _stretch(n_groups: int, confidence: float) -> float:
    """How much wider an interval must be than the percentiles of resamples of so many clusters."""
    tail, degrees = (1.0 - confidence) / 2.0, n_groups - 1
    return float(np.sqrt(n_groups / degrees) * stats.t.isf(tail, degrees) / stats.norm.isf(tail))


def _moments(scores: Floats) -> tuple[sparse.csr_array, Callable[[Floats], Floats]]:
    """For squared distances: what each unit adds to the sums that alpha is made of, and alpha from such sums.

    Distances to any fixed origin would do; the mean keeps the sums of squares small.
    """
    scores = scores - np.nanmean(scores)
    counts = np.isfinite(scores).sum(axis=1).astype(np.float64)
    totals, squares = np.nansum(scores, axis=1), np.nansum(scores**2, axis=1)
    within = 2.0 * (counts * squares - totals**2) / (counts - 1.0)

    def alpha_of(sums: Floats) -> Floats:
        observed, n, total, square = sums.T
        expected = 2.0 * (n * square - total**2) / (n - 1.0)
        return _ratio(observed, expected, 1e-12 * n * square)

    return sparse.csr_array(np.column_stack([within, counts, totals, squares])), alpha_of


def _coincidences(scores: Floats, scale: Scale) -> tuple[sparse.csr_array, Callable[[Floats], Floats]]:
    """For categories: each unit's coincidences of values, flattened, and alpha from their sums."""
    values, codes = np.unique(scores, return_inverse=True)
    n_values = int(np.isfinite(values).sum())
    if n_values > _MAX_CATEGORIES:
        raise ValueError(
            f"A {scale} scale with {n_values} distinct scores is no scale of categories (at most {_MAX_CATEGORIES}); "
            "use the interval scale"
        )
    codes = codes.reshape(scores.shape)
    counts = np.isfinite(scores).sum(axis=1)
    units, places, weights = [], [], []
    for one, other in combinations(range(scores.shape[1]), 2):
        both = np.flatnonzero(np.isfinite(scores[:, one]) & np.isfinite(scores[:, other]))
        first, second = codes[both, one], codes[both, other]
        units += [both, both]
        places += [first * n_values + second, second * n_values + first]
        weights += [1.0 / (counts[both] - 1.0)] * 2
    entries = (np.concatenate(weights), (np.concatenate(units), np.concatenate(places)))
    sums = sparse.csr_array(sparse.coo_array(entries, shape=(scores.shape[0], n_values**2)))

    def alpha_of(sums: Floats) -> Floats:
        tables = sums.reshape(-1, n_values, n_values)
        margins = tables.sum(axis=2)
        if scale is Scale.ORDINAL:
            places = np.cumsum(margins, axis=1) - margins / 2.0
            distances = (places[:, :, None] - places[:, None, :]) ** 2
        else:
            distances = np.broadcast_to(1.0 - np.eye(n_values), tables.shape)
        n = margins.sum(axis=1)
        observed = np.einsum("rij,rij->r", tables, distances)
        expected = np.einsum("ri,rj,rij->r", margins, margins, distances) / (n - 1.0)
        return _ratio(observed, expected, np.zeros_like(n))

    return sums, alpha_of


def _ratio(observed: Floats, expected: Floats, rounding: Floats) -> Floats:
    """1 - observed / expected; NaN where nothing differs."""
    varies = expected > rounding
    return np.where(varies, 1.0 - observed / np.where(varies, expected, 1.0), np.nan)


def _resampled(
    sums: sparse.csr_array, alpha_of: Callable[[Floats], Floats], rng: np.random.Generator, n_resamples: int
) -> Floats:
    """Alpha of resampled clusters; those that are alike are drawn at once, so that many alike ones cost nothing."""
    _, kinds, repeats = np.unique(_fingerprints(sums, rng), return_index=True, return_counts=True)
    rows = sums[kinds]
    size = max(1, _CHUNK // max(rows.shape))
    drawn = []
    for begin in range(0, n_resamples, size):
        times = rng.multinomial(sums.shape[0], repeats / sums.shape[0], size=min(size, n_resamples - begin))
        drawn.append(alpha_of(np.asarray((rows.T @ times.T).T)))
    return np.concatenate(drawn)


def _fingerprints(sums: sparse.csr_array, rng: np.random.Generator) -> Floats:
    """One number a row, its product with a random direction: rows that differ share one with no chance to speak of."""
    return np.asarray(sums @ rng.random(sums.shape[1]))
