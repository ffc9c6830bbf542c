"""POST /score: which of these tips should this person see now?"""

import msgspec
from fastapi import APIRouter, Request, Response

from tip_serving.api.schemas import operation
from tip_serving.scoring.answers import ScoreAnswer
from tip_serving.scoring.ranker import Ranker
from tip_serving.scoring.request import ScoreRequest

router = APIRouter()
_ENCODER = msgspec.json.Encoder()


# The body is read by the core, straight from its bytes: handed over by the framework it costs twice the CPU.
@router.post("/score", openapi_extra=operation(ScoreRequest, ScoreAnswer, (409, 422)), response_class=Response)
async def score(request: Request) -> Response:
    """Scores, a drawn order and its propensities for a person's candidate tips."""
    ranker: Ranker = request.app.state.services.ranker
    answer = await ranker.answer(await request.body())
    return Response(_ENCODER.encode(answer), media_type="application/json")
