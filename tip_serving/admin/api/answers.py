"""Answers that a reader may have already: with an ETag over their bytes, and 304 where they are the same."""

import hashlib
from collections.abc import Sequence

from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"
NOT_MODIFIED: dict[int | str, dict[str, object]] = {304: {"description": "The reader has this very answer."}}


def answer(request: Request, content: BaseModel | Sequence[BaseModel]) -> Response:
    """JSON of one value or a list."""
    if isinstance(content, BaseModel):
        return tagged(request, content.model_dump_json().encode(), JSON)
    return tagged(request, TypeAdapter(list[BaseModel]).dump_json(list(content), serialize_as_any=True), JSON)


def tagged(request: Request, body: bytes, media_type: str) -> Response:
    """These bytes, unless the reader shows that it has them."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    shown = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in shown or "*" in shown:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)
