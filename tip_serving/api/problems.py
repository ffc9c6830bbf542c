"""What the core or the framework refuses, as an answer with its status, every fault, and whether to ask again."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tip_serving.api.refusals import MEDIA_TYPE, problem
from tip_serving.scoring.errors import ConflictError, RefusedError, RequestError, UpstreamError


def response(status: int, detail: str, faults: tuple[str, ...] = (), retry_after_s: int | None = None) -> Response:
    """The problem as an answer."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Response(problem(status, detail, faults), status, headers, MEDIA_TYPE)


def refused(error: RefusedError) -> Response:
    """A refusal of the core as an answer: 409, 422, or 502 and 503 for what stands behind this server."""
    match error:
        case RequestError():
            return response(422, error.summary, error.faults)
        case ConflictError():
            return response(409, error.summary, error.faults)
        case UpstreamError(retry_after_s=None):
            return response(502, error.summary, error.faults)
        case UpstreamError(retry_after_s=wait):
            return response(503, error.summary, error.faults, wait)
    raise TypeError(f"{type(error).__name__} has no status of its own.")


def install(app: FastAPI) -> None:
    """Answer every refusal of `app` as a problem, those of the framework too."""

    async def of_the_core(_: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)  # noqa: S101  registered for these alone
        return refused(error)

    async def of_the_framework(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  registered for these alone
        answer = response(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    async def defect(_: Request, error: Exception) -> Response:
        del error  # the framework raises it again, and `accounting` tells of it
        return response(500, "This is a defect of the server; its log says more.")

    app.add_exception_handler(RefusedError, of_the_core)
    app.add_exception_handler(HTTPException, of_the_framework)
    app.add_exception_handler(Exception, defect)
