"""What is said of a log that cannot be read.

    LogError               shapes, rewards, actions, positions, embeddings or a reward model that do not fit
        PropensityError    among the faults is a probability: as logged, of the target, of the logging policy

One error holds every fault found, of whatever kind, each with its first ten rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHOWN = 10


@dataclass(frozen=True)
class Fault:
    """One way in which one column is wrong."""

    column: str
    complaint: str
    n_rows: int = 0
    """How many rows share it; 0 where it concerns the column as a whole."""
    rows: tuple[int, ...] = ()
    """The first of them."""
    found: tuple[str, ...] = ()
    """What stands in those rows."""

    def __str__(self) -> str:
        if not self.n_rows:
            return f"{self.column} {self.complaint}"
        shown = ", ".join(f"{row}: {value}" for row, value in zip(self.rows, self.found, strict=True))
        return f"{self.column} {self.complaint} in {self.n_rows} rows (row: value), the first: {shown}"


class LogError(ValueError):
    """The log cannot be evaluated; `faults` holds all that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("The log cannot be evaluated:\n" + "\n".join(f"- {fault}" for fault in self.faults))


class PropensityError(LogError):
    """A probability is among the faults."""


_PROBABILITIES = {"propensities", "target", "probabilities", "p_e"}


def error_of(faults: Sequence[Fault]) -> LogError:
    """The error that fits `faults`."""
    is_propensity = any(fault.column in _PROBABILITIES for fault in faults)
    return PropensityError(faults) if is_propensity else LogError(faults)


def rows_fault(
    column: str, complaint: str, wrong: NDArray[np.bool_], found: Callable[[int], object]
) -> tuple[Fault, ...]:
    """The fault of the rows where `wrong` (n,) holds, in a tuple; an empty one where none is."""
    rows = np.flatnonzero(wrong)
    if not rows.size:
        return ()
    first = tuple(int(row) for row in rows[:SHOWN])
    return (Fault(column, complaint, rows.size, first, tuple(str(found(row)) for row in first)),)
