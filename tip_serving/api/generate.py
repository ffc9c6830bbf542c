"""POST /generate: write a tip for this person now, whole or as server-sent events."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from tip_serving.api.schemas import operation
from tip_serving.scoring import writing
from tip_serving.scoring.answers import GenerateAnswer
from tip_serving.scoring.author import Author, Plan
from tip_serving.scoring.errors import UpstreamError
from tip_serving.scoring.request import GenerateRequest, read

router = APIRouter()
_ENCODER = msgspec.json.Encoder()
_STREAM = {"cache-control": "no-store", "x-accel-buffering": "no"}  # or a proxy gathers what should arrive at once


@router.post(
    "/generate", openapi_extra=operation(GenerateRequest, GenerateAnswer, (422, 502, 503)), response_class=Response
)
async def generate(request: Request) -> Response:
    """A tip that fits the person's tasks and the moment.

    With `stream`, the answer is `text/event-stream`: `began` {written_by, model}, `piece` {text}, `abandoned` {reason}
    where what came since `began` is void, and at the end `done` with the whole answer or `failed` with the reasons.
    """
    author: Author = request.app.state.services.author
    asked = read(GenerateRequest, await request.body())
    plan = await author.plan(asked)
    if asked.stream:
        return StreamingResponse(_events(author, plan), media_type="text/event-stream", headers=_STREAM)
    return Response(_ENCODER.encode(await author.answer(plan)), media_type="application/json")


async def _events(author: Author, plan: Plan) -> AsyncIterator[bytes]:
    try:
        async for piece in author.pieces(plan):
            match piece:
                case str():
                    yield _event("piece", {"text": piece})
                case writing.Began(by, model):
                    yield _event("began", {"written_by": by, "model": model})
                case writing.Abandoned(reason):
                    yield _event("abandoned", {"reason": reason})
                case GenerateAnswer():
                    yield _event("done", piece)
    except UpstreamError as error:
        yield _event("failed", {"detail": error.summary, "faults": error.faults})


def _event(name: str, data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _ENCODER.encode(data))
