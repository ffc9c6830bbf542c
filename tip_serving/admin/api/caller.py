"""Who sends a request, as a dependency of every route: a program by its token, a browser by its session, or a webhook.

A write by session must show the CSRF token of that session; a token or a signature cannot be sent by a stranger's page.
"""

import logging
from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from tip_serving.admin.api.problems import UnauthenticatedError
from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.doorman import CSRF_HEADER
from tip_serving.admin.auth.webhooks import KEY_HEADER, WebhookError
from tip_serving.admin.service.errors import ForbiddenError
from tip_serving.admin.service.users import Role, User

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOG = logging.getLogger(__name__)


def admin_of(connection: HTTPConnection) -> Admin:
    """What this process works with."""
    found: Admin = connection.app.state.admin
    return found


def caller(request: Request) -> User:
    """The user who sends the request; from then on `request.state.user`, for whoever words a refusal.

    Raises:
        UnauthenticatedError: nobody that is known here.
        ForbiddenError: a write by session without its token.
    """
    doorman = admin_of(request).doorman
    token = doorman.bearer(request)
    if token is not None:
        user = doorman.by_token(token)
        if user is None:
            raise UnauthenticatedError("This token is none of ours, or it was revoked.")
        request.state.user = user
        return user
    session = doorman.session(request)
    if session is None:
        raise UnauthenticatedError("Sign in, or send `Authorization: Bearer` with an API token.")
    if request.method not in _READS and not doorman.is_csrf_right(session, request.headers.get(CSRF_HEADER)):
        raise ForbiddenError(f"A write from a browser must show the token of its session in {CSRF_HEADER}.")
    request.state.user = session.user
    return session.user


async def judging_caller(request: Request) -> User:
    """The same, or the judge whose key signed the request. Raises UnauthenticatedError, ForbiddenError."""
    if KEY_HEADER not in request.headers:
        return await run_in_threadpool(caller, request)
    admin = admin_of(request)
    body = await request.body()
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    raw_path = request.scope.get("raw_path")
    if isinstance(raw_path, bytes):  # as it was sent, before anything was decoded
        target = raw_path.decode("latin-1") + (f"?{request.url.query}" if request.url.query else "")
    try:
        return await run_in_threadpool(admin.webhooks.recognise, request.headers, request.method, target, body)
    except WebhookError as error:
        key_id = request.headers[KEY_HEADER]
        _LOG.warning("A signed %s %r was refused: %s.", request.method, request.url.path, error)
        if admin.webhooks.judge_of(key_id) is not None:
            about = {"key": key_id, "reason": str(error)}
            await run_in_threadpool(admin.audit.note, None, "webhook-refused", request.url.path, about)
        raise UnauthenticatedError(f"Refused: {error}.") from None


Caller = Annotated[User, Depends(caller)]
JudgingCaller = Annotated[User, Depends(judging_caller)]
Admins = Annotated[Admin, Depends(admin_of)]


def roles(*allowed: Role) -> dict[str, object]:
    """What a route says in the schema about who may call it; the service is what checks it."""
    return {"x-roles": [role.value for role in allowed]}


ANYBODY: dict[str, object] = {"x-roles": ["anybody"]}
"""For the few routes by which one comes in."""
