"""What those who run the server ask: does the process live, may it have requests, how does it fare."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from tip_serving.api.metrics import CONTENT_TYPE, Meter
from tip_serving.events.decision_log import LogState

LIVEZ, READYZ, METRICS = "/livez", "/readyz", "/metrics"
PATHS = frozenset({LIVEZ, READYZ, METRICS})
DOCUMENTS = frozenset({"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests may come, what serves them, and where their events go."""

    status: str
    """`ready`, `starting` or `draining`."""
    manifest: str | None
    """The version of what is released; null where nothing is, and the default policy serves."""
    refused_release: str | None
    """Why a newer release is not served."""
    events: LogState | None


@dataclass
class Condition:
    """What this worker is in, and how its parts are asked."""

    meter: Meter
    log_state: Callable[[], LogState]
    manifest: Callable[[], str | None]
    refused_release: Callable[[], str | None]
    is_started: bool = False
    is_draining: bool = False

    @property
    def readiness(self) -> Readiness:
        """The answer of /readyz."""
        status = "draining" if self.is_draining else "ready" if self.is_started else "starting"
        return Readiness(
            status=status,
            manifest=self.manifest() if self.is_started else None,
            refused_release=self.refused_release() if self.is_started else None,
            events=self.log_state() if self.is_started else None,
        )


def router(condition: Condition) -> APIRouter:
    """The routes; they need no token and are answered under any load."""
    routes = APIRouter(tags=["operations"])

    @routes.get(LIVEZ, summary="Whether the process answers at all")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get(READYZ, summary="Whether this worker may have requests", responses={503: {"description": "Not now"}})
    async def readyz() -> Response:
        readiness = condition.readiness
        is_ready = readiness.status == "ready"
        return Response(msgspec.json.encode(readiness), 200 if is_ready else 503, media_type="application/json")

    @routes.get(METRICS, summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        if condition.is_started:
            condition.meter.log_state(condition.log_state())
        return Response(condition.meter.render(), media_type=CONTENT_TYPE)

    return routes
