"""What the service answers about experiments, as plain values: made from states, the same for routes and pages."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from tip_serving.bench.identity import Cell
from tip_serving.bench.overview import Standing
from tip_serving.bench.results import CallFailure
from tip_serving.bench.spec import Skip, Spec
from tip_serving.bench.state import DONE, CellPhase, CellState, ExperimentState
from tip_serving.settings import Settings

DAMAGED = "damaged"
PHASES = ("waiting", "running", "collected", "ranked", "cancelled", "brought", "refused", DAMAGED)
"""Of an experiment, as `ExperimentState.phase` has them, and one whose files cannot be read."""
_DAGSTER_TAG = "tip/experiment"
Item = TypeVar("Item")


class Plain(BaseModel):
    """A frozen answer; no field has a default, so none is forgotten."""

    model_config = ConfigDict(frozen=True)


class Page(Plain, Generic[Item]):
    """A stretch of a list."""

    items: list[Item]
    n_total: int
    """Of all that match, on this page or not."""
    offset: int
    next_offset: int | None
    """Where the next page begins; null on the last one."""


def page_of(items: list[Item], n_total: int, offset: int) -> Page[Item]:
    """The page that begins at `offset` of `n_total`."""
    end = offset + len(items)
    return Page(items=items, n_total=n_total, offset=offset, next_offset=end if items and end < n_total else None)


class Links(Plain):
    """Where a browser finds the same elsewhere."""

    dagster: str
    mlflow: str
    """A route here that looks the run up when it is followed."""


class CellRow(Plain):
    """One cell of an experiment."""

    model: str
    prompt: str
    phase: CellPhase
    n_done: int
    """Candidates that are there; live while somebody fills the cell."""
    n_needed: int
    n_failed: int
    """Of a done cell: candidates that are needed and not there."""
    cost_usd: float | None
    """Null where the price is unknown."""
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    prompt_tokens: int
    completion_tokens: int
    reason: str | None
    """Why a failed cell failed."""
    failures: tuple[CallFailure, ...]
    """The first calls that failed for good."""
    finished_at: datetime | None
    links: Links


class ExperimentRow(Plain):
    """One experiment, in numbers."""

    experiment: str
    phase: Annotated[
        str, Field(description="waiting, running, collected, ranked, cancelled, brought, refused, damaged")
    ]
    spec: Spec | None
    faults: tuple[str, ...]
    """Why the spec is refused, or what is damaged."""
    skipped: tuple[Skip, ...]
    n_cells: int
    n_cells_done: int
    n_cells_failed: int
    n_done: int
    n_needed: int
    cost_usd: float | None
    """Of the candidates of its done cells and of those being made; null where a price is unknown."""
    created_at: datetime | None
    finished_at: datetime | None
    """When the last cell was done; null until then."""
    is_cancelled: bool
    is_ranked: bool
    """Whether the leaderboard rests on all that is there."""
    n_waiting_files: int
    """Score files that nobody has taken yet."""
    links: Links


def experiment_row(standing: Standing, settings: Settings) -> ExperimentRow:
    """The row of an experiment, damaged ones too."""
    links = _links(settings, standing.experiment)
    if standing.state is None:
        return ExperimentRow(
            experiment=standing.experiment, phase=DAMAGED, spec=None, faults=(standing.damage or "",), skipped=(),
            n_cells=0, n_cells_done=0, n_cells_failed=0, n_done=0, n_needed=0, cost_usd=None, created_at=None,
            finished_at=None, is_cancelled=False, is_ranked=False, n_waiting_files=0, links=links,
        )  # fmt: skip
    state = standing.state
    finished = [cell.result.finished_at for cell in state.cells if cell.result]
    counts = [_counts(state, cell) for cell in state.cells]
    costs = [_cost_usd(cell) for cell in state.cells]
    return ExperimentRow(
        experiment=state.experiment,
        phase=state.phase,
        spec=state.spec,
        faults=state.faults,
        skipped=state.skipped,
        n_cells=len(state.cells),
        n_cells_done=sum(cell.phase in DONE for cell in state.cells),
        n_cells_failed=sum(cell.phase is CellPhase.FAILED for cell in state.cells),
        n_done=sum(n_done for n_done, _ in counts),
        n_needed=sum(n_needed for _, n_needed in counts),
        cost_usd=None if None in costs else round(sum(cost for cost in costs if cost is not None), 9),
        created_at=state.created_at,
        finished_at=max(finished) if finished and state.is_collected else None,
        is_cancelled=state.is_cancelled,
        is_ranked=state.is_ranked,
        n_waiting_files=len(state.inbox),
        links=links,
    )


def cell_row(state: ExperimentState, cell: CellState, settings: Settings) -> CellRow:
    """The row of one cell."""
    n_done, n_needed = _counts(state, cell)
    result = cell.result
    return CellRow(
        model=cell.cell.model,
        prompt=cell.cell.prompt,
        phase=cell.phase,
        n_done=n_done,
        n_needed=n_needed,
        n_failed=result.n_failed if result and cell.phase in DONE else 0,
        cost_usd=_cost_usd(cell),
        latency_p50_ms=result.latency_p50_ms if result else None,
        latency_p95_ms=result.latency_p95_ms if result else None,
        prompt_tokens=result.prompt_tokens if result else 0,
        completion_tokens=result.completion_tokens if result else 0,
        reason=result.reason if result else None,
        failures=result.failures if result else (),
        finished_at=result.finished_at if result else None,
        links=_links(settings, state.experiment, cell.cell),
    )


def _counts(state: ExperimentState, cell: CellState) -> tuple[int, int]:
    """Candidates there and needed; those of an untouched cell count as missing, although some may be there."""
    if cell.holding is not None and cell.holding.experiment == state.experiment and cell.holding.n_needed:
        return cell.holding.n_done, cell.holding.n_needed
    if cell.result is not None:
        return cell.result.n_done, cell.result.n_needed
    return 0, state.spec.n_scenarios * state.spec.n_tips if state.spec else 0


def _cost_usd(cell: CellState) -> float | None:
    if cell.holding is not None:
        return cell.holding.cost_usd
    return cell.result.cost_usd if cell.result is not None else 0.0


def _links(settings: Settings, experiment: str, cell: Cell | None = None) -> Links:
    dagster = settings.tip_dagster_ui.rstrip("/")
    runs_here = f"/api/bench/runs/{quote(experiment, safe='')}"
    if cell is None:
        tag = quote(f"tag:{_DAGSTER_TAG}={experiment}", safe="")
        return Links(dagster=f"{dagster}/runs?q%5B0%5D={tag}", mlflow=f"{runs_here}/mlflow")
    return Links(
        dagster=f"{dagster}/assets/candidates?view=partitions&partition={quote(cell.key, safe='')}",
        mlflow=f"{runs_here}/mlflow?cell={quote(cell.key, safe='')}",
    )
