"""Confidence intervals of clustered estimates, and the verdict whether one can be given at all.

Shared by the means of cells and the margins of models and prompts; nothing here knows what is estimated.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.clustered import ROUNDING, clustered_errors

MIN_SCENARIOS = 10
"""Below this many scenarios nothing tells a harmless distribution from one that makes an interval wrong."""

# Skewness that n scenarios bear, as a multiple of n: 0.75 at 10, 7.5 at 100. See `Verdict`.
_BORNE_SKEW = 0.075
# Only the skewness beyond so many of its own standard errors is corrected for; the rest may be noise.
_NOISE = 2.0
_TWO, _THREE = 2, 3


class Verdict(StrEnum):
    """Whether scores allow a confidence interval.

    An interval is trusted from ten scenarios, where the skewness of the scenarios' means is at most
    `0.075 n + its standard error under normality`. The factor is what simulation showed to be borne: n = 10 with
    skewness 0.75 and n = 100 with anything on a scale of five cover 92 to 98 %, where n = 10 with an exponential
    distribution (skewness 2) covers 88 % when not flagged. Beyond about 190 scenarios no sample reaches the limit.
    What a sample does not show no rule can see: a failure in one scenario of fifty is not known from ten.
    """

    OK = "ok"
    """The interval holds."""
    UNSCORED = "unscored"
    """No score, no mean. Never zero."""
    ONE_SCENARIO = "one scenario"
    """A mean without a standard error."""
    CONSTANT = "constant"
    """Every scenario has the same mean; no variation, no interval."""
    TOO_FEW = "too few"
    """The interval shown is a wide one, with Chebyshev's factor (4.5 for 95 %) or Student's where that is larger.

    Exponential scores it covers in 88 to 97 of a hundred samples. It shows how little is known, it decides nothing.
    """


class Intervals(NamedTuple):
    """Standard errors and intervals of K estimates; NaN where there is none."""

    standard_errors: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    verdicts: tuple[Verdict, ...]


class Weighing(NamedTuple):
    """What unequal clusters do to the standard error of a mean; (K,) float64 each."""

    degrees: NDArray[np.float64]
    """Degrees of freedom: clusters less one where clusters are equal, fewer where some dominate."""
    widening: NDArray[np.float64]
    """What the standard error is multiplied by to be unbiased; 1 where clusters are equal."""


class Skewness(NamedTuple):
    """What the skewness of clusters does to intervals; (K,) each."""

    step: NDArray[np.float64]
    """float64, the part of the skewness beyond two of its standard errors, over the root of the number of clusters."""
    is_heavy: NDArray[np.bool_]
    """Heavier than so many clusters bear."""


def weighing(counts: NDArray[np.int64]) -> Weighing:
    """Degrees of freedom and widening for means over clusters of unequal size.

    Args:
        counts: (K, S) int64, observations of each mean in each cluster. NaN is returned with fewer than two clusters.

    Source:
        Bell & McCaffrey (2002), the Satterthwaite approximation; working model: the means of clusters vary alike
        whatever their size, which is so where scenarios differ more than candidates, and cautious elsewhere.
    """
    n_clusters = np.count_nonzero(counts, axis=1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    p2, p3, p4, p5 = (np.sum(shares**power, axis=1) for power in (2, 3, 4, 5))
    trace = p2 - 2 * p3 + p2**2
    of_square = (1 + 2 * p2) * p4 - 4 * p5 + p2**4 + 2 * p2 * p4 - 4 * p2**2 * p3 + 2 * p3**2
    enough = n_clusters >= _TWO
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.where(enough, trace**2 / of_square, np.nan)
        widening = np.where(enough, np.sqrt(p2 / (trace * n_clusters / (n_clusters - 1.0))), np.nan)
    return Weighing(degrees, widening)


def clustered_intervals(
    estimates: NDArray[np.float64],
    influence: NDArray[np.float64],
    deviations: NDArray[np.float64],
    n_clusters: NDArray[np.int64],
    weights: Weighing,
    confidence: float,
) -> Intervals:
    """Standard errors, intervals and verdicts of K estimates.

    From Student's t, corrected for the part of the skewness that is more than noise, so that an interval of skewed
    scores is longer on the side of their tail.

    Args:
        estimates: (K,) float64; NaN where nothing is scored.
        influence: (K, S) float64, what each cluster adds to the error of each estimate.
        deviations: (K, S) float64 of mean 0, how each cluster deviates whatever its size, and 0 for one that has no
            part in an estimate; their skewness decides on verdict and correction.
        n_clusters: (K,) int64.
        weights: of the clusters, (K,).
        confidence: in (0, 1).

    Raises:
        ValueError: `confidence` is not in (0, 1).

    Source:
        Hall (1992), as in `skewed_quantiles`; ours shrinks the skewness by two of its standard errors first, for with
        ten scenarios the whole of it overcorrects.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"An interval needs a confidence between 0 and 1; found {confidence}")
    errors = clustered_errors(influence, n_clusters)
    skew = skewness(deviations, n_clusters)
    verdicts = _verdicts(estimates, errors, n_clusters, skew.is_heavy)
    is_ok = np.array([verdict is Verdict.OK for verdict in verdicts], dtype=bool)
    is_wide = np.array([verdict is Verdict.TOO_FEW for verdict in verdicts], dtype=bool)
    quantile = stats.t.ppf((1 + confidence) / 2, np.maximum(weights.degrees, np.finfo(float).tiny))
    chebyshev = np.maximum(quantile, 1 / np.sqrt(1 - confidence))
    above = np.where(is_wide, chebyshev, skewed_quantiles(quantile, skew.step))
    below = np.where(is_wide, -chebyshev, skewed_quantiles(-quantile, skew.step))
    has_interval = is_ok | is_wide
    scale = errors * weights.widening
    low = np.where(has_interval, estimates - scale * above, np.nan)
    high = np.where(has_interval, estimates - scale * below, np.nan)
    return Intervals(errors, low, high, verdicts)


def skewed_quantiles(quantiles: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of the studentised error of a mean over skewed clusters, (K,) float64.

    Args:
        quantiles: (K,) float64, those without skewness.
        step: (K,) float64, `Skewness.step`.

    Source:
        Hall (1992), Journal of the Royal Statistical Society B 54, 221-228: the inverse of his cubic transformation.
    """
    safe = np.where(step == 0.0, 1.0, step)
    return np.where(step == 0.0, quantiles, 3.0 / safe * (np.cbrt(1.0 + safe * (quantiles - safe / 6.0)) - 1.0))


def unskewed(errors: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Studentised errors of means over skewed clusters as they would be without skewness; undoes `skewed_quantiles`."""
    stretched = 1.0 + step * errors / 3.0
    safe = np.where(step == 0.0, 1.0, step)
    return np.where(step == 0.0, errors, (stretched**3 - 1.0) / safe + step / 6.0)


def skewness(deviations: NDArray[np.float64], n_clusters: NDArray[np.int64]) -> Skewness:
    """How skewed the clusters of K estimates are; 0 below three clusters and where there is no spread.

    Args:
        deviations: (K, S) float64 of mean 0, and 0 for a cluster that has no part in an estimate.
        n_clusters: (K,) int64.
    """
    n = np.maximum(n_clusters, _THREE).astype(np.float64)
    spread = np.sum(deviations**2, axis=1) / n
    is_known = (n_clusters >= _THREE) & (spread > 0.0)
    third = np.sum(deviations**3, axis=1) / n
    adjusted = np.sqrt(n * (n - 1)) / (n - 2) * third / np.where(is_known, spread, 1.0) ** 1.5
    found = np.where(is_known, adjusted, 0.0)
    error = np.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)))
    beyond_noise = np.sign(found) * np.maximum(np.abs(found) - _NOISE * error, 0.0)
    return Skewness(beyond_noise / np.sqrt(n), np.abs(found) > _BORNE_SKEW * n + error)


def _verdicts(
    estimates: NDArray[np.float64],
    errors: NDArray[np.float64],
    n_clusters: NDArray[np.int64],
    is_too_skewed: NDArray[np.bool_],
) -> tuple[Verdict, ...]:
    return tuple(
        Verdict.UNSCORED
        if n == 0
        else Verdict.ONE_SCENARIO
        if n == 1
        else Verdict.CONSTANT
        if error <= ROUNDING * abs(estimate)
        else Verdict.TOO_FEW
        if n < MIN_SCENARIOS or skewed
        else Verdict.OK
        for estimate, error, n, skewed in zip(estimates, errors, n_clusters, is_too_skewed, strict=True)
    )
