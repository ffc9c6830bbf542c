"""Adjusted p-values of a family of tests: `holm` bounds any false finding, `benjamini_hochberg` their share.

The one place for both; which family a test belongs to is the caller's decision.
"""

import numpy as np
from numpy.typing import NDArray

_SHOWN = 10


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p-values: rejecting those <= a keeps the chance of any false rejection <= a.

    Holds under any dependence among the tests.

    Args:
        p_values: (n,) float64 in [0, 1]; NaN where a test could not be made. Such a one stays NaN and does not count
            as a member of the family.

    Returns:
        (n,) float64 in [0, 1], in the order of `p_values`, never below them.

    Raises:
        ValueError: not a vector, or a value outside [0, 1]; lists the first ten.

    Source:
        Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    tested, order = _tested_in_order(p_values)
    n = order.size
    adjusted = np.full(p_values.shape, np.nan)
    stepped = np.maximum.accumulate(p_values[tested][order] * (n - np.arange(n)))
    adjusted[np.flatnonzero(tested)[order]] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini and Hochberg's adjusted p-values: rejecting those <= q keeps the expected share of false ones <= q.

    Holds for tests that are independent or positively dependent.

    Args:
        p_values: (n,) float64 in [0, 1]; NaN where a test could not be made. Such a one stays NaN and does not count
            as a member of the family.

    Returns:
        (n,) float64 in [0, 1], in the order of `p_values`, never below them.

    Raises:
        ValueError: not a vector, or a value outside [0, 1]; lists the first ten.

    Source:
        Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    tested, order = _tested_in_order(p_values)
    n = order.size
    adjusted = np.full(p_values.shape, np.nan)
    scaled = p_values[tested][order] * n / np.arange(1, n + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted[np.flatnonzero(tested)[order]] = np.minimum(stepped, 1.0)
    return adjusted


def _tested_in_order(p_values: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which tests were made, (n,) bool, and the order of those from the smallest p-value up."""
    if p_values.ndim != 1:
        raise ValueError(f"p_values must be a vector; found the shape {p_values.shape}")
    outside = np.flatnonzero((p_values < 0.0) | (p_values > 1.0))
    if outside.size:
        rows = ", ".join(f"{row}: {p_values[row]:g}" for row in outside[:_SHOWN])
        raise ValueError(f"p_values must lie in [0, 1]; {outside.size} do not (row: value), the first: {rows}")
    tested = ~np.isnan(p_values)
    return tested, np.argsort(p_values[tested], kind="stable").astype(np.int64)
