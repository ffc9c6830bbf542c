"""What one request may take, and how many there may be: pure ASGI middleware, outside of any framework.

A request is read whole before a route sees it, so that a slow sender costs memory within the size limit and nothing
else; how long it then may take is bounded as well.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tip_serving.api.connections import WAITING
from tip_serving.api.deadlines import Deadlines
from tip_serving.api.refusals import CLOSE, refuse

RETRY_AFTER_S = 1


class WholeBody:
    """Reads the body first, within a size (413) and a time (408), and has it answered within another time (504).

    Args:
        app: sees the body in one piece.
        max_bytes: of the body.
        within_s: seconds in which it must have arrived.
        answer_within_s: seconds that the application has afterwards.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, within_s: float, answer_within_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._within_s = within_s
        self._answer_within_s = answer_within_s
        self._deadlines = Deadlines()
        self.n_reading = 0
        """Requests whose body is not whole yet."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, then serve."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, is_begun = None, False

        async def pass_on(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            with self._deadlines.within(self._within_s) as limit:
                body = await self._whole(scope, receive)
                if body is not None:
                    limit.extend(self._answer_within_s)
                    await self._app(scope, _Replay(body, receive), pass_on)
        except _TooLargeError:
            await refuse(send, 413, f"The request is larger than {self._max_bytes} bytes.", CLOSE)
        except TimeoutError:
            if is_begun or not limit.has_expired:
                raise
            if body is None:
                await refuse(send, 408, f"The request did not arrive within {self._within_s:g} s.", CLOSE)
            else:
                await refuse(send, 504, f"No answer within {self._answer_within_s:g} s.", CLOSE)

    async def _whole(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body; None where the caller left before it was whole."""
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value) > self._max_bytes):
                raise _TooLargeError
        pieces: list[bytes] = []
        size = 0
        self.n_reading += 1
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                piece = message.get("body", b"")
                size += len(piece)
                if size > self._max_bytes:
                    raise _TooLargeError
                pieces.append(piece)
                if not message.get("more_body", False):
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        finally:
            self.n_reading -= 1


class _Replay:
    """Gives the application the body that was read, and then what comes after it: that the caller has left."""

    __slots__ = ("_body", "_receive")

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class BackPressure:
    """Says 503 with `Retry-After` to who comes when this worker is full; who came before is served.

    Args:
        app: serves them.
        max_waiting: requests that may wait or be under way.
        exempt: paths that are answered even then, probes say.
        body: further inside; a request whose body is still on its way there does not count.
    """

    def __init__(self, app: ASGIApp, max_waiting: int, exempt: frozenset[str], body: WholeBody) -> None:
        self._app = app
        self._body = body
        self._max_waiting = max_waiting
        self._exempt = exempt
        self._n_inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        # Behind another server than ours it is not told what waits in front; then those inside count.
        n_came = scope.get("extensions", {}).get(WAITING, self._n_inside + 1)
        is_full = n_came - self._body.n_reading > self._max_waiting
        if is_full and scope["type"] == "http" and scope["path"] not in self._exempt:
            said = f"More than {self._max_waiting} requests wait here. Ask again later."
            await refuse(send, 503, said, (b"retry-after", str(RETRY_AFTER_S).encode()))
            return
        self._n_inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._n_inside -= 1


class _TooLargeError(Exception):
    """More than the limit came, or is announced."""
