"""Releases: every proposal, and one with its stages, guardrails, steps and cards; admins approve and roll back."""

from typing import Any

from nicegui import ui

from tip_serving.admin.panel import releases_shown
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.errors import DAMAGE, FaultsError, UnavailableError
from tip_serving.admin.service.release_rows import Watched
from tip_serving.admin.service.users import ADMINS, User

LOOKS_EVERY_S = 3.0
WATCHES_EVERY_S = 20.0
"""Guardrails are read off the event store."""
_MOST = 500


class ReleasesView(View, component="views/releases.js"):
    """Draws the table of releases."""


class ReleaseView(View, component="views/release.js"):
    """Draws one release."""


async def listed(desk: Desk, visitor: Visitor, user: User) -> None:
    """Every proposal, as far as it is now."""
    view = ReleasesView()

    async def look(now: User) -> None:
        view.show(page=await desk.live.ask(("releases", now.role), lambda: _listing(desk, now), LOOKS_EVERY_S))

    await look(user)
    visitor.every(LOOKS_EVERY_S, look)


def _listing(desk: Desk, user: User) -> dict[str, Any]:
    try:
        return releases_shown.listing(desk.admin.releases.releases(user, limit=_MOST))
    except (*DAMAGE, OSError) as error:
        return {"fault": str(error)}


async def followed(desk: Desk, visitor: Visitor, user: User) -> None:
    """The proposal that the address names. Raises NotFoundError."""
    name = visitor.path["proposal"]
    view = ReleaseView()

    async def look(now: User) -> None:
        found = await desk.live.ask(
            ("release", now.role, name),
            lambda: releases_shown.release(desk.admin.releases.release(now, name)),
            LOOKS_EVERY_S,
        )
        view.show(page=found, may_act=now.role in ADMINS)

    async def watch(now: User) -> None:
        seen = await desk.live.ask(("watch", now.role, name), lambda: _watched(desk, now, name), WATCHES_EVERY_S)
        view.show(watched=releases_shown.watched(seen))

    async def approve(now: User, asked: Any) -> None:
        try:
            await desk.off_loop(lambda: desk.admin.releases.approve(now, name, _reason(asked)))
        except FaultsError as refused:
            view.show(faults=_faults(refused))
        else:
            view.show(faults=[])
            visitor.say("Agreed. Whoever advances releases goes on within moments.")
        await anew(now)

    async def roll_back(now: User, asked: Any) -> None:
        try:
            await desk.off_loop(lambda: desk.admin.releases.rollback(now, name, _reason(asked)))
        except FaultsError as refused:
            view.show(faults=_faults(refused))
        else:
            view.show(faults=[])
            visitor.say("Taken back. What was served before is served again.")
        await anew(now)

    async def anew(now: User) -> None:
        page = await desk.off_loop(lambda: releases_shown.release(desk.admin.releases.release(now, name)))
        view.show(page=page)

    await look(user)
    ui.page_title(f"{name} \u00b7 Tip bench")
    visitor.on(view, "approve", approve)
    visitor.on(view, "rollback", roll_back)
    visitor.soon(watch)
    visitor.every(LOOKS_EVERY_S, look)
    visitor.every(WATCHES_EVERY_S, watch)


def _watched(desk: Desk, user: User, name: str) -> Watched | None:
    """None where the event store does not answer: the steps say what was decided all the same."""
    try:
        return desk.admin.releases.watched(user, name)
    except UnavailableError:
        return None


def _reason(asked: Any) -> str:
    return str(asked.get("reason", "")) if isinstance(asked, dict) else ""


def _faults(refused: FaultsError) -> list[dict[str, str]]:
    return [{"field": fault.field, "message": fault.message} for fault in refused.faults]
