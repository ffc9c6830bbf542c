"""What those who run the server ask: does the process live, may it have requests, how does it fare."""

from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse, Response

from tip_serving.api.metrics import CONTENT_TYPE, Meter
from tip_serving.events.decision_log import LogState

LIVEZ, READYZ, METRICS = "/livez", "/readyz", "/metrics"
PATHS = frozenset({LIVEZ, READYZ, METRICS})
OPENAPI = "/openapi.json"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests may come, what serves them, and where their events go."""

    status: str
    """`ready`, `starting` or `draining`."""
    manifest: str | None
    """The version of what is released; null where nothing is, and the default policy serves."""
    refused_release: str | None
    """Why a newer release is not served."""
    events: dict[str, int] | None
    """Of the decision log: what waits, what became of the others, and whether the disk refuses."""


@dataclass
class Condition:
    """What this worker is in; asked of the application once it has started."""

    meter: Meter
    app: FastAPI
    is_started: bool = False
    is_draining: bool = False

    @property
    def log_state(self) -> LogState:
        """How the decision log fares."""
        found: LogState = self.app.state.services.log.state
        return found

    def measure(self) -> None:
        """Bring the figures that nobody counts as they come up to now; for a worker that has started."""
        self.meter.log_state(self.log_state)
        self.meter.shadow_state(self.app.state.services.shadow.state)

    @property
    def readiness(self) -> Readiness:
        """The answer of /readyz."""
        if not self.is_started:
            return Readiness(status="starting", manifest=None, refused_release=None, events=None)
        releases = self.app.state.services.releases
        return Readiness(
            status="draining" if self.is_draining else "ready",
            manifest=releases.current.version,
            refused_release=None if releases.refusal is None else releases.refusal.reason,
            events=self.log_state._asdict(),
        )


def router(condition: Condition) -> APIRouter:
    """The routes; they need no token and are answered under any load."""
    routes = APIRouter(tags=["operations"])

    @routes.get(LIVEZ, summary="Whether the process answers at all")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    not_now: dict[int | str, dict[str, Any]] = {
        503: {"description": "Not now.", "content": {"application/json": {"schema": {"type": "object"}}}}
    }

    @routes.get(READYZ, summary="Whether this worker may have requests", responses=not_now)
    async def readyz() -> Response:
        readiness = condition.readiness
        is_ready = readiness.status == "ready"
        return Response(msgspec.json.encode(readiness), 200 if is_ready else 503, media_type="application/json")

    @routes.get(METRICS, summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        if condition.is_started:
            condition.measure()
        return Response(condition.meter.render(), media_type=CONTENT_TYPE)

    return routes
