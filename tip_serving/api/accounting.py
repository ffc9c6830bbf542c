"""What is known of every request: its id, how it ended, how long it took; for the log, the figures and the traces.

The outermost middleware: nothing that a request meets escapes it, and no answer leaves without its id.
"""

import logging
import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tip_serving.api.auth import CALLER
from tip_serving.api.logs import REQUEST_ID
from tip_serving.api.metrics import Meter
from tip_serving.api.refusals import refuse
from tip_serving.api.telemetry import Tracing
from tip_serving.events.event import new_id

_LOG = logging.getLogger(__name__)
_HEADER = b"x-request-id"
_GIVEN_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")
LEFT = 499  # the status for a caller who left before the answer, as nginx counts it
OTHER = "other"
_UNTRACED = nullcontext()


class Accounting:
    """Gives a request its id and tells how it went.

    Args:
        app: everything else.
        routes: paths that are told by name; all else is `other`, for a path may hold anything.
        meter: counts.
        log: takes one entry per request; None where nothing is logged.
        tracing: makes spans; None where nobody collects them.
    """

    def __init__(
        self,
        app: ASGIApp,
        routes: frozenset[str],
        meter: Meter,
        log: Callable[[dict[str, Any]], None] | None,
        tracing: Tracing | None,
    ) -> None:
        self._app = app
        self._routes = routes
        self._meter = meter
        self._log = log
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and account for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        REQUEST_ID.set(request_id)  # the request has a task of its own, and so a context of its own
        route = scope["path"] if scope["path"] in self._routes else OTHER
        status = LEFT
        id_header = (_HEADER, request_id.encode())

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), id_header]
            await send(message)

        with _UNTRACED if self._tracing is None else self._tracing.span(scope, route) as span:
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:  # noqa: BLE001  told here, so that nobody else quotes it
                _LOG.exception("%s %s failed: %s.", scope["method"], route, type(error).__name__)
                if status == LEFT:
                    await refuse(send_with_id, 500, "This is a defect of the server; its log says more.")
            finally:
                if span is not None:
                    span.set_attribute("http.response.status_code", status)
                    span.set_attribute("tip.request_id", request_id)
                self._account(scope, route, request_id, status, time.perf_counter() - began)

    def _account(self, scope: Scope, route: str, request_id: str, status: int, seconds: float) -> None:
        self._meter.request(route, status, seconds)
        if self._log is not None:
            entry = {
                "at": datetime.now(UTC),
                "level": "info",
                "logger": "tip.request",
                "request_id": request_id,
                "method": scope["method"],
                "route": route,
                "status": status,
                "latency_ms": round(seconds * 1e3, 3),
            }
            if (caller := scope.get(CALLER)) is not None:
                entry["caller"] = caller
            self._log(entry)


def _request_id(scope: Scope) -> str:
    """The caller's, where it is one that a log can hold, else a new one."""
    for name, value in scope["headers"]:
        if name == _HEADER and _GIVEN_ID.fullmatch(value):
            return str(value.decode())
    return new_id()
