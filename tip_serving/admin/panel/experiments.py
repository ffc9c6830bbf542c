"""The table of experiments, and the form for a new one."""

import itertools
from typing import Any
from urllib.parse import quote

from nicegui import ui

from tip_serving.admin.panel import shown
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service import catalogs
from tip_serving.admin.service.errors import DAMAGE, ConflictError, FaultsError
from tip_serving.admin.service.users import ADMINS, User
from tip_serving.bench.spec import GENERATED, Spec

A_PAGE = 50
LOOKS_EVERY_S = 2.0


class ExperimentsView(View, component="views/experiments.js"):
    """Draws the table."""


class ComposerView(View, component="views/composer.js"):
    """Draws the form."""


async def listed(desk: Desk, visitor: Visitor, user: User) -> None:
    """Every experiment, as far as it is now."""
    wanted = _wanted(dict(visitor.query))
    view = ExperimentsView()
    view.show(page=await _listing(desk, user, wanted), wanted=wanted, may_start=user.role in ADMINS)

    async def look(now: User) -> None:
        view.show(page=await _listing(desk, now, wanted))

    async def sift(now: User, asked: Any) -> None:
        wanted.update(_wanted(asked if isinstance(asked, dict) else {}))
        await look(now)

    visitor.on(view, "sift", sift)
    visitor.every(LOOKS_EVERY_S, look)


def _wanted(asked: dict[str, Any]) -> dict[str, Any]:
    """What a browser asks to see, in the shape that the service takes."""
    page = str(asked.get("page", 1))
    phase = str(asked.get("phase", ""))
    return {
        "text": str(asked.get("text", ""))[:200],
        "phase": phase if phase in shown.PHASES else "",
        "page": int(page[:9]) if page.isdecimal() and int(page[:9]) > 0 else 1,
    }


async def _listing(desk: Desk, user: User, wanted: dict[str, Any]) -> dict[str, Any]:
    text, phase, number = wanted["text"], wanted["phase"], wanted["page"]

    def find() -> dict[str, Any]:
        page = desk.admin.bench.experiments(user, text, [phase] if phase else [], (number - 1) * A_PAGE, A_PAGE)
        return shown.listing(page, A_PAGE, is_sifted=bool(text or phase))

    try:
        return await desk.live.ask(("experiments", user.role, text, phase, number), find, LOOKS_EVERY_S)
    except DAMAGE as error:
        return {"fault": str(error)}


async def composed(desk: Desk, visitor: Visitor, user: User) -> None:
    """A new experiment: what it takes is told before it is started. Raises ForbiddenError."""
    choices = await desk.off_loop(lambda: catalogs.choices(user, desk.admin.bench))
    view = ComposerView()
    view.show(
        known={
            "models": [shown.model(row) for row in choices.models],
            "prompts": [{"version": row.version, "summary": row.summary} for row in choices.prompts],
            "sets": [
                {"name": GENERATED, "label": "the generator"},
                *({"name": name, "label": f"the set {name}"} for name in choices.scenario_sets),
            ],
            "defaults": Spec.model_validate({"experiment": "tip-bench-new"}).model_dump(
                mode="json", exclude={"experiment"}
            ),
        }
    )

    counted = itertools.count(1)  # each refusal leads the eye to the first fault, also where the faults are the same

    async def weigh(now: User, raw: Any) -> None:
        try:
            found = await desk.off_loop(lambda: desk.admin.bench.estimate(now, _spec(raw)))
        except (FaultsError, ConflictError) as refused:
            view.show(bill=None, faults=_faults(refused))
        else:
            view.show(bill=shown.bill(found), faults=[])

    async def start(now: User, raw: Any) -> None:
        view.show(busy=True)
        try:
            begun = await desk.off_loop(lambda: desk.admin.bench.start(now, _spec(raw)))
        except (FaultsError, ConflictError) as refused:
            view.show(faults=_faults(refused), bill=None, refusals=next(counted))
        else:
            view.show(begun=True)
            ui.navigate.to(f"/experiments/{quote(begun.started.experiment, safe='')}")
        finally:
            view.show(busy=False)

    visitor.on(view, "weigh", weigh)
    visitor.on(view, "start", start)


def _spec(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {"spec": raw}


def _faults(refused: FaultsError | ConflictError) -> list[dict[str, str]]:
    found = [{"field": fault.field, "message": fault.message} for fault in refused.faults]
    return found or [{"field": "spec", "message": refused.detail}]
