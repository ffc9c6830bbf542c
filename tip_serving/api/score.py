"""POST /score: which of these tips should this person see now?

The hot route: Starlette's, since FastAPI's way around a handler takes 30 us that nothing here needs, and the body is
read by the core straight from its bytes.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tip_serving.api.schemas import operation
from tip_serving.scoring.answers import ScoreAnswer
from tip_serving.scoring.ranker import Ranker
from tip_serving.scoring.request import ScoreRequest

PATH = "/score"
_ENCODER = msgspec.json.Encoder()


async def score(request: Request) -> Response:
    """Scores, a drawn order and its propensities for a person's candidate tips."""
    ranker: Ranker = request.app.state.services.ranker
    answer = await ranker.answer(await request.body())
    return Response(_ENCODER.encode(answer), media_type="application/json")


def route() -> Route:
    """The route."""
    return Route(PATH, score, methods=["POST"])


def paths() -> dict[str, Any]:
    """Its entry in the OpenAPI file."""
    told = {"summary": "Score", "description": score.__doc__, "operationId": "score"}
    return {PATH: {"post": {**told, **operation(ScoreRequest, ScoreAnswer, (409, 422))}}}
