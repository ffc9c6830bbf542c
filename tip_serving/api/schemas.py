"""The bodies in the OpenAPI file: requests as pydantic reads them, answers as msgspec writes them."""

from collections.abc import Iterable
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tip_serving.api.refusals import MEDIA_TYPE, Problem
from tip_serving.scoring.answers import FeedbackAnswer, GenerateAnswer, ScoreAnswer, SignalsAnswer
from tip_serving.scoring.request import FeedbackRequest, GenerateRequest, ScoreRequest
from tip_serving.scoring.signals import schema

_REF = "#/components/schemas/{model}"
_REQUESTS: tuple[type[BaseModel], ...] = (ScoreRequest, GenerateRequest, FeedbackRequest)
_ANSWERS = (ScoreAnswer, GenerateAnswer, FeedbackAnswer, SignalsAnswer, Problem)
SIGNALS = "Signals"
"""The name of the body of /signals, which is a list."""


def components() -> dict[str, Any]:
    """Every schema by name."""
    _, requests = models_json_schema([(model, "validation") for model in _REQUESTS], ref_template=_REF)
    _, answers = msgspec.json.schema_components(_ANSWERS, ref_template=_REF.replace("model", "name"))
    signals, parts = schema(_REF.replace("model", "name"))
    return {**requests["$defs"], **answers, **parts, SIGNALS: signals}


def operation(request: type[BaseModel] | str, answer: type[msgspec.Struct], refusals: Iterable[int]) -> dict[str, Any]:
    """What a route adds to its entry in the OpenAPI file.

    Args:
        request: of the body, or the name of its schema.
        answer: of status 200.
        refusals: other statuses, each a problem.
    """
    problem = {"description": "Why not.", "content": {MEDIA_TYPE: {"schema": _reference(Problem)}}}
    good = {"description": "The answer.", "content": {"application/json": {"schema": _reference(answer)}}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": _reference(request)}}},
        "responses": {"200": good, **{str(status): problem for status in refusals}},
    }


def _reference(schema: type | str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema if isinstance(schema, str) else schema.__name__}"}
