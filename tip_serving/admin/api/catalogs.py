"""Routes of what experiments can be made of: prompts and models."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tip_serving.admin.api.answers import NOT_MODIFIED, answer
from tip_serving.admin.api.caller import Admins, Caller, roles
from tip_serving.admin.api.problems import documented
from tip_serving.admin.service import catalogs
from tip_serving.admin.service.catalogs import ModelRow, PromptDiff, PromptRow
from tip_serving.admin.service.users import Role

ROUTES = APIRouter(prefix="/api", tags=["prompts and models"])
_READERS = roles(Role.ADMIN, Role.VIEWER)
Version = Annotated[str, Query(max_length=100)]


@ROUTES.get("/prompts", response_model=list[PromptRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS)
def prompts(request: Request, user: Caller, admin: Admins) -> Response:
    """Every registered version with its texts and where it is used."""
    return answer(request, catalogs.prompts(user, admin.bench))


@ROUTES.get(
    "/prompts/diff", response_model=PromptDiff, responses=NOT_MODIFIED | documented(404), openapi_extra=_READERS
)
def diff(request: Request, user: Caller, old: Version, new: Version) -> Response:
    """What changed from one version to another, line by line."""
    return answer(request, catalogs.prompt_diff(user, old, new))


@ROUTES.get("/models", response_model=list[ModelRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS)
def models(request: Request, user: Caller, admin: Admins) -> Response:
    """Every model that is embedded, declared or was ever asked for, with size and price."""
    return answer(request, catalogs.models(user, admin.bench))
