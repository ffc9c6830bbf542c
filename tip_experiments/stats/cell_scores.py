"""What a leaderboard needs of a judge's scores: their sum and their count for each cell and scenario.

Everything that ranks and compares cells starts from these two tables, so a million scored candidates cost no more
than the cells and scenarios that they belong to. Grain: one entry per (cell, scenario).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats.inputs import faulty_rows, require_no_faults, require_vectors


@dataclass(frozen=True, eq=False)
class CellScores:
    """Sums and counts of one judge's scores, C cells by S scenarios; those of further rows are added with `+`.

    Raises:
        ValueError: the tables differ in shape or are no tables; a count is negative; a sum is not finite, or not 0
            where nothing is scored. Lists the first ten entries of each kind.
    """

    sums: NDArray[np.float64]
    """(C, S) float64, finite; 0 where nothing is scored."""
    counts: NDArray[np.int64]
    """(C, S) int64, >= 0: how many candidates are scored. Unscored ones are in neither table."""

    def __post_init__(self) -> None:
        if self.sums.shape != self.counts.shape or self.sums.ndim != 2:  # noqa: PLR2004  cells and scenarios
            raise ValueError(f"sums {self.sums.shape} and counts {self.counts.shape} must be tables of one shape")
        counts, sums = self.counts.ravel(), self.sums.ravel()
        faults = [
            *faulty_rows("have a negative count", counts < 0, counts),
            *faulty_rows("have a sum that is not finite", ~np.isfinite(sums), sums),
            *faulty_rows("have a sum other than 0 without a score", (counts == 0) & (sums != 0.0), sums),
        ]
        require_no_faults("The tables of scores cannot be used; row = cell * scenarios + scenario", faults)

    @classmethod
    def from_rows(
        cls,
        values: NDArray[np.float64],
        cells: NDArray[np.integer],
        scenarios: NDArray[np.integer],
        n_cells: int,
        n_scenarios: int,
    ) -> Self:
        """The tables of scores given one by one.

        Args:
            values: (n,) float64, finite; a candidate without a score has no row, never a 0.
            cells: (n,) integers in [0, n_cells).
            scenarios: (n,) integers in [0, n_scenarios).
            n_cells: number of cells, those without a score too.
            n_scenarios: number of scenarios, those without a score too.

        Raises:
            ValueError: the vectors differ in length, a value is not finite or a code out of range; lists the first
                ten rows of each kind.
        """
        require_vectors(values=values, cells=cells, scenarios=scenarios)
        faults = [
            *faulty_rows("have a value that is not finite", ~np.isfinite(values), values),
            *faulty_rows(f"have a cell outside [0, {n_cells})", (cells < 0) | (cells >= n_cells), cells),
            *faulty_rows(
                f"have a scenario outside [0, {n_scenarios})", (scenarios < 0) | (scenarios >= n_scenarios), scenarios
            ),
        ]
        require_no_faults("The scores cannot be summed", faults)
        entries = cells.astype(np.int64) * n_scenarios + scenarios
        size, shape = n_cells * n_scenarios, (n_cells, n_scenarios)
        sums = np.bincount(entries, weights=values, minlength=size).astype(np.float64)
        counts = np.bincount(entries, minlength=size).astype(np.int64)
        return cls(sums.reshape(shape), counts.reshape(shape))

    def __add__(self, other: "CellScores") -> "CellScores":
        """The scores of both, of the same cells and scenarios. Raises ValueError where the shapes differ."""
        if self.sums.shape != other.sums.shape:
            raise ValueError(f"Scores of {self.sums.shape} cells and scenarios cannot be added to {other.sums.shape}")
        return CellScores(self.sums + other.sums, self.counts + other.counts)

    @property
    def n_cells(self) -> int:
        """C."""
        return int(self.sums.shape[0])

    @cached_property
    def n_scored(self) -> NDArray[np.int64]:
        """(C,) int64, scored candidates of each cell."""
        return np.asarray(self.counts.sum(axis=1))

    @cached_property
    def n_scored_scenarios(self) -> NDArray[np.int64]:
        """(C,) int64, scenarios in which a cell has at least one score."""
        return np.asarray(np.count_nonzero(self.counts, axis=1).astype(np.int64))

    @cached_property
    def scenario_means(self) -> NDArray[np.float64]:
        """(C, S) float64, the mean over a cell's candidates for a scenario; NaN where nothing is scored."""
        return _ratio(self.sums, self.counts)

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """(C,) float64, the mean over a cell's candidates; NaN where nothing is scored."""
        return _ratio(self.sums.sum(axis=1), self.n_scored)

    @cached_property
    def influence(self) -> NDArray[np.float64]:
        """(C, S) float64, what each scenario adds to the error of each cell's mean; 0 where nothing is scored."""
        residuals = self.sums - np.nan_to_num(self.means)[:, np.newaxis] * self.counts
        return np.asarray(residuals / np.maximum(self.n_scored, 1)[:, np.newaxis])


def _ratio(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means
