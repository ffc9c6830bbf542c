"""The default rule: points for a tip while no reward model is released.

It prefers what is known to help: a tip that names the task that matters most, says when or how long, and is short. It
is a place to start logging from, not a claim; the first trained model is measured against it.
"""

import numpy as np
from numpy.typing import NDArray

from tip_serving.features import vector

_NAMES = ("tip_pressing_overlap", "tip_names_task", "tip_minutes", "tip_time_words", "tip_words")
_COLUMNS = [vector.names().index(name) for name in _NAMES]
_PRESSING, _NAMES_TASK, _TIMED, _SHORT = 0.35, 0.25, 0.2, 0.2  # the points; they sum to 1
_FEWEST, _MOST, _FAR_TOO_MANY = 5, 25, 50  # words of a tip that is read at a glance, and where none is left


def rule_scores(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) float64 in [0, 1], the points of each tip.

    Args:
        vectors: (n, F) float64, of `features.vector`.
    """
    pressing, names_task, minutes, time_words, words = vectors[:, _COLUMNS].T
    has_no_task = np.isnan(pressing)
    points: NDArray[np.float64] = (
        _PRESSING * np.where(has_no_task, 0.5, pressing)
        + _NAMES_TASK * np.where(has_no_task, 0.5, names_task)
        + _TIMED * (~np.isnan(minutes) | (time_words > 0))
        + _SHORT * np.clip(np.minimum(words / _FEWEST, (_FAR_TOO_MANY - words) / (_FAR_TOO_MANY - _MOST)), 0, 1)
    )
    return points
