"""Routes of judges: batches out and scores in, as files or one item at a time. Nothing here tells who wrote a tip."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tip_serving.admin.api.answers import NOT_MODIFIED, answer, tagged
from tip_serving.admin.api.caller import Admins, Caller, JudgingCaller, roles
from tip_serving.admin.api.experiments import Experiment, Limit, Offset
from tip_serving.admin.api.problems import documented
from tip_serving.admin.auth.webhooks import KEY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER
from tip_serving.admin.service.desk import DeskKind
from tip_serving.admin.service.judging import Judgeable, Turn
from tip_serving.admin.service.rows import Page, Plain
from tip_serving.admin.service.scores import MAX_BATCH, Taken
from tip_serving.admin.service.users import Role

ROUTES = APIRouter(tags=["judging"])
JSON_LINES = "application/x-ndjson"
_JUDGES = roles(Role.ADMIN, Role.JUDGE)
_SIGNED = [
    {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": told}
    for name, told in (
        (KEY_HEADER, "The id of a webhook key, instead of a session or a token."),
        (TIMESTAMP_HEADER, "Seconds since 1970, within five minutes of now."),
        (
            SIGNATURE_HEADER,
            "Hex HMAC-SHA256 with the key's secret over `timestamp\\nMETHOD\\npath?query\\n` and the body.",
        ),
    )
]
_LINES = {
    "requestBody": {
        "required": True,
        "content": {
            JSON_LINES: {
                "schema": {"type": "string", "description": "One judgement a line, as an export's instructions tell."},
                "example": '{"item": "3f9c0a5be2d14c77", "judge": "ana", "rubric_version": "r1", "scores": '
                '{"relevance": 4, "specificity": 5, "actionability": 4, "tone": 4}}\n',
            }
        },
    }
}
Kind = Annotated[DeskKind, Query(description="Single tips, or pairs of them.")]
_ITEM = Annotated[str, Field(max_length=64)]


class Handed(Plain):
    """A blind batch."""

    judge: str
    batch: str | None
    """Null where nothing waits."""
    n_items: int
    instructions: str
    """Markdown."""


class Said(Plain):
    """A judgement of one item."""

    item: _ITEM
    kind: DeskKind = "tip"
    scores: dict[str, int] | None = None
    """Whole points by criterion, for a tip."""
    preferred: Literal["first", "second", "tie"] | None = None
    """Which of a pair is better."""
    comment: Annotated[str, Field(max_length=2_000)] = ""


class Passed(Plain):
    """An item to be left for later."""

    item: _ITEM
    kind: DeskKind = "tip"


class Undo(Plain):
    """Which sitting to go back in."""

    kind: DeskKind = "tip"


@ROUTES.get(
    "/api/bench/export/{experiment}",
    response_class=Response,
    responses=NOT_MODIFIED
    | documented(404, 409)
    | {200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}, "description": "JSON lines, one item each."}},
    openapi_extra=_JUDGES | {"parameters": _SIGNED},
)
async def export(
    request: Request,
    user: JudgingCaller,
    admin: Admins,
    experiment: Experiment,
    judge: Annotated[str | None, Query(max_length=200, description="For an admin: whose work. Else one's own.")] = None,
    kind: Kind = "tip",
    size: Annotated[int, Query(ge=1, le=MAX_BATCH, description="At most so many items.")] = 200,
) -> Response:
    """The next blind batch of what this judge has not judged; empty where nothing waits. Asked again, the same."""
    handed = await run_in_threadpool(admin.scores.export, user, experiment, judge or user.name, kind, size)
    return tagged(request, handed.rows if handed else b"", JSON_LINES)


@ROUTES.get(
    "/api/bench/instructions/{experiment}",
    response_model=Handed,
    responses=NOT_MODIFIED | documented(404, 409),
    openapi_extra=_JUDGES | {"parameters": _SIGNED},
)
async def instructions(
    request: Request,
    user: JudgingCaller,
    admin: Admins,
    experiment: Experiment,
    judge: Annotated[str | None, Query(max_length=200, description="For an admin: whose work. Else one's own.")] = None,
    kind: Kind = "tip",
    size: Annotated[int, Query(ge=1, le=MAX_BATCH, description="As for the export.")] = 200,
) -> Response:
    """How to judge the batch that an export with the same parameters hands out."""
    name = judge or user.name
    handed = await run_in_threadpool(admin.scores.export, user, experiment, name, kind, size)
    told = Handed(
        judge=name,
        batch=handed.batch if handed else None,
        n_items=handed.n_items if handed else 0,
        instructions=handed.instructions if handed else "",
    )
    return answer(request, told)


@ROUTES.post(
    "/api/bench/scores/{experiment}",
    responses=documented(404, 409),
    openapi_extra=_JUDGES | {"parameters": _SIGNED} | _LINES,
)
async def scores(
    request: Request,
    user: JudgingCaller,
    admin: Admins,
    experiment: Experiment,
    partial: Annotated[bool, Query(description="Keep the good lines where there are bad ones.")] = False,
) -> Taken:
    """Take judgements as JSON lines; the same again change nothing. A faulty line refuses all, unless `partial`."""
    body = await request.body()
    return await run_in_threadpool(admin.scores.submit, user, experiment, body, partial=partial)


@ROUTES.get("/api/judge", response_model=Page[Judgeable], responses=NOT_MODIFIED | documented(), openapi_extra=_JUDGES)
def judgeable(request: Request, user: Caller, admin: Admins, offset: Offset = 0, limit: Limit = 100) -> Response:
    """The experiments whose tips can be judged."""
    return answer(request, admin.judging.experiments(user, offset, limit))


@ROUTES.get("/api/judge/{experiment}", responses=documented(404, 409), openapi_extra=_JUDGES)
def turn(user: Caller, admin: Admins, experiment: Experiment, kind: Kind = "tip") -> Turn:
    """The next blind item of this judge; the same until it is judged or passed over."""
    return admin.judging.turn(user, experiment, kind)


@ROUTES.post("/api/judge/{experiment}", responses=documented(404, 409), openapi_extra=_JUDGES)
def judge(user: Caller, admin: Admins, experiment: Experiment, said: Said) -> Turn:
    """Take a judgement and show the next item; said again, it replaces what was said."""
    return admin.judging.judge(
        user,
        experiment,
        said.item,
        scores=said.scores,
        preferred=said.preferred,
        comment=said.comment,
        kind=said.kind,
    )


@ROUTES.post("/api/judge/{experiment}/later", responses=documented(404, 409), openapi_extra=_JUDGES)
def later(user: Caller, admin: Admins, experiment: Experiment, passed: Passed) -> Turn:
    """Leave an item for later: it stays unscored, which is not a bad score."""
    return admin.judging.pass_over(user, experiment, passed.item, passed.kind)


@ROUTES.post("/api/judge/{experiment}/undo", responses=documented(404, 409), openapi_extra=_JUDGES)
def undo(user: Caller, admin: Admins, experiment: Experiment, which: Undo = Undo()) -> Turn:  # noqa: B008  frozen
    """Back to the item judged last."""
    return admin.judging.undo(user, experiment, which.kind)
