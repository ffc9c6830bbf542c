"""Judging: what there is to judge, and one item at a time, blind."""

from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from tip_serving.admin.panel import situations
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.desk import DeskKind
from tip_serving.admin.service.errors import FaultsError
from tip_serving.admin.service.judging import Judgeable, Turn
from tip_serving.admin.service.users import User
from tip_serving.bench.page import words

LOOKS_EVERY_S = 3.0
MAX_EXPERIMENTS = 100


class DeskView(View, component="views/desk.js"):
    """Draws what there is to judge."""


class JudgeView(View, component="views/judge.js"):
    """Draws an item and takes what is said of it."""


class Said(BaseModel):
    """What a browser says of an item; the service decides whether it can be taken."""

    model_config = ConfigDict(extra="ignore")

    item: str
    scores: dict[str, int] | None = None
    preferred: Literal["first", "second", "tie"] | None = None
    comment: str = ""


async def chosen(desk: Desk, visitor: Visitor, user: User) -> None:
    """The experiments whose tips can be judged."""
    view = DeskView()

    async def look(now: User) -> None:
        found = await desk.off_loop(lambda: desk.admin.judging.experiments(now, limit=MAX_EXPERIMENTS))
        view.show(page={"rows": [_row(one) for one in found.items]})

    await look(user)
    visitor.every(LOOKS_EVERY_S, look)


def _row(one: Judgeable) -> dict[str, Any]:
    href = f"/judge/{quote(one.experiment, safe='')}"
    return {
        "name": one.experiment,
        "href": href,
        "pairs": f"{href}?kind=pair",
        "counts": words.counted(one.n_tips, "tip"),
    }


async def judged(desk: Desk, visitor: Visitor, user: User) -> None:
    """One item after another. Raises NotFoundError, ConflictError."""
    name = visitor.path["experiment"]
    kind: DeskKind = "pair" if visitor.query.get("kind") == "pair" else "tip"
    turn = await desk.off_loop(lambda: desk.admin.judging.turn(user, name, kind))
    view = JudgeView()
    view.show(page={"experiment": name, "who": user.name}, turn=_turn(turn), settled=None)

    async def take(now: User, raw: Any) -> None:
        try:
            said = Said.model_validate(raw)
        except ValidationError as error:
            raise FaultsError(f"The judgement has another shape: {error.errors()[0]['msg']}.") from None
        fault: str | None = None
        try:
            following = await desk.off_loop(
                lambda: desk.admin.judging.judge(
                    now, name, said.item, scores=said.scores, preferred=said.preferred, comment=said.comment, kind=kind
                )
            )
        except FaultsError as refused:
            fault = " ".join([refused.detail, *(f"{one.field}: {one.message}" for one in refused.faults)])
            following = await desk.off_loop(lambda: desk.admin.judging.turn(now, name, kind))
        view.show(turn=_turn(following), settled={"item": said.item, "fault": fault, "n": following.n_done})

    async def later(now: User, item: Any) -> None:
        view.show(turn=_turn(await desk.off_loop(lambda: desk.admin.judging.pass_over(now, name, str(item), kind))))

    async def undo(now: User, _: Any) -> None:
        view.show(turn=_turn(await desk.off_loop(lambda: desk.admin.judging.undo(now, name, kind))))

    visitor.on(view, "judged", take)
    visitor.on(view, "later", later)
    visitor.on(view, "undo", undo)


def _turn(turn: Turn) -> dict[str, Any]:
    told = turn.model_dump(mode="json")
    if turn.item is not None:
        told["item"]["situation"] = situations.blind(turn.item.situation)
    return told
