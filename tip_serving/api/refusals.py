"""Refusals as problem+json (RFC 9457): as bytes and as ASGI messages, for what stands before the framework too."""

import http

import msgspec
from starlette.types import Send

MEDIA_TYPE = "application/problem+json"

Header = tuple[bytes, bytes]
CLOSE: Header = (b"connection", b"close")
"""Goes with a refusal after which nobody knows what still comes on the connection."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request got no answer."""

    title: str
    status: int
    detail: str
    faults: tuple[str, ...] = ()
    """Each thing to mend, by field."""


def problem(status: int, detail: str, faults: tuple[str, ...] = ()) -> bytes:
    """The problem as JSON."""
    return msgspec.json.encode(
        Problem(title=http.HTTPStatus(status).phrase, status=status, detail=detail, faults=faults)
    )


async def refuse(send: Send, status: int, detail: str, *headers: Header) -> None:
    """Send the problem as a whole response."""
    body = problem(status, detail)
    shape = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": shape})
    await send({"type": "http.response.body", "body": body})
