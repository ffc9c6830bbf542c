"""Means whose observations come in clusters: tips for one scenario are alike, so they are not independent draws.

`clustered_errors` is the one formula for their standard errors; means of cells, differences and margins all use it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A spread below this share of the mean is what sums of floats leave of a constant.
ROUNDING = 1e-12


class ClusteredMean(NamedTuple):
    """A mean with the standard error that respects clusters."""

    mean: float
    standard_error: float | None
    """None with fewer than two clusters: nothing then tells how much scenarios differ."""
    n: int
    n_clusters: int


def clustered_errors(influence: NDArray[np.float64], n_clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cluster-robust standard errors of several estimates.

    Args:
        influence: (..., G) float64, what each cluster adds to the error of each estimate; for a mean over n
            observations that is the sum of the cluster's residuals over n, and 0 for a cluster without any.
        n_clusters: (...) int64, how many clusters an estimate rests on.

    Returns:
        (...) float64; NaN with fewer than two clusters: nothing then tells how much they differ.

    Source:
        Liang & Zeger (1986), with the factor G / (G - 1) for G clusters; the same number as the intercept's
        standard error in a regression on a constant with clustered covariance (CR1).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(n_clusters >= 2, n_clusters / (n_clusters - 1.0), np.nan)  # noqa: PLR2004  it takes two
    return np.asarray(np.sqrt(factor * np.einsum("...g,...g->...", influence, influence)))


def clustered_mean(values: NDArray[np.float64], clusters: NDArray[np.generic]) -> ClusteredMean | None:
    """The mean of `values` and its cluster-robust standard error; None without values.

    Args:
        values: (n,) float64, finite; unscored observations are left out by the caller, never entered as 0.
        clusters: (n,) any dtype, which cluster each value belongs to.

    Raises:
        ValueError: the shapes differ, or a value is not finite.
    """
    if values.shape != clusters.shape or values.ndim != 1:
        raise ValueError(f"values {values.shape} and clusters {clusters.shape} must be vectors of one length")
    if not np.isfinite(values).all():
        raise ValueError(
            f"values must be finite; the first that is not stands at {int(np.argmin(np.isfinite(values)))}"
        )
    if values.size == 0:
        return None
    mean = float(values.mean())
    names, index = np.unique(clusters, return_inverse=True)
    influence = np.bincount(index, weights=values - mean, minlength=names.size) / values.size
    error = float(clustered_errors(influence, np.asarray(names.size)))
    return ClusteredMean(mean, None if np.isnan(error) else error, values.size, names.size)


def or_none(numbers: NDArray[np.float64]) -> list[float | None]:
    """The numbers as they are reported: None in the place of NaN."""
    return [None if np.isnan(number) else float(number) for number in numbers]
