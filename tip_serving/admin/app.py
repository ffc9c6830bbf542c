"""The application of the admin process: routes and pages on one service, with a thread that watches the lake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from tip_serving.admin.api import catalogs, door, events, experiments, judging, people, problems, releases, rewards
from tip_serving.admin.api.caller import Caller, roles
from tip_serving.admin.api.problems import problem_response
from tip_serving.admin.assembly import Admin
from tip_serving.admin.limits import Caution, SizeLimit
from tip_serving.admin.service.users import Role

_ABOUT = """Start benches, watch them, judge tips and read results.

Programs send `Authorization: Bearer` with an API token; browsers have a session, and show its CSRF token with every
write. `x-roles` says who may call a route. Refusals are problem+json and name every fault. Lists are paged by `offset`
and `limit`; answers with an ETag can be asked for with `If-None-Match`.
"""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ROOMS = (door, experiments, events, judging, catalogs, people, rewards, releases)


def create_app(admin: Admin) -> FastAPI:
    """The routes, without pages; see `create_site` for both.

    Args:
        admin: what it works with; closed with the application.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(admin.watch.start)
        try:
            yield
        finally:
            await run_in_threadpool(admin.watch.end)
            admin.close()

    app = FastAPI(
        title="Tip bench",
        version="1",
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.admin = admin
    app.add_middleware(SizeLimit)
    app.add_middleware(Caution)
    problems.install(app)
    for room in ROOMS:
        app.include_router(room.ROUTES)

    @app.get("/openapi.json", openapi_extra=roles(*Role), tags=["door"])
    def schema(user: Caller) -> Response:
        """This schema."""
        del user
        return JSONResponse(described(app))

    return app


def described(app: FastAPI) -> dict[str, object]:
    """The schema of the routes, with the ways in which a request can prove itself."""
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    found["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": app.state.admin.doorman.cookie_name},
    }
    for operations in found["paths"].values():
        for operation in operations.values():
            if operation.get("x-roles") != ["anybody"]:
                operation["security"] = [{"token": []}, {"session": []}]
    return found


def _refuse_unknown(request: Request) -> Response:
    """What no route takes: the pages, which are mounted behind, would answer it as if somebody had come to read."""
    allowed = [
        method
        for room in ROOMS
        for route in room.ROUTES.routes
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is Match.PARTIAL
        for method in sorted(route.methods or ())
    ]
    if allowed:
        detail = f"This route takes {', '.join(allowed)}."
        return problem_response(405, detail, headers={"Allow": ", ".join(allowed)})
    return problem_response(404, "There is no such route; /openapi.json has them all.")


def create_site(admin: Admin) -> FastAPI:
    """Routes and pages; once a process, since NiceGUI keeps pages for itself."""
    from tip_serving.admin.panel import panel

    app = create_app(admin)
    app.add_route("/api/{rest:path}", _refuse_unknown, methods=_METHODS, include_in_schema=False)
    panel.mount(app, admin)
    return app
