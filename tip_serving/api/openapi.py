"""The OpenAPI file as callers meet the server: the routes, and what stands around them.

python -m tip_serving openapi > docs/openapi.json
"""

from typing import Any

from fastapi import FastAPI

from tip_serving.api.refusals import MEDIA_TYPE

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_AROUND = {
    "401": "No service token, or none that is known here.",
    "408": "The body did not arrive in time.",
    "413": "The body is larger than this server takes.",
    "503": "Too many requests wait here; `Retry-After` says when to come again.",
    "504": "No answer in time.",
}
_STREAMED = {"schema": {"description": "Server-sent events, where the request asks for `stream`."}}
_TOKEN = {"type": "http", "scheme": "bearer", "description": "A service token; needed where the server knows any."}


def extend(app: FastAPI) -> None:
    """Have the application tell of limits and tokens too, and name its operations by their paths."""
    routes_alone = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _extended(routes_alone())
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _extended(made: dict[str, Any]) -> dict[str, Any]:
    paths = {path: {method: _operation(path, method, found[method]) for method in found}
             for path, found in made["paths"].items()}  # fmt: skip
    components = {**made["components"], "securitySchemes": {"token": _TOKEN}}
    return {**made, "paths": paths, "components": components}


def _operation(path: str, method: str, found: dict[str, Any]) -> dict[str, Any]:
    named = {**found, "operationId": path.strip("/")}
    if method != "post":  # probes stand outside of limits and tokens
        return named
    problem = {"content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    responses = {**found["responses"]}
    for status, meaning in _AROUND.items():
        responses.setdefault(status, {"description": meaning, **problem})
    if path == "/generate":
        good = responses["200"]
        responses["200"] = {**good, "content": {**good["content"], "text/event-stream": _STREAMED}}
    return {**named, "responses": dict(sorted(responses.items())), "security": [{"token": []}, {}]}
