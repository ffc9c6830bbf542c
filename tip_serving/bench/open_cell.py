"""A cell while it is being filled: what it still needs, where its candidates go, how it ends."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from tip_serving.bench import requests, results
from tip_serving.bench.identity import Cell, Need, needs
from tip_serving.bench.leases import Lease
from tip_serving.bench.results import CallFailure, CellResult
from tip_serving.bench.spec import Spec
from tip_serving.bench.store import CandidateStore, Segment, candidate_row
from tip_serving.generation.model import Completion, GenerationError
from tip_serving.prompts import registry
from tip_serving.scenarios.model import Scenario


@dataclass(eq=False)
class OpenCell:
    """One leased cell and its open segment."""

    cell: Cell
    lease: Lease
    prompt_hash: str
    needed: list[Need]
    pending: deque[Need]
    segment: Segment
    paid_usd: float
    """By this experiment for this cell, earlier runs included."""
    n_there: int
    retry_honoured: str | None
    """The request for failed cells that stood when the cell was opened: this attempt answers it."""
    n_called: int = 0
    in_flight: int = 0
    failures: list[CallFailure] = field(default_factory=list)
    reason: str | None = None

    @classmethod
    def open(cls, spec: Spec, lease: Lease, store: CandidateStore, scenarios: Sequence[Scenario]) -> "OpenCell":
        """The cell behind `lease` with what is still missing; ships what a dead worker left in the spool first."""
        cell = lease.cell
        prompt = registry.get(cell.prompt)
        retry = requests.retry_request(store.lake, spec.experiment)
        store.recover(cell)
        stored = store.load(cell)
        there = set(stored["candidate_id"])
        needed = needs(spec, cell, prompt, scenarios)
        pending = deque(need for need in needed if need.candidate_id not in there)
        return cls(
            cell=cell,
            lease=lease,
            prompt_hash=prompt.content_hash,
            needed=needed,
            pending=pending,
            segment=store.open_segment(cell),
            paid_usd=paid_by(stored, spec.experiment),
            n_there=len(needed) - len(pending),
            retry_honoured=retry.request_id if retry else None,
        )

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to ask and nothing is under way."""
        return not self.pending and self.in_flight == 0

    def keep(self, experiment: str, need: Need, completion: Completion) -> None:
        """Write the candidate down; only then it counts."""
        self.segment.append(candidate_row(self.cell, self.prompt_hash, need, completion, experiment))
        self.n_called += 1
        self.paid_usd += completion.cost_usd or 0.0

    def note_failure(self, need: Need, error: GenerationError) -> None:
        """Remember a call that failed for good."""
        self.failures.append(
            CallFailure(
                scenario_id=need.scenario_id,
                sample_index=need.sample_index,
                kind=error.kind.value,
                message=str(error)[:500],
            )
        )

    def give_up(self, reason: str) -> None:
        """Ask for nothing more."""
        if not self.is_idle:
            self.reason = self.reason or reason
        self.pending.clear()

    def beat(self) -> None:
        """Show that the work goes on. Raises LostLeaseError."""
        n_done = self.n_there + self.n_called
        self.lease.beat(n_done=n_done, n_needed=len(self.needed), cost_usd=self.paid_usd)

    def close(self, store: CandidateStore) -> None:
        """Keep what there is, for whoever goes on. Raises LostLeaseError."""
        self.segment.close()
        # Compacting deletes what it has read: another worker's open segment too, had the cell changed hands unnoticed.
        self.beat()
        store.compact(self.cell)

    def finish(self, spec: Spec, store: CandidateStore) -> CellResult:
        """Compact, write the result, give the lease free. Raises LostLeaseError before anything is touched."""
        self.close(store)
        result = results.finish(
            store,
            spec.experiment,
            self.cell,
            self.prompt_hash,
            self.needed,
            self.failures,
            self.n_called,
            self.reason,
            self.retry_honoured,
        )
        self.lease.release()
        return result


def paid_by(stored: pl.DataFrame, experiment: str) -> float:
    """US dollars that `experiment` paid for these candidates; unknown prices count as nothing."""
    return float(stored.filter(pl.col("paid_by") == experiment)["cost_usd"].sum())
