"""Pairwise verdicts as arrays: who was shown first, who won, in which scenario; and what they tell before any model.

That is: which cells they connect, how often they tie, and whether a judge holds to a verdict when the order is swapped.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tip_experiments.stats.inputs import faulty_rows, require_no_faults, require_vectors

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

TIE = 0.5


@dataclass(frozen=True, eq=False)
class Comparisons:
    """One judge's verdicts, one a row.

    Raises:
        ValueError: shapes differ or values lie outside what is said below; all faults, the first ten rows of each.
    """

    first: Codes
    """(n,) in [0, n_cells): the cell of the tip that was shown first."""
    second: Codes
    """(n,) in [0, n_cells): the other one, never the same."""
    outcome: Floats
    """(n,) 1 the first wins, 0.5 a tie, 0 the second wins."""
    scenarios: Codes
    """(n,) any codes; verdicts within a scenario may depend on one another."""
    n_cells: int
    weights: Floats | None = None
    """(n,) positive; a verdict of weight 2 counts like two in the same scenario."""
    texts: Codes | None = None
    """(n,) which two texts were compared; None where scenario and cells tell, each cell having one tip a scenario."""

    def __post_init__(self) -> None:
        columns = {"first": self.first, "second": self.second, "outcome": self.outcome, "scenarios": self.scenarios}
        given = {"weights": self.weights, "texts": self.texts}
        require_vectors(**columns, **{name: array for name, array in given.items() if array is not None})
        faults = []
        for name, cells in (("first", self.first), ("second", self.second)):
            faults += faulty_rows(f"of {name} are no cell in [0, {self.n_cells})", ~self._is_cell(cells), cells)
        faults += faulty_rows("compare a cell with itself", self.first == self.second, self.first)
        faults += faulty_rows("of outcome are none of 0, 0.5, 1", ~np.isin(self.outcome, (0.0, TIE, 1.0)), self.outcome)
        if self.weights is not None:
            is_weight = np.isfinite(self.weights) & (self.weights > 0.0)
            faults += faulty_rows("of weights are not positive", ~is_weight, self.weights)
        require_no_faults("Reading verdicts on pairs", faults)

    def _is_cell(self, cells: Codes) -> NDArray[np.bool_]:
        within: NDArray[np.bool_] = (cells >= 0) & (cells < self.n_cells)
        return within


class BothOrders(NamedTuple):
    """How verdicts hold when the same two tips are shown in the other order."""

    n_texts: int
    """Pairs of tips judged in both orders."""
    n_disagree: int
    """Of these, those whose winner (or tie) is not the same in both orders."""
    n_first_twice: int
    """Of those that disagree, where whichever was shown first won both times."""
    n_second_twice: int

    @property
    def share(self) -> float | None:
        """Share of pairs in which the orders disagree; None where no pair was judged in both."""
        return self.n_disagree / self.n_texts if self.n_texts else None


def both_orders(comparisons: Comparisons) -> BothOrders:
    """Counts over pairs of tips that were judged in both orders.

    Where a pair was judged several times in one order, that order's verdict is the side that won more often.
    """
    first, second, n = comparisons.first, comparisons.second, comparisons.n_cells
    is_swapped = first > second
    lower, upper = np.minimum(first, second), np.maximum(first, second)
    texts = comparisons.scenarios if comparisons.texts is None else comparisons.texts
    _, texts = np.unique(texts, return_inverse=True)
    _, texts = np.unique((texts * n + lower) * n + upper, return_inverse=True)
    size = int(texts.max(initial=-1)) + 1
    lead = np.where(is_swapped, 1.0 - comparisons.outcome, comparisons.outcome) - TIE
    straight = np.sign(np.bincount(texts[~is_swapped], lead[~is_swapped], size))
    swapped = np.sign(np.bincount(texts[is_swapped], lead[is_swapped], size))
    counts = np.bincount(texts * 2 + is_swapped, minlength=2 * size).reshape(size, 2)
    straight, swapped = straight[counts.all(axis=1)], swapped[counts.all(axis=1)]
    return BothOrders(
        n_texts=straight.size,
        n_disagree=int((straight != swapped).sum()),
        n_first_twice=int(((straight > 0) & (swapped < 0)).sum()),
        n_second_twice=int(((straight < 0) & (swapped > 0)).sum()),
    )


def connected_cells(comparisons: Comparisons, reference: int | None) -> NDArray[np.bool_]:
    """(n_cells,) which cells a chain of verdicts connects with the reference, or else the group with most verdicts."""
    n = comparisons.n_cells
    edges = coo_array((np.ones(comparisons.first.size), (comparisons.first, comparisons.second)), shape=(n, n))
    _, groups = connected_components(edges, directed=False)
    if reference is not None:
        chosen = groups[reference]
    else:
        chosen = np.bincount(groups[comparisons.first], minlength=1).argmax()
    is_compared = np.bincount(comparisons.first, minlength=n) + np.bincount(comparisons.second, minlength=n) > 0
    connected: NDArray[np.bool_] = (groups == chosen) & is_compared
    return connected
