"""What may be asked: the bodies of /score, /generate and /feedback, read strictly, with every fault at once.

One definition for the routes, the OpenAPI file, the client and the example that a release is tried on.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from tip_serving.events.feedback import Reaction
from tip_serving.features.context import resolve_context
from tip_serving.features.declared import FeatureError
from tip_serving.features.profile import resolve
from tip_serving.scenarios.model import Situation, Task
from tip_serving.scoring.errors import RequestError

MAX_CANDIDATES = 100
MAX_TASKS = 500
_SHOWN_NAME = 60  # characters
_MAX_FAULTS = 100  # listed; a body of a hundred thousand wrong tasks needs no answer of its own size

UserId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TipId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TipText = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
DecisionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asking(_Strict):
    """Who asks, in which situation."""

    user: UserId
    profile_features: dict[str, Any] | None = Field(
        default=None,
        description="By declared name, each a value or {value, computed_at}. Null asks the online feature store.",
    )
    now: AwareDatetime | None = Field(
        default=None,
        description="The person's local time with its offset; without it, this server's clock in their time zone.",
    )
    tasks: Annotated[tuple[Task, ...], Field(max_length=MAX_TASKS, description="The open tasks.")] = ()
    decision_id: DecisionId | None = Field(
        default=None, description="The same id draws the same tip again; without it, a new random one."
    )


class Authorship(_Strict):
    """By what a tip was written here, as the answer of /generate said."""

    decision_id: DecisionId
    prompt_version: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None


class Candidate(_Strict):
    """A tip that may be shown: known by its text, by an id, or both."""

    id: TipId | None = Field(default=None, description="Without it, an id that follows from the text.")
    text: TipText | None = Field(default=None, description="Without it, only what is known of the id is used.")
    written: Authorship | None = Field(
        default=None, description="Of a tip that /generate wrote; what becomes of the tip is then credited to it."
    )

    @model_validator(mode="after")
    def _is_something(self) -> "Candidate":
        if self.id is None and self.text is None:
            raise ValueError("needs an id or a text")
        return self


class ScoreRequest(Asking):
    """Which of these tips should this person see now?"""

    candidates: Annotated[
        tuple[TipText | Candidate, ...],
        Field(min_length=1, max_length=MAX_CANDIDATES, description="Texts, or objects with an id, a text or both."),
    ]
    context: dict[str, Any] | None = Field(
        default=None, description="Context features by declared name, in place of what follows from clock and tasks."
    )
    contract_hash: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="The feature contract that the caller computed for; another one here is a 409."
    )


class GenerateRequest(Asking):
    """Write a tip for this person now."""

    prompt_version: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None, description="A registered version; `auto` asks the released prompt policy."
    )
    budget_ms: Annotated[int, Field(ge=50, le=120_000)] | None = Field(
        default=None, description="Within which the tip must be there; without it, this server's own budget."
    )
    allow_embedded: bool = Field(
        default=True, description="Whether a tip that no language model wrote will do, where none answers in time."
    )
    stream: bool = Field(default=False, description="Answer with server-sent events while the tip is written.")


class FeedbackRequest(_Strict):
    """How a person took a tip that was decided here."""

    user: UserId
    decision_id: DecisionId
    tip_id: TipId
    reaction: Reaction
    rating: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="With `rated` and with nothing else: 1 is the best."
    )
    at: AwareDatetime | None = Field(default=None, description="When they did; without it, now.")
    event_id: DecisionId | None = Field(
        default=None, description="A report that is sent again under the same id counts once; without it, a new one."
    )

    @model_validator(mode="after")
    def _is_clear(self) -> "FeedbackRequest":
        if (self.rating is not None) != (self.reaction == "rated"):
            raise ValueError("`rated` needs a rating, and no other reaction has one")
        return self


@lru_cache(maxsize=2048)  # a catalogue of tips is asked about for every person
def tip_id(text: str) -> str:
    """The id of a tip that is known by its text alone, the same wherever it comes from."""
    return f"tip-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


_Body = TypeVar("_Body", bound=BaseModel)


def read(kind: type[_Body], body: bytes) -> _Body:
    """The request that `body` holds.

    Raises:
        RequestError: it is no JSON, or has fields that are missing, unknown, of another type or out of range;
            all of them, those of the profile features too.
    """
    try:
        return kind.model_validate_json(body, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [f"{_place(fault['loc'])}: {_said(fault['msg'])}" for fault in found[:_MAX_FAULTS]]
        raise RequestError([*faults, *(_feature_faults(body) if issubclass(kind, Asking) else ())]) from None


def _said(message: str) -> str:
    """The message for somebody who sends JSON: there are no tuples, and no errors of Python's."""
    return message.removeprefix("Value error, ").replace("Tuple should", "List should").replace("valid tuple", "list")


def _place(location: Sequence[int | str]) -> str:
    """Where a fault stands; a name that the caller made up is cut short."""
    return ".".join(str(part)[:_SHOWN_NAME] for part in location) or "body"


def _feature_faults(body: bytes) -> list[str]:
    """What is wrong with the features of a body that is refused anyway."""
    try:
        shipped = json.loads(body)
    except (ValueError, RecursionError):
        return []  # told already
    if not isinstance(shipped, dict):
        return []
    now = dt.datetime.now(dt.UTC)  # ages are no faults, so any moment will do
    return [
        *faults_of("profile_features", lambda features: resolve(features, None, now), shipped),
        *faults_of("context", lambda features: resolve_context(features, Situation(now=now)), shipped),
    ]


def faults_of(field: str, check: Callable[[dict[str, Any]], object], shipped: Mapping[str, Any]) -> list[str]:
    """The faults that `check` finds in the features under `field`, each with where it stands."""
    features = shipped.get(field)
    try:
        if isinstance(features, dict):
            check(features)
    except FeatureError as error:
        return [f"{field}.{fault}" for fault in error.faults[:_MAX_FAULTS]]
    return []
