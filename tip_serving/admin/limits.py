"""What stands before every route and page: the size of a request, and what a browser may do with an answer."""

import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tip_serving.admin.api.problems import problem_response

MAX_BYTES = 10_000_000
"""Of a request; a judge's file of scores has some hundred bytes a line."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    # The pages' programs are made in the browser from templates, which takes `eval`; nothing comes from elsewhere, and
    # nothing that a text might smuggle in can send anything there.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
}
_LOG = logging.getLogger(__name__)


class SizeLimit:
    """Reads a request whole before anybody sees it, and refuses one above MAX_BYTES with 413.

    Args:
        app: what is behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _whole(scope, receive)
        if body is None:
            _LOG.warning("%s %s was refused: more than %d bytes.", scope["method"], scope["path"], MAX_BYTES)
            detail = f"A request may have up to {MAX_BYTES:,} bytes."
            await problem_response(413, detail, headers={"Connection": "close"})(scope, receive, send)
            return
        waiting = [body]

        async def give() -> Message:
            if waiting:
                return waiting.pop()
            return await receive()  # what comes after the body: that the caller has left

        await self._app(scope, give, send)


class Caution:
    """Adds headers that keep a browser from doing more with an answer than it should.

    Args:
        app: what is behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_carefully(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_carefully if scope["type"] == "http" else send)


async def _whole(scope: Scope, receive: Receive) -> Message | None:
    """The request's body as one message, or what came instead of it; None where it is too large."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > MAX_BYTES:
            return None
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MAX_BYTES:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"".join(pieces), "more_body": False}
