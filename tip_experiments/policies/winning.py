"""Which of several independent variables is the largest, and with which probability."""

import numpy as np
from numpy.typing import NDArray

_TINY = 1e-300


def shares_of_maximum(below: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) the probability of each of K independent variables to be the largest, from their distribution functions.

    In each cell between two points, the chance that the maximum lies there goes to the variables in proportion to the
    relative growth of their distribution functions. Nothing is negative or lost, however coarse the points.

    Args:
        below: (g, K) float64 in [0, 1], each column growing: the distribution functions at g points.
    """
    upper, lower = below[1:], below[:-1]
    growth = upper - lower
    growth /= upper + lower + _TINY
    joint = np.multiply.reduce(below, axis=1)
    weight = (joint[1:] - joint[:-1]) / (np.add.reduce(growth, axis=1) + _TINY)
    growth *= weight[:, None]
    shares: NDArray[np.float64] = np.add.reduce(growth, axis=0)
    return shares
