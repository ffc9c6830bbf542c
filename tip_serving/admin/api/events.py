"""The route of changes: server-sent events for as long as the one who watches may watch."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from tip_serving.admin.api.caller import Admins, Caller, caller, roles
from tip_serving.admin.api.problems import UnauthenticatedError, documented
from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.users import READERS, Role, User, require
from tip_serving.admin.service.watch import Change

ROUTES = APIRouter(prefix="/api/bench", tags=["experiments"])
PATIENCE_S = 10.0
_EVENT_STREAM = "text/event-stream"


@ROUTES.get(
    "/events",
    response_class=StreamingResponse,
    responses=documented() | {200: {"content": {_EVENT_STREAM: {"schema": Change.model_json_schema()}}}},
    openapi_extra=roles(Role.ADMIN, Role.VIEWER),
)
def events(
    request: Request,
    user: Caller,
    admin: Admins,
    last_event_id: Annotated[str | None, Header(max_length=100, description="Go on after this one.")] = None,
) -> StreamingResponse:
    """State changes: `experiment` events with what changed; `anew` where some were missed; ends with the session."""
    require(user, READERS, "watch experiments")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(request, user, admin, last_event_id), headers=headers, media_type=_EVENT_STREAM)


async def _stream(request: Request, user: User, admin: Admin, after: str | None) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n: changes follow\n\n"
    async for numbered in admin.watch.changes(user, after, PATIENCE_S):
        if not await run_in_threadpool(_may_watch, request):
            yield b"event: signed-out\ndata: {}\n\n"
            return
        if numbered is None:
            yield b": nothing changed\n\n"
        elif numbered.change is None:
            yield f"id: {numbered.event_id}\nevent: anew\ndata: {{}}\n\n".encode()
        else:
            data = json.dumps(numbered.change.model_dump(mode="json"))  # on one line, whatever is in it
            yield f"id: {numbered.event_id}\nevent: experiment\ndata: {data}\n\n".encode()


def _may_watch(request: Request) -> bool:
    """Whether the session or token still holds, with the role as it stands now."""
    try:
        return caller(request).role in READERS
    except UnauthenticatedError:
        return False
