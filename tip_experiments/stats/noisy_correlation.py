"""How two noisy measurements of the same things go together: as measured, and as it would be without the noise.

Noise makes things look less related than they are. `associated` tells both, with intervals that hold for few things;
it knows nothing of judges and rewards.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.estimates import Estimate
from tip_experiments.stats.inputs import faulty_rows, level_faults, require_no_faults, require_vectors

Floats = NDArray[np.float64]

MIN_PAIRS = 5
"""Things below which no interval is given: of four, Fisher's reaches from end to end."""
_N_CORRELATIONS, _N_SPREADS = 80, 32  # points of the grid; doubling both moves no end of an interval by 0.01
_CONSTANT = 1e-12


@dataclass(frozen=True, slots=True)
class Association:
    """How x and y go together over `n` things; what the data cannot tell is None."""

    n: int
    linear: Estimate | None
    """Pearson's correlation of what was measured."""
    by_rank: Estimate | None
    """Spearman's."""
    without_noise: Estimate | None
    """Pearson's of the true values: the median of what the data leave possible, and an interval of it."""
    slope: Estimate | None
    """By how much the true y rises for one unit of the true x, in the same way."""
    reliability_x: float | None
    """Share of the variance of the measured x that is no noise, in [0, 1]; None where x does not vary."""
    reliability_y: float | None
    reason: str | None
    """Why intervals are missing."""


def associated(x: Floats, y: Floats, errors_x: Floats, errors_y: Floats, level: float = 0.95) -> Association:
    """The association of x and y, each measured with a known standard error.

    The true values are taken for draws from a normal distribution of two dimensions. Of their correlation nothing is
    assumed beforehand (uniform on -1 to 1), of each spread that it is of the size of what was measured (half-Cauchy).
    The intervals of `linear` and `by_rank` are about what would be measured again with as much noise.

    Args:
        x: (n,) float64, finite.
        y: (n,) float64, finite.
        errors_x: (n,) float64, from 0: standard errors of x, independent of one another and of those of y.
        errors_y: (n,) float64, from 0.
        level: coverage of the intervals, in (0, 1).

    Raises:
        ValueError: shapes differ, a number is not finite, an error is negative, or the level is none; all faults, the
            first ten rows of each.

    Source:
        Fisher (1921), Metron 1, 3-32, for the linear interval; Bonett & Wright (2000), Psychometrika 65, 23-28, for
        that of ranks; Spearman (1904), American Journal of Psychology 15, 72-101, for the attenuation; Behseta,
        Berdyyeva, Olson & Kass (2009), Journal of Neurophysiology 101, 2186-2193, for its Bayesian correction, here on
        a grid instead of by sampling, with priors of our own.
    """
    _require(x, y, errors_x, errors_y, level)
    n = x.size
    vary = n > 1 and _varies(x) and _varies(y)
    is_enough = n >= MIN_PAIRS
    linear = by_rank = without_noise = slope = None
    if vary:
        z = float(stats.norm.isf((1 - level) / 2))
        r = float(np.corrcoef(x, y)[0, 1])
        rank = float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])
        linear = _on_fishers_scale(r, 1.0, n, z if is_enough else None)
        by_rank = _on_fishers_scale(rank, math.sqrt(1 + rank**2 / 2), n, z if is_enough else None)
    if vary and is_enough:
        without_noise, slope = _corrected(x, y, errors_x, errors_y, level)
    reason = None
    if not is_enough:
        reason = f"too few for intervals: {n}, they need {MIN_PAIRS}"
    elif not vary:
        reason = "one of the two does not vary"
    return Association(
        n, linear, by_rank, without_noise, slope, _reliability(x, errors_x), _reliability(y, errors_y), reason
    )


def _on_fishers_scale(correlation: float, factor: float, n: int, z: float | None) -> Estimate:
    """With the interval that is `factor / sqrt(n - 3)` standard errors to each side there; without where z is None."""
    if z is None or n <= 3:  # noqa: PLR2004 - degrees of freedom of the scale
        return Estimate(correlation, None, None, None)
    error = factor / math.sqrt(n - 3)
    if 1.0 - abs(correlation) < _CONSTANT:
        return Estimate(correlation, 0.0, None, None)
    at = math.atanh(correlation)
    return Estimate(correlation, error * (1 - correlation**2), math.tanh(at - z * error), math.tanh(at + z * error))


def _corrected(x: Floats, y: Floats, errors_x: Floats, errors_y: Floats, level: float) -> tuple[Estimate, Estimate]:
    """Median, standard deviation and interval of the correlation of the true values, and of their slope."""
    scale_x, scale_y = float(x.std(ddof=1)), float(y.std(ddof=1))
    correlations = (np.arange(_N_CORRELATIONS) + 0.5) / _N_CORRELATIONS * 2 - 1
    spreads = np.tan((np.arange(_N_SPREADS) + 0.5) / _N_SPREADS * np.pi / 2)  # equally likely under half a Cauchy
    rho, tau_x, tau_y = (grid.ravel() for grid in np.meshgrid(correlations, spreads, spreads, indexing="ij"))
    middle_x, middle_y = float(x.mean()), float(y.mean())
    likely = _log_likelihood(
        (x - middle_x) / scale_x, (y - middle_y) / scale_y, errors_x / scale_x, errors_y / scale_y, rho, tau_x, tau_y
    )
    weights = np.exp(likely - likely.max())
    weights /= weights.sum()
    half = 1.0 / _N_CORRELATIONS  # the correlation lies anywhere in its step of the grid
    of_rho = weights.reshape(_N_CORRELATIONS, -1).sum(axis=1)
    correlation = _summary(correlations, of_rho, level, half)
    rises = rho * tau_y / tau_x * (scale_y / scale_x)
    order = np.argsort(rises)
    return correlation, _summary(rises[order], weights[order], level, 0.0)


def _log_likelihood(
    x: Floats, y: Floats, errors_x: Floats, errors_y: Floats, rho: Floats, tau_x: Floats, tau_y: Floats
) -> Floats:
    """(m,) of the points of the grid, the two means integrated out under a flat prior."""
    shared = rho * tau_x * tau_y
    square_x, square_y = tau_x**2, tau_y**2
    log_size = np.zeros_like(rho)
    quadratic = np.zeros_like(rho)
    precision = np.zeros((3, rho.size))  # sums over the things of the entries xx, xy, yy of the inverse
    linear = np.zeros((2, rho.size))
    for at_x, at_y, error_x, error_y in zip(x, y, errors_x, errors_y, strict=True):
        variance_x, variance_y = square_x + error_x**2, square_y + error_y**2
        size = variance_x * variance_y - shared**2
        entries = np.stack([variance_y / size, -shared / size, variance_x / size])
        by_x, by_y = entries[0] * at_x + entries[1] * at_y, entries[1] * at_x + entries[2] * at_y
        precision += entries
        linear += np.stack([by_x, by_y])
        quadratic += at_x * by_x + at_y * by_y
        log_size += np.log(size)
    size = precision[0] * precision[2] - precision[1] ** 2
    explained = (
        precision[2] * linear[0] ** 2 - 2 * precision[1] * linear[0] * linear[1] + precision[0] * linear[1] ** 2
    ) / size
    return np.asarray(-0.5 * (log_size + np.log(size) + quadratic - explained))


def _summary(values: Floats, weights: Floats, level: float, half: float) -> Estimate:
    """Of a distribution on sorted points, each `half` wide to either side."""
    below = np.cumsum(weights)
    tail = (1 - level) / 2

    def quantile(share: float) -> float:
        place = min(int(np.searchsorted(below, share)), values.size - 1)
        start = below[place] - weights[place]
        inside = (share - start) / weights[place] if weights[place] > 0 else 0.5
        return float(values[place] + half * (2 * inside - 1))

    mean = float(weights @ values)
    deviation = math.sqrt(max(float(weights @ (values - mean) ** 2), 0.0))
    return Estimate(quantile(0.5), deviation, quantile(tail), quantile(1 - tail))


def _reliability(values: Floats, errors: Floats) -> float | None:
    if values.size < 2 or not _varies(values):  # noqa: PLR2004 - it takes two to vary
        return None
    return min(max(1.0 - float(np.mean(errors**2)) / float(values.var(ddof=1)), 0.0), 1.0)


def _varies(values: Floats) -> bool:
    return float(values.std()) > _CONSTANT * max(float(np.abs(values).max()), 1e-300)


def _require(x: Floats, y: Floats, errors_x: Floats, errors_y: Floats, level: float) -> None:
    named = {"x": x, "y": y, "errors_x": errors_x, "errors_y": errors_y}
    require_vectors(**named)
    faults: list[str] = []
    for name, array in named.items():
        faults += faulty_rows(f"of {name} are not finite", ~np.isfinite(array), array)
    for name, array in (("errors_x", errors_x), ("errors_y", errors_y)):
        faults += faulty_rows(f"of {name} are negative", array < 0, array)
    require_no_faults("An association cannot be told", faults + level_faults(level))
