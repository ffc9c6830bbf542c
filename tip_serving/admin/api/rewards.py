"""Routes of what people did with tips: rates over time, comparisons, shares of arms, judges against people."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tip_serving.admin.api.answers import NOT_MODIFIED, answer
from tip_serving.admin.api.caller import Admins, Caller, roles
from tip_serving.admin.api.experiments import Offset
from tip_serving.admin.api.problems import documented
from tip_serving.admin.service.rewards import MAX_LIMIT, ComparisonRow, JudgeRow, RateRow, SampleRatioRow
from tip_serving.admin.service.rows import Page
from tip_serving.admin.service.users import Role
from tip_serving.rewards.tables import Dimension, Window

ROUTES = APIRouter(prefix="/api/rewards", tags=["rewards"])
_READERS = roles(Role.ADMIN, Role.VIEWER)


@ROUTES.get("/rates", response_model=Page[RateRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS)
def rates(
    request: Request,
    user: Caller,
    admin: Admins,
    dimension: Annotated[Dimension, Query(description="By what tips are told apart.")] = Dimension.PROMPT,
    window: Annotated[Window, Query(description="Over how long they are summed.")] = Window.ALL,
    key: Annotated[
        str | None, Query(max_length=500, description="Only this one.", examples=["embedded/planner|v2"])
    ] = None,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many.")] = MAX_LIMIT,
) -> Response:
    """How often tips were rewarded, with intervals over people; tips whose window is open are counted apart."""
    return answer(request, admin.rewards.rates(user, dimension, window, key, offset, limit))


@ROUTES.get(
    "/comparisons", response_model=list[ComparisonRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS
)
def comparisons(
    request: Request,
    user: Caller,
    admin: Admins,
    dimension: Annotated[Dimension | None, Query(description="Only these; all without it.")] = None,
) -> Response:
    """Whether one does better than the oldest that it was shown beside, in a sentence that holds at every look."""
    return answer(request, admin.rewards.comparisons(user, dimension))


@ROUTES.get(
    "/sample-ratios", response_model=list[SampleRatioRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS
)
def sample_ratios(request: Request, user: Caller, admin: Admins) -> Response:
    """Whether the arms of each manifest hold as many people as its weights say."""
    return answer(request, admin.rewards.sample_ratios(user))


@ROUTES.get("/judges", response_model=list[JudgeRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS)
def judges(request: Request, user: Caller, admin: Admins) -> Response:
    """Whether the scores of each judge predict what people do; judges are never averaged together."""
    return answer(request, admin.rewards.judges(user))
