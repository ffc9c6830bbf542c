"""The exposure event: what was decided for a user, by what, with which probability, and from which features.

Grain: one decision. It holds ids, numbers and versions; neither a task's text nor a tip's.
"""

from typing import Literal

import msgspec

from tip_serving.events.event import Event, Moment
from tip_serving.events.vectors import PackedVectors

Kind = Literal["score", "generate"]


class ShadowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an arm that serves nobody would have said to the same request; lists follow the exposure's `tip_ids`."""

    arm: str
    model_version: str | None = None
    policy_version: str | None = None
    scores: tuple[float, ...] = ()
    propensities: tuple[float, ...] = ()
    latency_ms: float | None = None
    error: str | None = None
    """The kind of error that kept it from answering."""


class Authorship(msgspec.Struct, frozen=True, kw_only=True):
    """By what a tip was written: the decision of the /generate that wrote it, and what that chose."""

    decision_id: str
    prompt_version: str | None = None
    model: str | None = None


class Exposure(Event, frozen=True, kw_only=True, tag="exposure"):
    """One decision. Lists have one entry per candidate tip, in the order of `tip_ids`, as plain Python numbers.

    Attributes:
        decision_id: what feedback on the tip refers to.
        arm: of the released manifest, the one that this user has; its version is null where nothing is released.
        contract_hash: names the features in `vectors`.
        prompt_version: the prompt behind a generated tip.
        model: the language model behind a generated tip.
        model_version: the reward model that gave the scores.
        propensities: probability of each tip to come first, in [0, 1].
        scores: what the reward model or the default rule gave each tip.
        order: positions in `tip_ids`, the best first.
        vector_hash: `vectors.digest` of `vectors`.
        fell_back: feature to reason (`missing`, `null`, `stale`).
        shadow: what arms in the shadow said, where they were asked and not dropped.
        latency_ms: from the request to this event; null for events on the clock of their requests.
        error: the kind of error with which `arm` failed. The default arm answered in its place: `policy_version`,
            `model_version`, scores and propensities are of the default.
        profile_source: `request`, `store`, or why no profile features were to be had.
        profile_computed_at: when the latest of the profile features was computed, as far as that was told.
        written: by what each tip of `tip_ids` was written, null where that was not told; empty where it was of none.
    """

    decision_id: str
    kind: Kind
    arm: str
    manifest_version: str | None
    policy_version: str | None
    model_version: str | None
    contract_hash: str
    prompt_version: str | None = None
    model: str | None = None
    tip_ids: tuple[str, ...]
    propensities: tuple[float, ...]
    scores: tuple[float, ...]
    order: tuple[int, ...]
    vector_hash: str | None = None
    vectors: PackedVectors | None = None
    fell_back: dict[str, str] = msgspec.field(default_factory=dict)
    shadow: tuple[ShadowResult, ...] = ()
    latency_ms: float | None = None
    error: str | None = None
    profile_source: str | None = None
    profile_computed_at: Moment | None = None
    written: tuple[Authorship | None, ...] = ()
    schema_version: Literal[1] = 1

    @property
    def subject(self) -> str:
        """`exposures.score` or `exposures.generate`."""
        return f"exposures.{self.kind}"
