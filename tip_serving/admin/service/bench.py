"""Experiments as people start, watch, stop and read them. State comes from the lake alone, whoever works on it.

To start, cancel or retry writes a file into the lake; the graph's sensor takes it from there, also when it was down.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from tip_serving.admin.service.audit import AuditLog
from tip_serving.admin.service.errors import ConflictError, FaultsError, NotFoundError, UnavailableError
from tip_serving.admin.service.rows import CellRow, ExperimentRow, Page, Plain, cell_row, experiment_row, page_of
from tip_serving.admin.service.users import ADMINS, READERS, User, require
from tip_serving.bench import leaderboard, requests, spec
from tip_serving.bench.estimate import Estimate, estimate
from tip_serving.bench.identity import Cell
from tip_serving.bench.overview import Overview, Standing
from tip_serving.bench.page.content import JudgeBoard
from tip_serving.bench.spec import Fault, Spec, SpecConflictError, SpecError
from tip_serving.bench.state import CellPhase, ExperimentState
from tip_serving.bench.workshop import Workshop
from tip_serving.lake.storage import MissingError

MAX_LIMIT = 500
MAX_ESTIMATED_CALLS = 20_000
"""More are estimated from fewer scenarios of the same spec: to render every message would take minutes."""


class Started(Plain):
    """An experiment that was asked for; the same for the same request, whenever it comes."""

    experiment: str
    spec: Spec
    status: str
    """Where to look how far it is."""


class Start(NamedTuple):
    """What a request to start came to."""

    started: Started
    is_new: bool


class Asked(Plain):
    """A request that lies in the lake until whoever works on the experiment honours it."""

    experiment: str
    request_id: str
    by: str
    at: datetime
    cells: tuple[str, ...]
    """As `model|prompt`; none means all."""


class Whole(NamedTuple):
    """An experiment with all its cells, of one look."""

    row: ExperimentRow
    cells: tuple[CellRow, ...]
    basis: tuple[bool, str]
    """Another one when ranking or tips may have changed."""


class Foreseen(Plain):
    """What an experiment would take."""

    n_cells: int
    n_needed: int
    n_there: int
    n_calls: int
    cost_usd: float | None
    """An upper bound: every answer as long as allowed. Null where a price is unknown."""
    unpriced: tuple[str, ...]
    seconds: float
    skipped: tuple[spec.Skip, ...]
    is_rough: bool
    """Whether it was worked out on a part of the scenarios."""


class Bench:
    """The bench of one lake, for several users at once.

    Args:
        workshop: what it is worked on with.
        overview: knows the states of all its experiments.
        audit: takes down who did what.
    """

    def __init__(self, workshop: Workshop, overview: Overview, audit: AuditLog) -> None:
        self.workshop = workshop
        self.overview = overview
        self._audit = audit

    def experiments(
        self, user: User, text: str = "", phases: Collection[str] = (), offset: int = 0, limit: int = 100
    ) -> Page[ExperimentRow]:
        """The experiments, newest first.

        Args:
            user: an admin or a viewer.
            text: what the name, a model or a prompt holds.
            phases: of the experiment; none means all.
            offset: how many to pass over.
            limit: at most so many, up to MAX_LIMIT.
        """
        require(user, READERS, "see experiments")
        found = [standing for standing in self.overview.standings() if _matches(standing, text.strip().lower(), phases)]
        found.sort(key=lambda standing: standing.experiment)
        found.sort(key=_created, reverse=True)
        shown = found[offset : offset + min(limit, MAX_LIMIT)]
        rows = [experiment_row(standing, self.workshop.settings) for standing in shown]
        return page_of(rows, len(found), offset)

    def experiment(self, user: User, experiment: str) -> ExperimentRow:
        """One experiment. Raises NotFoundError."""
        require(user, READERS, "see experiments")
        return experiment_row(Standing(experiment, self.state(experiment), None), self.workshop.settings)

    def whole(self, user: User, experiment: str) -> Whole:
        """One experiment with every cell. Raises NotFoundError."""
        require(user, READERS, "see experiments")
        state, settings = self.state(experiment), self.workshop.settings
        row = experiment_row(Standing(experiment, state, None), settings)
        cells = tuple(cell_row(state, cell, settings) for cell in state.cells)
        return Whole(row, cells, (row.is_ranked, state.fingerprint))

    def cells(
        self, user: User, experiment: str, phases: Collection[str] = (), offset: int = 0, limit: int = MAX_LIMIT
    ) -> Page[CellRow]:
        """The cells of an experiment in the order of its spec. Raises NotFoundError."""
        require(user, READERS, "see cells")
        state = self.state(experiment)
        found = [cell for cell in state.cells if not phases or cell.phase in phases]
        shown = found[offset : offset + min(limit, MAX_LIMIT)]
        return page_of([cell_row(state, cell, self.workshop.settings) for cell in shown], len(found), offset)

    def leaderboard(self, user: User, experiment: str) -> tuple[JudgeBoard, ...]:
        """The boards as they were written last, people's first. Raises NotFoundError."""
        require(user, READERS, "see leaderboards")
        self.state(experiment)
        try:
            return leaderboard.read_boards(self.workshop.lake, experiment)
        except MissingError:
            raise NotFoundError(f"{experiment} has no leaderboard yet: nothing was ranked so far.") from None
        except ValidationError:
            raise UnavailableError(f"The leaderboard of {experiment} in the lake is damaged. Rank it again.") from None

    def estimate(self, user: User, raw: dict[str, Any]) -> Foreseen:
        """What this spec would take; writes nothing. Raises FaultsError, ConflictError."""
        require(user, ADMINS, "plan experiments")
        asked = self._parsed(raw)
        with _conflicts_told(asked.experiment):
            spec.refuse_conflict(self.workshop.lake, asked)
        n_per_scenario = len(asked.models) * len(asked.prompts) * asked.n_tips
        n_tried = max(1, min(asked.n_scenarios, MAX_ESTIMATED_CALLS // n_per_scenario))
        tried = asked.model_copy(update={"n_scenarios": n_tried})
        return _foreseen(estimate(self.workshop, tried), asked.n_scenarios / n_tried)

    def start(self, user: User, raw: dict[str, Any]) -> Start:
        """Write the spec, which is what starts an experiment; asked twice, the same again.

        Raises:
            FaultsError: the spec is refused; every fault at once.
            ConflictError: the experiment exists and asks for something else.
        """
        require(user, ADMINS, "start experiments")
        asked = self._parsed(raw)
        with _conflicts_told(asked.experiment):
            is_new = spec.create(self.workshop.lake, asked)
        if is_new:
            self._audit.note(user, "start", asked.experiment, {"spec": asked.model_dump(mode="json")})
            self.overview.forget_listing()
        started = Started(experiment=asked.experiment, spec=asked, status=f"/api/bench/runs/{asked.experiment}")
        return Start(started, is_new)

    def cancel(self, user: User, experiment: str) -> Asked:
        """Ask whoever works on it to stop; `retry` goes on. Raises NotFoundError, ConflictError."""
        require(user, ADMINS, "cancel experiments")
        state = self._own(experiment)
        standing = requests.cancellation(self.workshop.lake, experiment)
        if standing is None and state.is_collected:
            raise ConflictError(f"{experiment} has nothing to cancel: all its cells are done.")
        asked = standing or requests.cancel(self.workshop.lake, experiment, user.name)
        if standing is None:
            self._audit.note(user, "cancel", experiment, {})
            self.overview.forget_listing()
        return _asked(experiment, asked)

    def retry(self, user: User, experiment: str, cells: Sequence[str] = ()) -> Asked:
        """Ask for failed cells once more, all of them unless some are named, and take back a cancellation.

        Raises:
            NotFoundError: there is no such experiment.
            FaultsError: a named cell is not of the experiment, or did not fail.
            ConflictError: nothing failed and nothing was cancelled.
        """
        require(user, ADMINS, "retry experiments")
        state = self._own(experiment)
        failed = {cell.cell.key for cell in state.cells if cell.phase is CellPhase.FAILED}
        known = {cell.cell.key for cell in state.cells}
        faults = [
            Fault("cells", f"{key!r:.300} " + ("did not fail" if key in known else f"is no cell of {experiment}"))
            for key in cells
            if key not in failed
        ]
        if faults:
            raise FaultsError(f"The cells of {experiment} cannot be retried as asked.", faults)
        if not failed and not state.is_cancelled:
            raise ConflictError(f"{experiment} has nothing to retry: no cell failed and nothing was cancelled.")
        asked = requests.retry(self.workshop.lake, experiment, user.name, [Cell.parse(key) for key in cells])
        self._audit.note(user, "retry", experiment, {"cells": list(cells)})
        self.overview.forget_listing()
        return _asked(experiment, asked)

    def state(self, experiment: str) -> ExperimentState:
        """The state, for functions of the service. Raises NotFoundError."""
        try:
            return self.overview.state(experiment)
        except MissingError:
            raise NotFoundError(f"There is no experiment {experiment!r:.90}.") from None

    def _own(self, experiment: str) -> ExperimentState:
        state = self.state(experiment)
        if state.spec is None:
            why = "was measured elsewhere" if state.brought else "has a spec that is refused"
            raise ConflictError(f"{experiment} {why}; there is nothing to run.")
        return state

    def _parsed(self, raw: dict[str, Any]) -> Spec:
        try:
            return spec.parse(raw, self.workshop.lake, self.workshop.catalog)
        except SpecError as error:
            raise FaultsError("The spec is refused; nothing was written.", error.faults) from None


@contextmanager
def _conflicts_told(experiment: str) -> Iterator[None]:
    """Turns a conflict of the spec with the lake into the service's."""
    try:
        yield
    except SpecConflictError as error:
        raise ConflictError(f"{experiment} exists and is another one.", error.faults) from None


def _matches(standing: Standing, text: str, phases: Collection[str]) -> bool:
    phase = standing.state.phase if standing.state else "damaged"
    if phases and phase not in phases:
        return False
    if not text or text in standing.experiment:
        return True
    asked = standing.state.spec if standing.state else None
    return asked is not None and any(text in name.lower() for name in (*asked.models, *asked.prompts))


def _created(standing: Standing) -> float:
    created_at = standing.state.created_at if standing.state else None
    return created_at.timestamp() if created_at else 0.0


def _foreseen(found: Estimate, scale: float) -> Foreseen:
    return Foreseen(
        n_cells=found.n_cells,
        n_needed=round(found.n_needed * scale),
        n_there=round(found.n_there * scale),
        n_calls=round(found.n_needed * scale) - round(found.n_there * scale),
        cost_usd=None if found.cost_usd is None else found.cost_usd * scale,
        unpriced=found.unpriced,
        seconds=found.seconds * scale,
        skipped=found.skipped,
        is_rough=scale > 1,
    )


def _asked(experiment: str, request: requests.Request) -> Asked:
    return Asked(
        experiment=experiment, request_id=request.request_id, by=request.by, at=request.at, cells=request.cells
    )
