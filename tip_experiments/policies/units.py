"""How sums are kept: as integers in units of 2^-30, and, where the world drifts, fading with every observation."""

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.errors import FeedbackError, PolicyError

UNITS = float(1 << 30)
_LARGEST_SUM = 1 << 62  # integers of 64 bits, and a batch of 2^10 largest contributions still fits above


def check_sums(sums: NDArray[np.int64]) -> None:
    """Refuse sums that come close to the end of their integers.

    Raises:
        FeedbackError: one is beyond 2^32 in its own unit.
    """
    if np.abs(sums).max() > _LARGEST_SUM:
        raise FeedbackError(
            "Feedback cannot be learnt from: the sums of an arm would grow beyond 2^32. "
            "Scale features and rewards to about one, or let old feedback fade (half_life)."
        )


def keep_of(half_life: float | None) -> float:
    """What remains of a weight after one observation if half remains after `half_life`; 1 for None.

    Raises:
        PolicyError: the half-life is not above 1.
    """
    if half_life is None:
        return 1.0
    if not half_life > 1:
        raise PolicyError(f"A half-life of {half_life} observations is impossible; expected more than 1, or None.")
    return float(0.5 ** (1 / half_life))


def powers(keep: float, n: int) -> NDArray[np.float64]:
    """(n + 1,) the powers 0 to n of `keep`, one product after another, so that they are the same on every machine."""
    products: NDArray[np.float64] = np.multiply.accumulate(np.concatenate([[1.0], np.full(n, keep)]))
    return products
