"""Assembles the server: the routes that were asked for, and what they need, opened at start and closed at the end."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tip_serving.api import generate, problems, schemas, score
from tip_serving.api.routes import Routes
from tip_serving.api.services import opened
from tip_serving.events.event import Event
from tip_serving.settings import Settings

VERSION = "1.0.0"


def _deaf(event: Event) -> None:
    """Hears nothing."""


def create_app(settings: Settings, routes: Routes, listener: Callable[[Event], None] = _deaf) -> FastAPI:
    """The server; `app.state.services` is there once it has started.

    Args:
        settings: of the process.
        routes: what it serves.
        listener: hears of every event that is logged; raises nothing.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings, routes, listener) as services:
            app.state.services = services
            yield

    app = FastAPI(title="Tip serving", version=VERSION, lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    if routes.score:
        app.router.routes.append(score.route())
    if routes.generate:
        app.include_router(generate.router)
    app.openapi = lambda: _openapi(app, score.paths() if routes.score else {})  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _openapi(app: FastAPI, paths: dict[str, Any]) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        made["paths"] = {**paths, **made["paths"]}
        made.setdefault("components", {}).setdefault("schemas", {}).update(schemas.components())
        app.openapi_schema = made
    return app.openapi_schema
