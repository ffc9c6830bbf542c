"""Sums of one column over the log, and what they say when the column holds weights."""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray


@dataclass
class ColumnSums:
    """Sum, sum of squares and maximum of a column, such as the weights."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    largest: float = 0.0

    def add(self, column: NDArray[np.float64]) -> None:
        """Count (m,) more values."""
        self.n += column.size
        self.total += float(column.sum())
        self.squares += float(column @ column)
        self.largest = max(self.largest, float(column.max()))

    @property
    def mean(self) -> float:
        """Mean; 0 of nothing."""
        return self.total / self.n if self.n else 0.0

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; 0 of nothing, infinite of a single value."""
        if self.n < 2:  # noqa: PLR2004  one value does not vary
            return inf if self.n else 0.0
        return sqrt(max(self.squares / self.n - self.mean**2, 0.0) / (self.n - 1))

    @property
    def effective_sample_size(self) -> float:
        """How many equally weighted rows would tell as much: (sum)^2 / sum of squares (Kish, 1965)."""
        return self.total**2 / self.squares if self.squares else 0.0

    @property
    def share_of_largest_square(self) -> float:
        """The share of the sum of squares that one row brings."""
        return self.largest**2 / self.squares if self.squares else 1.0
