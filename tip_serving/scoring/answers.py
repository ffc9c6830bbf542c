"""What /score, /generate and /feedback answer. Every field is always there; null means that there is no such thing."""

import msgspec


class ScoredCandidate(msgspec.Struct, frozen=True, gc=False):  # of plain values: it can be in no cycle
    """One candidate, in the order of the request."""

    id: str
    score: float
    """The expected reward, or the default rule's points."""
    propensity: float
    """The probability with which this candidate was drawn to come first."""
    rank: int
    """1 is to be shown first."""


class ScoreAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The order of the candidates, and everything that it depends on."""

    decision_id: str
    order: tuple[str, ...]
    """Ids, the one to be shown first."""
    candidates: tuple[ScoredCandidate, ...]
    floor: float
    """No candidate had a lower propensity."""
    arm: str
    is_default: bool
    """Whether the rule scored and the default policy drew: neither model nor policy is released, or the arm failed."""
    error: str | None
    """The kind of error with which `arm` failed; then the default arm answered in its place."""
    manifest_version: str | None
    model_version: str
    policy_version: str
    contract_hash: str
    profile_source: str
    fell_back: dict[str, str]
    """By feature why its fallback was used."""
    without_text: tuple[str, ...]
    """Ids of candidates whose text is not known; they were scored as if it were empty."""


class GenerateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A written tip, and everything that it came from."""

    decision_id: str
    tip_id: str
    tip: str
    written_by: str
    """`model`, `fallback_model` or `embedded`."""
    model: str
    prompt_version: str
    prompt_source: str
    failures: tuple[str, ...]
    """Of models that were asked before, what went wrong."""
    latency_ms: float
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    arm: str
    manifest_version: str | None
    policy_version: str | None
    """Of the prompt policy, where it drew the version."""
    propensity: float
    """Of the drawn version; 1 where none was drawn."""
    profile_source: str
    fell_back: dict[str, str]


class SignalsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Signals that were taken down."""

    n: int


class FeedbackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was taken down."""

    event_id: str
