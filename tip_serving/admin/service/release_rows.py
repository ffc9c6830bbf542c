"""What the service answers about releases, as plain values: the same for routes and pages."""

import datetime as dt

from pydantic import ConfigDict

from tip_serving.admin.service.rows import Plain
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.proposal import Source
from tip_serving.releasing.state import Phase, ReleaseState
from tip_serving.releasing.step import Finding, Step, StepKind
from tip_serving.scoring.manifest import Arm


class CardLink(Plain):
    """A card of one registered version."""

    name: str
    title: str
    version: str
    href: str
    """Of the page for people."""


class ReleaseRow(Plain):
    """One proposal, in a line."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "proposal_id": "3f9c0a51be27", "source": "candidate", "source_id": "a41c77d0e9b2",
                    "title": "candidate a41c77d0e9b2", "phase": "rollout", "is_open": True, "is_asking": False,
                    "share": 0.1, "reason": "10% of all users have it", "next": "50% of all users", "by": "ana",
                    "proposed_at": "2026-03-01T09:00:00Z", "changed_at": "2026-03-03T09:00:00Z",
                }
            ]
        }
    )  # fmt: skip

    proposal_id: str
    source: Source
    source_id: str
    title: str
    phase: Phase
    is_open: bool
    is_asking: bool
    """Whether a person's word is waited for."""
    share: float
    """Of all users that have it now."""
    reason: str
    next: str
    by: str
    proposed_at: dt.datetime
    changed_at: dt.datetime


class StepRow(Plain):
    """One thing that was decided."""

    number: int
    kind: StepKind
    at: dt.datetime
    by: str
    reason: str
    share: float | None
    findings: tuple[Finding, ...]


class Release(Plain):
    """One proposal with all that was decided about it."""

    row: ReleaseRow
    note: str
    cell: str | None
    plan: RolloutPlan
    arm: Arm | None
    """What is released; null before its turn."""
    base_version: str | None
    """Of the manifest that a rollback restores; null where nothing was released, or before its turn."""
    steps: tuple[StepRow, ...]
    cards: tuple[CardLink, ...]
    may_approve: bool
    """Whether the release waits for a word of a person."""
    may_roll_back: bool


class Watched(Plain):
    """A release as it stands between two steps."""

    words: str
    findings: tuple[Finding, ...]


def release_row(found: ReleaseState) -> ReleaseRow:
    """The proposal in a line."""
    return ReleaseRow(
        proposal_id=found.proposal_id,
        source=found.proposal.source,
        source_id=found.proposal.source_id,
        title=found.proposal.title,
        phase=found.phase,
        is_open=found.is_open,
        is_asking=found.is_asking,
        share=found.share,
        reason=found.reason,
        next=found.next,
        by=found.proposal.by,
        proposed_at=found.proposal.at,
        changed_at=found.steps[-1].at if found.steps else found.proposal.at,
    )


def step_row(step: Step) -> StepRow:
    """The step without what only a rollback needs."""
    return StepRow(
        number=step.number,
        kind=step.kind,
        at=step.at,
        by=step.by,
        reason=step.reason,
        share=step.share,
        findings=step.findings,
    )
