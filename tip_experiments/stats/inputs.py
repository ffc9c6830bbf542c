"""What is wrong with arrays that were handed in: every fault is collected, with the first ten rows of each."""

import numpy as np
from numpy.typing import NDArray

_SHOWN = 10


def faulty_rows(fault: str, is_faulty: NDArray[np.bool_], values: NDArray[np.generic]) -> list[str]:
    """A sentence naming the first ten rows of a fault and what stands there; empty where no row is faulty."""
    rows = np.flatnonzero(is_faulty)
    if rows.size == 0:
        return []
    shown = ", ".join(f"{row}: {values[row]}" for row in rows[:_SHOWN])
    return [f"{rows.size} rows {fault} (row: value), the first: {shown}"]


def require_vectors(**arrays: NDArray[np.generic]) -> None:
    """Refuses arrays that are not vectors of one length.

    Raises:
        ValueError: names each array with its shape.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"Expected vectors of one length; found {listed}")


def require_no_faults(attempt: str, faults: list[str]) -> None:
    """Refuses what has faults.

    Raises:
        ValueError: `attempt` and every fault.
    """
    if faults:
        raise ValueError(f"{attempt}: {'; '.join(faults)}")


def level_faults(level: float, name: str = "level") -> list[str]:
    """What is wrong with `level`, which the caller knows as `name`, as the coverage of an interval."""
    return [] if 0.0 < level < 1.0 else [f"{name} must lie in (0, 1), found {level!r}"]
