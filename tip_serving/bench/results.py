"""What one cell came to in one experiment: written once when the cell is done, read by everybody.

`cells/<cell>.json` holds a CellResult; `cells/<cell>.parquet` beside it the view, one row per candidate that the
experiment needs of the cell and the lake has.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tip_serving.bench.identity import Cell, Need
from tip_serving.bench.store import CandidateStore
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import read_table, write_table

MAX_FAILURES_KEPT = 20
VIEW_SCHEMA = {"candidate_id": pl.String, "scenario_id": pl.String, "sample_index": pl.Int32}


class CellStatus(StrEnum):
    """How a done cell ended."""

    COMPLETE = "complete"
    FAILED = "failed"


class CallFailure(BaseModel):
    """One call that failed for good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario_id: str
    sample_index: int
    kind: str
    message: str


class CellResult(BaseModel):
    """A done cell in numbers. Costs are those of the candidates in it, whoever paid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    prompt: str
    prompt_hash: str
    status: CellStatus
    n_needed: int
    n_done: int
    n_called: int
    """Calls made for this experiment by the run that finished the cell; the others were there already."""
    reason: str | None = None
    """Why a failed cell failed, in one sentence."""
    failures: tuple[CallFailure, ...] = ()
    cost_usd: float | None = None
    """Null where the price is unknown."""
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    retry_honoured: str | None = None
    """Id of the retry request that this result has answered, if any."""
    result_id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    finished_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def cell(self) -> Cell:
        """Which cell."""
        return Cell(self.model, self.prompt)

    @property
    def n_failed(self) -> int:
        """Candidates that are needed and not there."""
        return self.n_needed - self.n_done


def finish(
    store: CandidateStore,
    experiment: str,
    cell: Cell,
    prompt_hash: str,
    needs: Sequence[Need],
    failures: Sequence[CallFailure],
    n_called: int,
    reason: str | None,
    retry_honoured: str | None,
) -> CellResult:
    """Write the cell's view and result into the lake; the result last, since it is what makes the cell done."""
    frame = store.load(cell)
    wanted = pl.DataFrame(
        [(need.candidate_id, need.scenario_id, need.sample_index) for need in needs], schema=VIEW_SCHEMA, orient="row"
    )
    view = wanted.join(frame.select("candidate_id"), on="candidate_id", how="semi", maintain_order="left")
    rows = frame.join(view.select("candidate_id"), on="candidate_id", how="semi")
    is_complete = view.height == len(needs)
    result = CellResult(
        model=cell.model,
        prompt=cell.prompt,
        prompt_hash=prompt_hash,
        status=CellStatus.COMPLETE if is_complete else CellStatus.FAILED,
        n_needed=len(needs),
        n_done=view.height,
        n_called=n_called,
        reason=None if is_complete else reason or _summary(failures),
        failures=tuple(failures[:MAX_FAILURES_KEPT]),
        cost_usd=_known_sum(rows["cost_usd"]),
        latency_p50_ms=_quantile(rows["latency_ms"], 0.5),
        latency_p95_ms=_quantile(rows["latency_ms"], 0.95),
        prompt_tokens=int(rows["prompt_tokens"].sum()),
        completion_tokens=int(rows["completion_tokens"].sum()),
        retry_honoured=retry_honoured,
    )
    write_table(store.lake, layout.cell_view(experiment, *cell), view)
    save(store.lake, experiment, result)
    return result


def save(lake: Lake, experiment: str, result: CellResult) -> None:
    """Write the result of a done cell, which is what makes it done."""
    lake.write(layout.cell_result(experiment, *result.cell), result.model_dump_json(indent=2).encode())


def candidates(store: CandidateStore, experiment: str, cell: Cell) -> pl.DataFrame:
    """The experiment's candidates of a done cell: CANDIDATE_SCHEMA, with the scenario and sample of this experiment."""
    view = read_table(store.lake, layout.cell_view(experiment, *cell))
    stored = store.load(cell).drop("scenario_id", "sample_index")
    return view.join(stored, on="candidate_id", how="inner", maintain_order="left")


def load(lake: Lake, experiment: str, cell: Cell) -> CellResult:
    """The result of a done cell. Raises MissingError."""
    return CellResult.model_validate_json(lake.read(layout.cell_result(experiment, *cell)))


def _known_sum(costs: pl.Series) -> float | None:
    return None if costs.null_count() else round(float(costs.sum()), 9)


def _quantile(values: pl.Series, share: float) -> float | None:
    found = values.quantile(share, "linear")
    return None if found is None else round(float(found), 3)


def _summary(failures: Sequence[CallFailure]) -> str:
    kinds = Counter(failure.kind for failure in failures)
    counted = ", ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
    return f"{len(failures)} calls failed ({counted}); first: {failures[0].message}" if failures else "not asked"
