"""One thing that was decided about a proposal: what, when, by whom, why, and the numbers it rests on.

A step is the audit record of a release. What is served follows from the steps and from nothing else.
"""

import math
from collections.abc import Mapping
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, FiniteFloat, field_validator

from tip_serving.scoring.manifest import Arm, File, Name

RELEASE = "release"
"""Who decides where no person does."""


class StepKind(StrEnum):
    """What a step says; in brackets the phase that it leads to."""

    BEGUN = "begun"
    """Its turn has come; what is served now is what it is held against, and what a rollback restores. (gate)"""
    GATE_PASSED = "gate passed"
    """It answers in the shadow from now on. (shadow)"""
    REFUSED = "refused"
    """By the gate or after the shadow run. (closed)"""
    SHADOW_PASSED = "shadow passed"
    """A person is asked. (approval)"""
    APPROVED = "approved"
    """(rollout)"""
    STAGE = "stage"
    """`share` of all users have it from now on. (rollout)"""
    PATIENCE = "patience"
    """The last stage has waited for long and its guardrails still do not say; a person is asked. (rollout)"""
    FINISHED = "finished"
    """It is the champion. (closed)"""
    ROLLED_BACK = "rolled back"
    """What was served before is served again. (closed)"""
    WITHDRAWN = "withdrawn"
    """By who proposed it, before anybody saw it. (closed)"""
    SUPERSEDED = "superseded"
    """A newer one of the same source came while it waited for its turn. (closed)"""


class Outcome(StrEnum):
    """What became of one requirement."""

    PASSED = "passed"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    NOT_MEASURED = "not measured"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Strict):
    """One requirement and what was found; `sentence` tells it with its numbers."""

    name: Name
    outcome: Outcome
    sentence: str
    numbers: dict[str, float | None] = {}
    """For pictures: what `sentence` tells, by name; null where nothing can be told."""

    @field_validator("numbers", mode="before")
    @classmethod
    def _only_what_can_be_told(cls, numbers: Mapping[str, float | None]) -> dict[str, float | None]:
        return {name: None if one is None or not math.isfinite(one) else one for name, one in numbers.items()}


class Base(_Strict):
    """What was served when a proposal's turn came."""

    manifest_version: str | None
    """None where nothing was released."""
    champion: Arm
    seed: Name
    example: File | None


class Turn(_Strict):
    """What a release is about, noted when its turn came."""

    base: Base
    arm: Arm
    """What is released, as it would be the champion."""
    example: File | None
    """On which that arm is tried."""


class Step(_Strict):
    """One decision; `number` counts over all proposals."""

    number: int
    proposal_id: Name
    kind: StepKind
    at: AwareDatetime
    by: Name
    reason: str
    findings: tuple[Finding, ...] = ()
    share: FiniteFloat | None = None
    """Of a stage."""
    turn: Turn | None = None
    """Of the step with which its turn came."""
