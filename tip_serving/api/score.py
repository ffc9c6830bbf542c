"""POST /score: which of these tips should this person see now?

The hot route: `Straight` takes it past the framework, whose way around a handler costs 50 us that nothing here needs.
The framework's own route does the same, tells other methods off, and stands in the OpenAPI file.
"""

from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tip_serving.api import problems
from tip_serving.api.schemas import operation
from tip_serving.scoring.answers import ScoreAnswer
from tip_serving.scoring.errors import RefusedError
from tip_serving.scoring.ranker import Ranker
from tip_serving.scoring.request import ScoreRequest

PATH = "/score"
_ENCODER = msgspec.json.Encoder()


async def score(request: Request) -> Response:
    """Scores, a drawn order and its propensities for a person's candidate tips."""
    answer = await _ranker(request.app).answer(await request.body())
    return Response(_ENCODER.encode(answer), media_type="application/json")


def _ranker(app: FastAPI) -> Ranker:
    found: Ranker = app.state.services.ranker
    return found


class Straight:
    """The application, with POST /score taken straight to the ranker.

    Args:
        app: answers everything else; has the services once it has started.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._ranker: Ranker | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request whose body comes in one piece."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        if self._ranker is None:
            self._ranker = _ranker(self._app)
        try:
            body = _ENCODER.encode(await self._ranker.answer(message["body"]))
        except RefusedError as error:
            await problems.refused(error)(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def route() -> Route:
    """The route."""
    return Route(PATH, score, methods=["POST"])


def paths() -> dict[str, Any]:
    """Its entry in the OpenAPI file."""
    told = {"summary": "Score", "description": score.__doc__, "operationId": "score"}
    return {PATH: {"post": {**told, **operation(ScoreRequest, ScoreAnswer, (409, 422))}}}
