"""What policies refuse.

PolicyError
|-- FeedbackError
|-- ContextError
`-- StateError
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_ROWS_LISTED = 10


class PolicyError(ValueError):
    """A policy that cannot be: its arms, its floor or one of its parameters."""


class FeedbackError(PolicyError):
    """Feedback that does not fit the policy; lists the first rows of every fault."""


class ContextError(PolicyError):
    """A context that the policy cannot decide on."""


class StateError(PolicyError):
    """A state that cannot be read back."""


def numbers(what: str, values: ArrayLike | None, refusal: type[PolicyError]) -> NDArray[np.float64]:
    """Values as an array of float64; of None, one NaN.

    Raises:
        PolicyError: as `refusal`; `what` the values are is no array of numbers.
    """
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise refusal(f"{what} must be an array of numbers; found {values!r:.120} ({error}).") from error


def rows(indices: Sequence[int]) -> str:
    """`rows 3, 5, 8` or, of more than are listed, the first ones and how many there are."""
    listed = ", ".join(str(index) for index in indices[:N_ROWS_LISTED])
    return f"rows {listed}" + (f" and {len(indices) - N_ROWS_LISTED} more" if len(indices) > N_ROWS_LISTED else "")
