"""One experiment: how far it is, what failed, what it came to, and the tips themselves."""

from collections.abc import Hashable
from typing import Any, NamedTuple

from nicegui import ui

from tip_serving.admin.panel import boards, shown, situations
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.bench import MAX_LIMIT
from tip_serving.admin.service.errors import NotFoundError
from tip_serving.admin.service.rows import CellRow
from tip_serving.admin.service.users import ADMINS, User
from tip_serving.bench.page.content import JudgeBoard

LOOKS_EVERY_S = 1.0
BOARDS_LAST_S = 600.0
"""What a ranking rests on names it, so it does not age."""
MAX_SCENARIOS = 500


class ExperimentView(View, component="views/experiment.js"):
    """Draws facts, cells and failures."""


class ResultsView(View, component="views/results.js"):
    """Draws rankings and tips."""


class _Now(NamedTuple):
    """An experiment as it stands."""

    page: dict[str, Any]
    """What stands above the results; one for all who look, so that nobody pays for writing it again."""
    basis: Hashable
    """Of ranking and tips; another one when either may have changed."""


async def watched(desk: Desk, visitor: Visitor, user: User) -> None:
    """The experiment that the address names. Raises NotFoundError."""
    name = visitor.path["experiment"]
    view, results = ExperimentView(), ResultsView()
    results.show(api=f"/api/bench/leaderboard/{name}")
    chosen: dict[str, Any] = {"basis": None, "scenario": None, "cells": []}

    async def see(now: User) -> _Now:
        return await desk.live.ask(("experiment", now.role, name), lambda: _now(desk, now, name), LOOKS_EVERY_S)

    async def look(now: User) -> None:
        at = await see(now)
        view.show(page=at.page, may_act=now.role in ADMINS)
        if at.basis != chosen["basis"]:
            chosen["basis"] = at.basis
            results.show(boards=await _drawn(desk, now, name, at.basis))
            await read(now)

    async def read(now: User) -> None:
        found = await desk.off_loop(lambda: _tips(desk, now, name, chosen))
        chosen["scenario"] = found["scenario"]
        results.show(tips=found)

    async def choose(now: User, asked: Any) -> None:
        if isinstance(asked, dict):
            chosen["scenario"] = str(asked.get("scenario"))
            chosen["cells"] = [str(key) for key in asked.get("cells", [])][:2]
        await read(now)

    async def cancel(now: User, _: Any) -> None:
        await desk.off_loop(lambda: desk.admin.bench.cancel(now, name))
        visitor.say("It stops as soon as the calls on their way have come back.")

    async def retry(now: User, keys: Any) -> None:
        asked = [str(key) for key in keys] if isinstance(keys, list) else []
        await desk.off_loop(lambda: desk.admin.bench.retry(now, name, asked))
        visitor.say("Asked for. Whoever works on the bench goes on within moments.")

    # A large ranking takes a second to read; the page does not wait for it.
    at = await see(user)
    ui.page_title(f"{name} \u00b7 Tip bench")
    view.show(page=at.page, may_act=user.role in ADMINS)
    visitor.soon(look)
    visitor.on(results, "choose", choose)
    visitor.on(view, "cancel", cancel)
    visitor.on(view, "retry", retry)
    visitor.every(LOOKS_EVERY_S, look)


def _now(desk: Desk, user: User, name: str) -> _Now:
    row = desk.admin.bench.experiment(user, name)
    cells: list[CellRow] = []
    offset: int | None = 0
    while offset is not None:
        page = desk.admin.bench.cells(user, name, offset=offset, limit=MAX_LIMIT)
        cells += page.items
        offset = page.next_offset
    basis = (row.is_ranked, desk.admin.bench.state(name).fingerprint)
    told = desk.live.kept(("boards", user.role, name, basis))
    return _Now(shown.experiment(row, cells, told[0] if told else None), basis)


async def _boards(desk: Desk, user: User, name: str, basis: Hashable) -> tuple[JudgeBoard, ...]:
    def find() -> tuple[JudgeBoard, ...]:
        try:
            return desk.admin.bench.leaderboard(user, name)
        except NotFoundError:
            return ()

    return await desk.live.ask(("boards", user.role, name, basis), find, BOARDS_LAST_S)


async def _drawn(desk: Desk, user: User, name: str, basis: Hashable) -> list[dict[str, Any]]:
    told = await _boards(desk, user, name, basis)
    return await desk.live.ask(("drawn", user.role, name, basis), lambda: boards.drawn(told), BOARDS_LAST_S)


def _tips(desk: Desk, user: User, name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """The tips of the chosen situation, or of the first."""
    scenarios = desk.admin.tips.scenarios(user, name, limit=MAX_SCENARIOS).items
    if not scenarios:
        return {"scenarios": [], "scenario": None}
    ids = {one.scenario_id for one in scenarios}
    at = chosen["scenario"] if chosen["scenario"] in ids else scenarios[0].scenario_id
    return situations.side_by_side(scenarios, desk.admin.tips.side_by_side(user, name, at), chosen["cells"])
