"""One decision: its record, the grid that probabilities lie on, and the draw.

Probabilities are whole multiples of 2^-40. So they sum to exactly 1, and a 40-bit draw hits each arm with exactly the
probability that is logged. Where another machine rounds an exponential differently, a probability moves by a step of
the grid at most, once in thousands of decisions, and the drawn arm would change once in 10^15.
"""

import math
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

GRID = 1 << 40
_HAIR = 2.0**-10  # of a grid step: what lies on the grid but for rounding stays on it


class Decision(NamedTuple):
    """What was decided and with which probabilities: all that off-policy evaluation and a replay need."""

    decision_id: str
    action: int
    """Position of the arm in `arms`."""
    arm: str
    propensity: float
    """In (0, 1], the probability of the arm."""
    probabilities: tuple[float, ...]
    """(K,) in [floor, 1], they sum to 1."""
    arms: tuple[str, ...]
    floor: float
    """No arm had less than this probability."""
    policy_version: str


def least_weight(floor: float) -> int:
    """The smallest number of grid steps that is at least `floor`."""
    return math.ceil(floor * GRID)


def on_grid(preferences: Sequence[float], least: int) -> list[int]:
    """Preferences mixed with the floor, `floor + (1 - K floor) p`, in steps of the grid; they sum to `GRID`.

    Args:
        preferences: (K,) finite, >= 0, with a positive sum, which need not be 1.
        least: >= 0, grid steps that every arm gets; K of them fit into the grid.
    """
    room = GRID - len(preferences) * least
    scale = room / math.fsum(preferences)
    weights = [least + int(preference * scale + _HAIR) for preference in preferences]
    largest = weights.index(max(weights))
    weights[largest] += GRID - sum(weights)  # a few steps that truncation left over
    return weights


def ticket(policy_version: str, decision_id: str) -> int:
    """A number in [0, 2^40) that policy version and decision id determine, uniform over decision ids."""
    return int.from_bytes(blake2b(f"{policy_version}/{decision_id}".encode(), digest_size=5).digest(), "big")


def drawn(weights: Iterable[int], number: int) -> int:
    """The position on which `number`, in [0, GRID), falls when the weights lie end to end."""
    for position, weight in enumerate(weights):
        number -= weight
        if number < 0:
            return position
    raise ValueError("the weights do not fill the grid")
