"""Refusals as problem+json (RFC 9457), each with every fault by its field."""

import http
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tip_serving.admin.auth.attempts import TooManyError
from tip_serving.admin.auth.doorman import SignInError
from tip_serving.admin.service import errors
from tip_serving.admin.service.rows import Plain
from tip_serving.admin.service.users import READERS, User
from tip_serving.bench.spec import Fault

MEDIA_TYPE = "application/problem+json"
_STATUS = {
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.FaultsError: 422,
    errors.UnavailableError: 503,
}
_LOG = logging.getLogger(__name__)


class FaultTold(Plain):
    """One thing to mend."""

    field: str
    message: str


class Problem(Plain):
    """Why a request was not done."""

    title: str
    status: int
    detail: str
    faults: tuple[FaultTold, ...]


class UnauthenticatedError(Exception):
    """Nobody that is known here sent the request; says what was lacking."""


def problem_response(
    status: int, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The problem as an answer."""
    told = {
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "faults": [fault._asdict() for fault in faults],
    }
    # As ASCII: a message may quote half a surrogate pair, which JSON can spell and UTF-8 cannot.
    return Response(json.dumps(told), status, dict(headers or {}), MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The problems that a route may answer, for the schema; 400, 401, 403, 413 and 503 go without saying."""
    return {
        status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": http.HTTPStatus(status).phrase}
        for status in (400, 401, 403, 413, 422, 503, *statuses)
    }


def install(app: FastAPI) -> None:
    """Answer every refusal of `app` as a problem."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        errors.ServiceError: _of_the_service,
        UnauthenticatedError: _of_the_door,
        SignInError: _of_the_door,
        TooManyError: _of_the_door,
        DataError: _of_the_database,
        OperationalError: _of_the_database,
        RequestValidationError: _of_the_shape,
        HTTPException: _of_the_framework,
        Exception: _defect,
    }
    handlers |= dict.fromkeys(errors.DAMAGE, _of_the_lake)
    for kind, handle in handlers.items():
        app.add_exception_handler(kind, handle)


async def _of_the_service(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.ServiceError)  # noqa: S101  registered for these alone
    return problem_response(_STATUS[type(error)], error.detail, error.faults)


async def _of_the_lake(request: Request, error: Exception) -> Response:
    _LOG.error("%s %r: %s", request.method, request.url.path, error)
    user: User | None = getattr(request.state, "user", None)
    detail = str(error) if user is not None and user.role in READERS else errors.UNREADABLE
    return problem_response(503, detail, headers={"Retry-After": "5"})


async def _of_the_database(request: Request, error: Exception) -> Response:
    _LOG.error("%s %r: %s", request.method, request.url.path, type(error).__name__)
    if isinstance(error, DataError):
        return problem_response(422, "A text of this request can neither be kept nor looked up.")
    return problem_response(503, "The database of accounts does not answer; try again.", headers={"Retry-After": "5"})


async def _of_the_door(_: Request, error: Exception) -> Response:
    if isinstance(error, TooManyError):
        return problem_response(429, str(error), headers={"Retry-After": str(error.retry_after_s)})
    return problem_response(401, str(error), headers={"WWW-Authenticate": "Bearer"})


async def _of_the_shape(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for these alone
    faults = [Fault(".".join(map(str, one["loc"])), str(one["msg"])) for one in error.errors()]
    return problem_response(422, "The request has another shape than this route takes.", faults)


async def _of_the_framework(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for these alone
    return problem_response(error.status_code, str(error.detail), headers=error.headers)


async def _defect(request: Request, error: Exception) -> Response:
    _LOG.error("%s %r failed: %s.", request.method, request.url.path, type(error).__name__)
    return problem_response(500, "This is a defect of the server; its log says more.")
