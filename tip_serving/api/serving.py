"""A worker as a whole: the routes, what stands around them, and how it begins and ends.

From outside to inside: accounting, back-pressure, authentication, the body, the framework.
"""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from tip_serving.api import feedback, logs, openapi, operations, score, signals
from tip_serving.api.accounting import Accounting
from tip_serving.api.app import create_app
from tip_serving.api.auth import Authentication, parse_tokens
from tip_serving.api.limits import BackPressure, WholeBody
from tip_serving.api.metrics import Meter
from tip_serving.api.operations import Condition
from tip_serving.api.routes import Routes
from tip_serving.api.score import Straight
from tip_serving.api.telemetry import Tracing, tracing
from tip_serving.settings import Settings

_LOG = logging.getLogger(__name__)
_TICK_S = 1.0


@dataclass(frozen=True)
class Worker:
    """Builds the application of one worker, in its own process.

    Args:
        settings: of all workers.
        routes: what they serve.
        shared: the directory of all workers' figures; None where there is one worker.
        parent: the process without which it ends; None where it has none.
    """

    settings: Settings
    routes: Routes
    shared: Path | None = None
    parent: int | None = None

    def __call__(self) -> ASGIApp:
        """The application."""
        writer = logs.configure(self.settings.tip_log_level)
        logging.getLogger("uvicorn").setLevel(logging.WARNING)  # what it tells at the beginning and the end, we tell
        traced = tracing()
        meter = Meter(self.shared)
        app, condition = assemble(self.settings, self.routes, meter)
        _extend_lifespan(app, lambda: self._alive(condition, writer, traced))
        return surround(app, self.settings, meter, writer, traced)

    @asynccontextmanager
    async def _alive(
        self, condition: Condition, writer: logs.LineWriter, traced: Tracing | None
    ) -> AsyncIterator[None]:
        """From the moment at which requests may come to the one at which none is left."""
        ticking = asyncio.create_task(self._tick(condition))
        with _draining(condition, self.settings.tip_drain_s):
            _freeze_what_is_loaded()
            condition.is_started = True
            _LOG.info("Worker %d serves.", os.getpid())
            try:
                yield
            finally:
                condition.is_draining = True
                ticking.cancel()
                with suppress(asyncio.CancelledError):
                    await ticking
                condition.measure()
                _LOG.info("Worker %d has ended.", os.getpid())
                if traced is not None:
                    await asyncio.to_thread(traced.close)
                writer.flush()

    async def _tick(self, condition: Condition) -> None:
        """Keep the figures fresh, and end with the parent."""
        while True:
            await asyncio.sleep(_TICK_S)
            condition.measure()
            if self.parent is not None and os.getppid() != self.parent:
                _LOG.error("The parent of worker %d has died; it ends too.", os.getpid())
                signal.raise_signal(signal.SIGTERM)


def _freeze_what_is_loaded() -> None:
    """Have the garbage collector pass over what was loaded: a full collection of it takes tens of milliseconds."""
    gc.collect()
    gc.freeze()


def assemble(chosen: Settings, routes: Routes, meter: Meter) -> tuple[FastAPI, Condition]:
    """All routes, as the OpenAPI file has them, and the condition that the probes tell of."""
    app = create_app(chosen, routes, meter.event)
    condition = Condition(meter, app)
    retention = timedelta(days=chosen.tip_retention_days)
    app.include_router(feedback.router(retention))
    app.include_router(signals.router(retention))
    app.include_router(operations.router(condition))
    openapi.extend(app)
    return app, condition


def surround(app: FastAPI, chosen: Settings, meter: Meter, writer: logs.LineWriter, traced: Tracing | None) -> ASGIApp:
    """The application with everything that stands around it."""
    open_paths = operations.PATHS | {operations.OPENAPI}
    routes = open_paths | set(app.openapi()["paths"])
    inner = Straight(app) if score.PATH in routes else app
    whole = WholeBody(inner, chosen.tip_max_body_bytes, chosen.tip_body_timeout_s, chosen.tip_request_timeout_s)
    known = Authentication(whole, parse_tokens(chosen.tip_service_tokens), open_paths)
    bounded = BackPressure(known, chosen.tip_max_waiting, operations.PATHS, whole)
    tells = chosen.tip_log_level in {"debug", "info"}
    return Accounting(bounded, routes, meter, writer.write if tells else None, traced)


def _extend_lifespan(app: FastAPI, inner: Any) -> None:
    """Have `inner` begin after what the application opens, and end before that is closed."""
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def both(found: FastAPI) -> AsyncIterator[Any]:
        async with opened(found) as state, inner():
            yield state

    app.router.lifespan_context = both


@contextmanager
def _draining(condition: Condition, drain_s: float) -> Iterator[None]:
    """Meanwhile SIGTERM makes the worker unready, has it serve on for a while, and only then end."""
    end = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def on_signal(signum: int, frame: FrameType | None) -> None:
        assert callable(end)  # noqa: S101  the server that runs us has installed it
        if condition.is_draining or drain_s == 0:
            condition.is_draining = True
            end(signum, frame)
            return
        condition.is_draining = True
        _LOG.info("Worker %d drains for %g s.", os.getpid(), drain_s)
        loop.call_soon_threadsafe(loop.call_later, drain_s, end, signum, None)

    try:
        signal.signal(signal.SIGTERM, on_signal)
    except ValueError:  # not the main thread: whoever runs us there ends us in another way
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, end)
