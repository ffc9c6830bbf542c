"""The server in this process for tests: started and ended as uvicorn would, asked through ASGI, its log read back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tip_serving.api.app import create_app
from tip_serving.api.routes import Routes
from tip_serving.api.services import Services
from tip_serving.events import wal
from tip_serving.events.exposure import Exposure
from tip_serving.settings import Settings


class Running(NamedTuple):
    """A server that answers."""

    client: httpx.AsyncClient
    services: Services


@asynccontextmanager
async def served(home: Path, routes: Routes = Routes.SCORE, **settings: Any) -> AsyncIterator[Running]:
    """The server with its state under `home`."""
    app = create_app(Settings(tip_home=home, **settings), routes)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tip", timeout=60) as client,
    ):
        yield Running(client, app.state.services)


def exposures(home: Path) -> list[Exposure]:
    """What the servers under `home` have logged by their end."""
    events = [event for path in wal.finished(Settings(tip_home=home).wal_directory) for event in wal.read(path)]
    return [event for event in events if isinstance(event, Exposure)]
