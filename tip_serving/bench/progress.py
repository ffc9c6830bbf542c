"""How far a collection is: written by the worker's thread, read by whoever shows it."""

import time
from dataclasses import dataclass, field

from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Holding


@dataclass
class Progress:
    """Counts of one collection; plain attributes, each written by one thread only."""

    n_cells: int = 0
    n_cells_done: int = 0
    n_cells_failed: int = 0
    n_needed: int = 0
    """Candidates over all cells, those in other workers' hands too."""
    n_there: int = 0
    """Of these, how many lay in the lake before."""
    n_called: int = 0
    """Calls answered with a candidate."""
    n_failed: int = 0
    in_flight: int = 0
    cost_usd: float = 0.0
    """Paid by this experiment so far, earlier runs included."""
    first_call_at: float | None = None
    """time.monotonic() of the first call."""
    last_call_at: float | None = None
    others: dict[Cell, Holding] = field(default_factory=dict)
    """Cells that other workers fill, with their last word."""
    stopping: str | None = None
    """Why no new call is made, once that is so."""

    @property
    def n_over(self) -> int:
        """Candidates that nobody waits for any more: there, made, failed, or made by others."""
        others = sum(holding.n_done for holding in list(self.others.values()))
        return self.n_there + self.n_called + self.n_failed + others

    @property
    def calls_per_s(self) -> float:
        """Calls answered per second since the first one."""
        if self.first_call_at is None or self.n_called == 0:
            return 0.0
        return self.n_called / max((self.last_call_at or time.monotonic()) - self.first_call_at, 1e-3)
