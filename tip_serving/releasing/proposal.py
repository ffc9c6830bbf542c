"""What somebody wants released: where it comes from, which arm it would become and by which plan. Never changed.

releases/proposals/<proposal>.json
"""

import datetime as dt
import hashlib
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.scoring.manifest import Name, PolicyArtifact


class Source(StrEnum):
    """Where a proposal comes from."""

    CANDIDATE = "candidate"
    """An arm that was trained: `releases/candidates/<id>.json`."""
    BENCH = "bench"
    """A cell that a judge liked: `bench/proposals/<id>.json`."""


class ProposalError(ValueError):
    """A proposal that cannot be made or found; says why."""


class Proposal(BaseModel):
    """One arm that somebody wants to become the champion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proposal_id: Name
    source: Source
    source_id: Name
    title: str
    """What people call it."""
    cell: str | None
    """MODEL@PROMPT that the arm would write with, where a bench proposed it."""
    prompt_policy: PolicyArtifact | None
    """That serves `cell`; a trained candidate names its own parts."""
    plan: RolloutPlan
    note: str
    by: Name
    at: AwareDatetime


def proposal_id(source: Source, source_id: str, at: dt.datetime) -> str:
    """12 hex digits; who proposes the same at the same moment makes the same proposal."""
    return hashlib.sha256(f"{source}:{source_id}:{at.astimezone(dt.UTC).isoformat()}".encode()).hexdigest()[:12]


def read_proposal(lake: Lake, proposal: str) -> Proposal:
    """The proposal of this id. Raises ProposalError."""
    try:
        return Proposal.model_validate_json(lake.read(layout.release_proposal(proposal)))
    except MissingError:
        raise ProposalError(f"There is no proposal {proposal!r}; `tip release status` lists them.") from None
