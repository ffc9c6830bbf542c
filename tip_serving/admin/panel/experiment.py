"""One experiment: how far it is, what failed, what it came to, and the tips themselves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi.responses import RedirectResponse, Response
from nicegui import ui

from tip_serving.admin.panel import boards, shown, situations
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service import mlflow
from tip_serving.admin.service.bench import Whole
from tip_serving.admin.service.errors import NotFoundError, UnavailableError
from tip_serving.admin.service.users import ADMINS, User
from tip_serving.bench.page.content import JudgeBoard

Answer = TypeVar("Answer")
LOOKS_EVERY_S = 1.0
BOARDS_LAST_S = 600.0
"""What a ranking rests on names it, so it does not age."""
MAX_SCENARIOS = 500
ROWS_AT_FIRST = 40
"""Of a ranking; hundreds of drawn intervals take a browser a second to lay out."""


class ExperimentView(View, component="views/experiment.js"):
    """Draws facts, cells and failures."""


class ResultsView(View, component="views/results.js"):
    """Draws rankings and tips."""


@dataclass
class _Chosen:
    """What one visitor has chosen to see."""

    basis: tuple[bool, str] | None = None
    judge: str | None = None
    """Key of a board; None leaves the choice to `boards.first_told`."""
    has_all_rows: bool = False
    cell: str | None = None
    scenario: str | None = None
    cells: list[str] = field(default_factory=list)
    """Whose tips are laid side by side; none means all."""


async def watched(desk: Desk, visitor: Visitor, user: User) -> None:
    """The experiment that the address names. Raises NotFoundError."""
    page = _Watched(desk, visitor, visitor.path["experiment"])
    await page.build(user)


@dataclass
class _Watched:
    """The page of one experiment in one browser."""

    desk: Desk
    visitor: Visitor
    name: str
    chosen: _Chosen = field(default_factory=_Chosen)
    view: ExperimentView = field(default_factory=ExperimentView)
    results: ResultsView = field(default_factory=ResultsView)

    async def build(self, user: User) -> None:
        """Show all but the tips: those of a large experiment take a moment, for which the page does not wait."""
        whole, page = await self._see(user)
        ui.page_title(f"{self.name} \u00b7 Tip bench")
        self.view.show(page=page, may_act=user.role in ADMINS)
        self.results.show(api=f"/api/bench/leaderboard/{self.name}")
        self.chosen.basis = whole.basis
        try:
            await self._rank(user, None)
        except UnavailableError as damage:
            self.visitor.say(damage.detail)
        self.visitor.soon(lambda now: self._read(now, None))
        handlers = {"pick": self._pick, "read": self._read, "cancel": self._cancel, "retry": self._retry}
        for event, handle in handlers.items():
            self.visitor.on(self.view, event, handle)
        self.visitor.on(self.results, "choose", self._read)
        self.visitor.on(self.results, "judge", self._rank)
        self.visitor.on(self.results, "all", self._show_all)
        self.visitor.every(LOOKS_EVERY_S, self._look)

    async def _see(self, user: User) -> tuple[Whole, dict[str, Any]]:
        def find() -> tuple[Whole, dict[str, Any]]:
            whole = self.desk.admin.bench.whole(user, self.name)
            return whole, shown.experiment(whole)

        return await self.desk.live.ask(("experiment", user.role, self.name), find, LOOKS_EVERY_S)

    async def _look(self, user: User) -> None:
        whole, page = await self._see(user)
        self.view.show(page=page, may_act=user.role in ADMINS, cell=shown.cell(whole, self.chosen.cell))
        if whole.basis != self.chosen.basis:
            self.chosen.basis = whole.basis
            await self._rank(user, None)
            await self._read(user, None)

    async def _rank(self, user: User, key: Any) -> None:
        if isinstance(key, str):
            self.chosen.judge = key
        told = await self._boards(user)
        drawn = await self._shared(user, "drawn", lambda: boards.drawn(told))
        board = next((one for one in told if boards.key(one) == self.chosen.judge), boards.first_told(told))
        n_shown = None if self.chosen.has_all_rows else ROWS_AT_FIRST
        shortened = [one | {"rows": one["rows"][:n_shown], "n_rows": len(one["rows"])} for one in drawn]
        self.results.show(boards=shortened, judge=boards.key(board) if board else None)
        self.view.show(marks=boards.marks(board) if board else None)

    async def _show_all(self, user: User, _: Any) -> None:
        self.chosen.has_all_rows = True
        await self._rank(user, None)

    async def _boards(self, user: User) -> tuple[JudgeBoard, ...]:
        def find() -> tuple[JudgeBoard, ...]:
            try:
                return self.desk.admin.bench.leaderboard(user, self.name)
            except NotFoundError:
                return ()

        return await self._shared(user, "boards", find)

    async def _shared(self, user: User, what: str, find: Callable[[], Answer]) -> Answer:
        """What rests on the ranking, found once for all who look."""
        return await self.desk.live.ask((what, user.role, self.name, self.chosen.basis), find, BOARDS_LAST_S)

    async def _read(self, user: User, asked: Any) -> None:
        chosen = self.chosen
        if isinstance(asked, dict):
            chosen.scenario = str(asked.get("scenario") or chosen.scenario)
            chosen.cells = [str(key) for key in asked.get("cells", [])][:2]
        tips = self.desk.admin.tips
        reading = await self.desk.off_loop(lambda: tips.read(user, self.name, chosen.scenario, MAX_SCENARIOS))
        self.results.show(tips=situations.side_by_side(reading, chosen.cells))

    async def _pick(self, user: User, key: Any) -> None:
        self.chosen.cell = str(key) if key else None
        whole, _ = await self._see(user)
        self.view.show(cell=shown.cell(whole, self.chosen.cell))

    async def _cancel(self, user: User, _: Any) -> None:
        await self.desk.off_loop(lambda: self.desk.admin.bench.cancel(user, self.name))
        self.visitor.say("It stops as soon as the calls on their way have come back.")

    async def _retry(self, user: User, keys: Any) -> None:
        asked = [str(key) for key in keys] if isinstance(keys, list) else []
        await self.desk.off_loop(lambda: self.desk.admin.bench.retry(user, self.name, asked))
        self.visitor.say("Asked for. Whoever works on the bench goes on within moments.")


async def mirrored(desk: Desk, visitor: Visitor, user: User) -> Response:
    """Leads to the experiment, or to the run of the cell that the address names, in MLflow.

    Raises:
        NotFoundError: there is no such one.
        UnavailableError: MLflow does not answer.
    """
    name, cell = visitor.path["experiment"], visitor.query.get("cell")
    return RedirectResponse(await desk.off_loop(lambda: mlflow.url(user, desk.admin.bench, name, cell)), 303)
