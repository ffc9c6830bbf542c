"""Routes of experiments: list, plan, start, watch, stop, retry, and read what came out."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import Field, WithJsonSchema
from starlette.responses import RedirectResponse, Response

from tip_serving.admin.api.answers import NOT_MODIFIED, answer, tagged
from tip_serving.admin.api.caller import Admins, Caller, roles
from tip_serving.admin.api.problems import documented
from tip_serving.admin.service import mlflow
from tip_serving.admin.service.bench import MAX_LIMIT, Asked, Foreseen, Started
from tip_serving.admin.service.rows import PHASES, CellRow, ExperimentRow, Page, Plain
from tip_serving.admin.service.tips import ScenarioRow
from tip_serving.admin.service.users import Role
from tip_serving.bench.page import text
from tip_serving.bench.page.content import JudgeBoard, SampleScenario
from tip_serving.bench.spec import Spec
from tip_serving.bench.state import CellPhase

ROUTES = APIRouter(prefix="/api/bench", tags=["experiments"])
_READERS, _ADMINS = roles(Role.ADMIN, Role.VIEWER), roles(Role.ADMIN)

Experiment = Annotated[str, Path(max_length=100, examples=["tip-bench-embedded"])]
Offset = Annotated[int, Query(ge=0, le=1_000_000_000, description="How many to pass over.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many.")]
_EXAMPLES = {
    "offline": {
        "summary": "Two embedded writers, no key needed",
        "value": {
            "experiment": "tip-bench-first-look",
            "models": ["embedded/first", "embedded/planner"],
            "prompts": ["v1", "v2"],
            "n_tips": 1,
            "n_scenarios": 20,
            "temperature": 0.7,
            "sampling_seed": 0,
        },
    },
    "priced": {
        "summary": "A small and a large model, with a hard stop",
        "value": {
            "experiment": "tip-bench-small-or-large",
            "models": ["openai/gpt-4o-mini", "ollama/llama3.2:3b"],
            "prompts": ["v3"],
            "n_tips": 2,
            "n_scenarios": 40,
            "max_model_b": 10,
            "max_cost_usd": 5,
        },
    },
}
RawSpec = Annotated[dict[str, Any], WithJsonSchema(Spec.model_json_schema()), Body(openapi_examples=_EXAMPLES)]


class Retry(Plain):
    """Which failed cells to ask for once more."""

    cells: Annotated[tuple[str, ...], Field(max_length=1_000, description="As `model|prompt`; none means all.")] = ()


@ROUTES.get(
    "/experiments", response_model=Page[ExperimentRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS
)
def experiments(
    request: Request,
    user: Caller,
    admin: Admins,
    text: Annotated[str, Query(max_length=200, description="What the name, a model or a prompt holds.")] = "",
    phase: Annotated[list[Literal[PHASES]] | None, Query(description="Only these.")] = None,  # type: ignore[valid-type]
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """The experiments with spec, state, progress, cost and times, newest first."""
    return answer(request, admin.bench.experiments(user, text, phase or (), offset, limit))


@ROUTES.get(
    "/experiments/{experiment}",
    response_model=ExperimentRow,
    responses=NOT_MODIFIED | documented(404),
    openapi_extra=_READERS,
)
def experiment(request: Request, user: Caller, admin: Admins, experiment: Experiment) -> Response:
    """One experiment."""
    return answer(request, admin.bench.experiment(user, experiment))


@ROUTES.post("/run", status_code=202, responses=documented(409), openapi_extra=_ADMINS)
def run(user: Caller, admin: Admins, spec: RawSpec) -> Started:
    """Start an experiment: its spec is written, the graph does the rest. The same body gets the same answer."""
    return admin.bench.start(user, spec).started


@ROUTES.post("/estimate", responses=documented(409), openapi_extra=_ADMINS)
def estimate(user: Caller, admin: Admins, spec: RawSpec) -> Foreseen:
    """What a spec would take: calls, cost, time. Writes nothing."""
    return admin.bench.estimate(user, spec)


@ROUTES.get(
    "/runs/{experiment}", response_model=Page[CellRow], responses=NOT_MODIFIED | documented(404), openapi_extra=_READERS
)
def runs(
    request: Request,
    user: Caller,
    admin: Admins,
    experiment: Experiment,
    phase: Annotated[list[CellPhase] | None, Query(description="Only these.")] = None,
    offset: Offset = 0,
    limit: Limit = MAX_LIMIT,
) -> Response:
    """The cells with state, counts, cost, latency, errors, and links to MLflow and Dagster."""
    return answer(request, admin.bench.cells(user, experiment, phase or (), offset, limit))


@ROUTES.get(
    "/runs/{experiment}/mlflow",
    status_code=307,
    response_class=RedirectResponse,
    responses=documented(404),
    openapi_extra=_READERS,
)
def to_mlflow(
    user: Caller,
    admin: Admins,
    experiment: Experiment,
    cell: Annotated[
        str | None, Query(max_length=500, description="As `model|prompt`; without it the experiment.")
    ] = None,
) -> RedirectResponse:
    """Leads to the experiment or the run of a cell in MLflow."""
    return RedirectResponse(mlflow.url(user, admin.bench, experiment, cell), 307)


@ROUTES.get(
    "/leaderboard/{experiment}",
    response_model=list[JudgeBoard],
    responses=NOT_MODIFIED
    | documented(404)
    | {200: {"content": {"application/json": {}, "text/csv": {}, "text/markdown": {}}}},
    openapi_extra=_READERS,
)
def leaderboard(
    request: Request,
    user: Caller,
    admin: Admins,
    experiment: Experiment,
    judge: Annotated[str | None, Query(max_length=200, description="Only the boards of this judge.")] = None,
    format: Annotated[Literal["json", "csv", "markdown"], Query()] = "json",  # noqa: A002  as people ask for it
) -> Response:
    """The leaderboard by (model, prompt), one board a judge; judges are never averaged together."""
    boards = [board for board in admin.bench.leaderboard(user, experiment) if judge in (None, board.judge)]
    match format:
        case "json":
            return answer(request, boards)
        case "csv":
            tables = [text.csv(board) for board in boards]
            # One header for all: a board's lines begin with its judge.
            lines = tables[:1] + [table.partition("\r\n")[2] for table in tables[1:]]
            return tagged(request, "".join(lines).encode(), "text/csv")
        case "markdown":
            return tagged(request, "\n".join(map(text.markdown, boards)).encode(), "text/markdown")


@ROUTES.get(
    "/scenarios/{experiment}",
    response_model=Page[ScenarioRow],
    responses=NOT_MODIFIED | documented(404),
    openapi_extra=_READERS,
)
def scenarios(
    request: Request, user: Caller, admin: Admins, experiment: Experiment, offset: Offset = 0, limit: Limit = 100
) -> Response:
    """The scenarios that tips were written for."""
    return answer(request, admin.tips.scenarios(user, experiment, offset, limit))


@ROUTES.get(
    "/tips/{experiment}/{scenario_id}",
    response_model=SampleScenario,
    responses=NOT_MODIFIED | documented(404),
    openapi_extra=_READERS,
)
def tips(
    request: Request,
    user: Caller,
    admin: Admins,
    experiment: Experiment,
    scenario_id: Annotated[str, Path(max_length=200)],
) -> Response:
    """What every cell wrote for one scenario, side by side, with what judges said."""
    return answer(request, admin.tips.side_by_side(user, experiment, scenario_id))


@ROUTES.post("/cancel/{experiment}", status_code=202, responses=documented(404, 409), openapi_extra=_ADMINS)
def cancel(user: Caller, admin: Admins, experiment: Experiment) -> Asked:
    """Ask whoever works on an experiment to stop; retry goes on with it."""
    return admin.bench.cancel(user, experiment)


@ROUTES.post("/retry/{experiment}", status_code=202, responses=documented(404, 409), openapi_extra=_ADMINS)
def retry(user: Caller, admin: Admins, experiment: Experiment, which: Retry = Retry()) -> Asked:  # noqa: B008  frozen
    """Ask for failed cells once more, and take back a cancellation."""
    return admin.bench.retry(user, experiment, which.cells)
