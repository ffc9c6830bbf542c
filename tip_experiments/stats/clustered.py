"""Means whose observations come in clusters: tips for one scenario are alike, so they are not independent draws."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ClusteredMean(NamedTuple):
    """A mean with the standard error that respects clusters."""

    mean: float
    standard_error: float | None
    """None with fewer than two clusters: nothing then tells how much scenarios differ."""
    n: int
    n_clusters: int


def clustered_mean(values: NDArray[np.float64], clusters: NDArray[np.generic]) -> ClusteredMean | None:
    """The mean of `values` and its cluster-robust standard error; None without values.

    Args:
        values: (n,) float64, finite; unscored observations are left out by the caller, never entered as 0.
        clusters: (n,) any dtype, which cluster each value belongs to.

    Raises:
        ValueError: the shapes differ, or a value is not finite.

    Source:
        Liang & Zeger (1986), with the factor G / (G - 1) for G clusters; the same number as the intercept's
        standard error in a regression on a constant with clustered covariance (CR1).
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
    n_clusters = names.size
    if n_clusters == 1:
        return ClusteredMean(mean, None, values.size, 1)
    sums = np.bincount(index, weights=values - mean, minlength=n_clusters)
    variance = n_clusters / (n_clusters - 1) * float(sums @ sums) / values.size**2
    return ClusteredMean(mean, variance**0.5, values.size, n_clusters)
