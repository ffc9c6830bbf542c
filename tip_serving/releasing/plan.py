"""What a rollout asks for before it goes on; stored in its proposal and not changed after."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, le=1)]
Margin = Annotated[float, Field(gt=0, le=1)]
Hours = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]

_DAY = 24.0


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Guardrails(_Strict):
    """How much worse than the champion an arm may be, in absolute terms; more is harm, and ends the rollout."""

    reward: Margin = 0.02
    """Reward per decision, once its window is over."""
    early_reward: Margin = 0.03
    """The same as it stands `early_hours` after the decision, so that a great loss need not wait for the window."""
    dismissed: Margin = 0.02
    """Share of decisions whose tip was waved away within `early_hours`."""
    errors: Margin = 0.005
    """Share of decisions in which the arm failed and the default answered."""
    slow: Margin = 0.01
    """Share of decisions that took longer than `slow_score_ms` or `slow_generate_ms`."""
    early_hours: Annotated[float, Field(gt=0)] = 1.0
    slow_score_ms: Annotated[float, Field(gt=0)] = 50.0
    slow_generate_ms: Annotated[float, Field(gt=0)] = 20_000.0
    max_false_rollbacks: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Of rollouts of an arm that harms by no more than the margins, the share that may be rolled back all the same,
    over all guardrails, stages and looks."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """With which harm beyond a margin must have been ruled out before everybody gets the arm."""
    min_users: Annotated[int, Field(ge=2)] = 30
    """Of either arm, below which nothing is told from spreads between users."""


class ShadowLimits(_Strict):
    """What a shadow may do and still be shown to people."""

    max_error_share: Margin = 0.001
    max_slow_share: Margin = 0.01
    """Of answers that took longer than `Guardrails.slow_score_ms`."""
    min_agreement: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of decisions in which both arms have the same favourite."""
    max_score_shift: Annotated[float, Field(gt=0)] = 0.25
    """Between the mean scores of both arms, where a model scores in either."""


class RolloutPlan(_Strict):
    """How a release goes to people."""

    stages: tuple[Share, ...] = (0.01, 0.1, 0.5, 1.0)
    """Shares of all users, growing; the last is everybody."""
    min_decisions_per_stage: Count = 500
    """Answered by the arm that is rolled out."""
    min_hours_per_stage: Hours = _DAY
    patience_hours: Hours = 7 * _DAY
    """How long the last stage before everybody waits for its guardrails to pass before it asks for a person."""
    shadow_min_decisions: Count = 1_000
    shadow_min_hours: Hours = _DAY
    shadow: ShadowLimits = ShadowLimits()
    guardrails: Guardrails = Guardrails()
    auto_approve: bool = False
    """Whether what has passed gate and shadow is shown to people without a person's word."""
    accepts_warnings: bool = False
    """Whether a cell is let through against the warnings of the board that it is proposed by."""
    evidence_days: Annotated[int, Field(ge=1)] = 28
    """UTC days before the gate whose decisions are read as evidence."""
    minimal_gain: Annotated[float, Field(ge=0)] = 0.0
    """By how much the reward per decision, or the judge's points, must have grown for sure."""
    requires_checks: bool = True
    """Whether the checks of the assets behind a candidate must have run and be green."""

    @model_validator(mode="after")
    def _ends_with_everybody(self) -> Self:
        is_growing = list(self.stages) == sorted(set(self.stages))
        if len(self.stages) < 2 or self.stages[-1] != 1.0 or not is_growing:  # noqa: PLR2004  one to compare in, and all
            raise ValueError(f"stages are {self.stages}; expected two or more growing shares of which the last is 1")
        return self
