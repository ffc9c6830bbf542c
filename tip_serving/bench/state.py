"""How far an experiment is and what is next: a pure function of the lake, asked by everybody.

The command line, the sensor and every other caller ask here. Dagster and MLflow only mirror what happened.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tip_serving.bench import brought, leases, requests, results
from tip_serving.bench.brought import Brought
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging import automatic
from tip_serving.bench.leases import Holding
from tip_serving.bench.results import CellResult, CellStatus
from tip_serving.bench.spec import Skip, Spec, SpecError, load, skips
from tip_serving.generation.catalog import Catalog
from tip_serving.lake import layout
from tip_serving.lake.storage import Entry, Lake, MissingError


class CellPhase(StrEnum):
    """Where a cell stands in an experiment."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


DONE = frozenset({CellPhase.COMPLETE, CellPhase.FAILED, CellPhase.CANCELLED})
OPEN = frozenset({CellPhase.PENDING, CellPhase.CANCELLED})
"""Of what is recorded: cells that somebody may be filling all the same."""


class CellState(NamedTuple):
    """One cell: its phase, and its result or its worker where there is one."""

    cell: Cell
    phase: CellPhase
    result: CellResult | None
    holding: Holding | None


class Step(StrEnum):
    """What an experiment may lack, in the order in which it is done."""

    COLLECT = "collect"
    JUDGE = "judge"
    IMPORT = "import"


class ExperimentState(BaseModel):
    """An experiment as the lake tells it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    experiment: str
    spec: Spec | None
    brought: Brought | None = None
    """Instead of a spec: what an experiment holds that was measured elsewhere."""
    faults: tuple[str, ...]
    """Why the spec in the lake is refused, if it is; then all else is empty."""
    cells: tuple[CellState, ...]
    skipped: tuple[Skip, ...]
    is_cancelled: bool
    inbox: tuple[str, ...]
    """Score files that wait."""
    fingerprint: str
    """Of all that the leaderboard must rest on; changes whenever a cell ends anew or a score file is taken."""
    is_ranked: bool
    """Whether the leaderboard rests on these very results and scores."""
    created_at: AwareDatetime | None

    @property
    def pending(self) -> list[Cell]:
        """Cells that nobody has filled and nobody fills."""
        return [state.cell for state in self.cells if state.phase is CellPhase.PENDING]

    @property
    def failed(self) -> list[CellResult]:
        """Results of the failed cells."""
        return [state.result for state in self.cells if state.phase is CellPhase.FAILED and state.result]

    @property
    def is_collected(self) -> bool:
        """Whether no cell is pending or running."""
        return all(state.phase in DONE for state in self.cells)

    @property
    def step(self) -> Step | None:
        """What to do next; None where nothing is lacking (or where others are at it, or the spec is refused)."""
        if self.spec is None:
            return Step.IMPORT if self.brought and (self.inbox or not self.is_ranked) else None
        if self.pending:
            return Step.COLLECT
        if not self.is_collected or all(state.result is None for state in self.cells):
            return None
        if not self.is_ranked:
            return Step.JUDGE
        return Step.IMPORT if self.inbox else None

    @property
    def phase(self) -> str:
        """The experiment in one word, for tables."""
        if self.brought is not None:
            return "ranked" if self.is_ranked else "brought"
        if self.spec is None:
            return "refused"
        if self.is_cancelled and not self.is_ranked:
            return "cancelled"
        if not self.is_collected:
            return "running" if any(state.phase is CellPhase.RUNNING for state in self.cells) else "waiting"
        return "ranked" if self.is_ranked else "collected"


def experiments(lake: Lake) -> list[str]:
    """The names of all experiments that have a spec, by name."""
    found = [layout.decode(folder) for folder in lake.folders(layout.EXPERIMENTS)]
    return [name for name in found if lake.exists(layout.spec(name)) or lake.exists(layout.brought(name))]


def state(lake: Lake, experiment: str, catalog: Catalog, lease_ttl_s: float) -> ExperimentState:
    """Where `experiment` stands. Raises MissingError where there is none."""
    return observed(recorded(lake, experiment, catalog), lambda cell: leases.read(lake, cell), lease_ttl_s)


def observed(
    told: ExperimentState, read_lease: Callable[[Cell], Holding | None], lease_ttl_s: float
) -> ExperimentState:
    """What is `recorded`, with the cells running that somebody seems to fill; the same object where nobody does."""
    now = datetime.now(UTC)

    def seen(cell: CellState) -> CellState:
        holding = None if cell.phase not in OPEN else read_lease(cell.cell)
        if holding is None or not leases.seems_live(holding, lease_ttl_s, now):
            return cell
        return cell._replace(phase=CellPhase.RUNNING, holding=holding)

    cells = tuple(map(seen, told.cells))
    return told if cells == told.cells else told.model_copy(update={"cells": cells})


def recorded(lake: Lake, experiment: str, catalog: Catalog) -> ExperimentState:
    """What the folder of `experiment` tells, as if nobody were at work. Raises MissingError where there is none.

    Of what lies outside of the folder it rests on the catalog, the registered prompts and the imported scenario sets.
    """
    files = {entry.path: entry for entry in lake.find(layout.experiment(experiment))}
    if layout.brought(experiment) in files:
        return _brought_state(lake, experiment, files)
    if layout.spec(experiment) not in files:
        raise MissingError(
            f"There is no experiment {experiment!r} in {lake.url}. `tip bench list` shows what there is."
        )
    created_at = files[layout.spec(experiment)].modified
    try:
        spec = load(lake, experiment, catalog)
    except SpecError as error:
        return ExperimentState(
            experiment=experiment,
            spec=None,
            faults=tuple(f"{fault.field}: {fault.message}" for fault in error.faults),
            cells=(),
            skipped=(),
            is_cancelled=False,
            inbox=(),
            fingerprint="",
            is_ranked=False,
            created_at=created_at,
        )
    is_cancelled = layout.cancel_request(experiment) in files
    retry = requests.retry_request(lake, experiment) if layout.retry_request(experiment) in files else None
    skipped = skips(spec, catalog)
    cells = [
        _cell_state(lake, experiment, cell, files.keys(), retry, is_cancelled=is_cancelled)
        for cell in wanted_cells(spec, catalog)
    ]
    fingerprint = _fingerprint(experiment, cells, files)
    return ExperimentState(
        experiment=experiment,
        spec=spec,
        faults=(),
        cells=tuple(cells),
        skipped=tuple(skipped),
        is_cancelled=is_cancelled,
        inbox=_inbox(experiment, files),
        fingerprint=fingerprint,
        is_ranked=_is_ranked(lake, experiment, fingerprint, files),
        created_at=created_at,
    )


def _brought_state(lake: Lake, experiment: str, files: Mapping[str, Entry]) -> ExperimentState:
    """The state of results that were measured elsewhere: all there, ranked or not."""
    held = brought.load(lake, experiment)
    cells = [CellState(cell, CellPhase.COMPLETE, results.load(lake, experiment, cell), None) for cell in held.cells]
    fingerprint = _fingerprint(experiment, cells, files)
    return ExperimentState(
        experiment=experiment,
        spec=None,
        brought=held,
        faults=(),
        cells=tuple(cells),
        skipped=(),
        is_cancelled=False,
        inbox=_inbox(experiment, files),
        fingerprint=fingerprint,
        is_ranked=_is_ranked(lake, experiment, fingerprint, files),
        created_at=held.brought_at,
    )


def wanted_cells(spec: Spec, catalog: Catalog) -> list[Cell]:
    """The cells that `spec` compares: models by prompts, without the models that it skips."""
    left_out = {skip.model for skip in skips(spec, catalog)}
    return [Cell(model, prompt) for model in spec.models if model not in left_out for prompt in spec.prompts]


def mark_ranked(lake: Lake, experiment: str, fingerprint: str) -> None:
    """Note that the leaderboard now rests on the results of this fingerprint."""
    lake.write(layout.ranked_mark(experiment), fingerprint.encode())


def _is_ranked(lake: Lake, experiment: str, fingerprint: str, files: Collection[str]) -> bool:
    mark = layout.ranked_mark(experiment)
    return mark in files and lake.read(mark).decode() == fingerprint


def _inbox(experiment: str, files: Collection[str]) -> tuple[str, ...]:
    folder = layout.inbox(experiment) + "/"
    return tuple(path.removeprefix(folder) for path in files if path.startswith(folder) and path.endswith(".jsonl"))


def _fingerprint(experiment: str, cells: list[CellState], files: Collection[str]) -> str:
    """Names the results together with the judge that ranks them without being asked, and the score files taken.

    Without the files, a kill between taking one and ranking would leave a leaderboard that nobody knows to be stale.
    """
    parts = [f"{state.cell.key}={state.result.result_id}" for state in cells if state.result]
    taken = layout.imported_file(experiment, "")
    imported = [path for path in files if path.startswith(taken)]
    return hashlib.sha256(
        "\n".join([automatic.JUDGE, automatic.VERSION, *parts, *sorted(imported)]).encode()
    ).hexdigest()


def _cell_state(
    lake: Lake,
    experiment: str,
    cell: Cell,
    files: Collection[str],
    retry: requests.Request | None,
    *,
    is_cancelled: bool,
) -> CellState:
    result = None
    if layout.cell_result(experiment, *cell) in files:
        result = results.load(lake, experiment, cell)
        asked_again = retry is not None and retry.covers(cell) and result.retry_honoured != retry.request_id
        if result.status is CellStatus.COMPLETE or not asked_again:
            return CellState(cell, CellPhase(result.status.value), result, None)
    return CellState(cell, CellPhase.CANCELLED if is_cancelled else CellPhase.PENDING, result, None)
