"""A candidate for release: an arm that was trained, as one file that names all its parts.

    releases/candidates/<candidate>.json    written once; its name follows from the content of its parts

What is proposed, gated and rolled out is a candidate; nothing here decides about it.
"""

import datetime as dt
import hashlib
import json
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake
from tip_serving.scoring.manifest import Arm, File, ModelArtifact, Name, PolicyArtifact, Role, Sha256

REWARD_MODEL, TIP_POLICY, PROMPT_POLICY = "tip-reward-model", "tip-policy", "tip-prompt-policy"
"""The names under which versions are registered and have cards."""

_N_DIGITS = 12


class CandidateError(ValueError):
    """A file that is no candidate."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataWindow(_Strict):
    """The rows that a version was made from."""

    first_day: dt.date
    last_day: dt.date
    n_rows: Annotated[int, Field(ge=0)]
    n_users: Annotated[int, Field(ge=0)]
    sha256: Sha256
    """Over every value of the rows, in their order."""


class Candidate(_Strict):
    """One arm, not yet released. What is null is the documented default."""

    candidate_id: Name
    created_at: AwareDatetime
    model: ModelArtifact | None
    policy: PolicyArtifact | None
    prompt_policy: PolicyArtifact | None
    example: File | None
    """A request with the scores that this arm gives it, under the candidate's id."""
    cards: dict[Name, Name]
    """Registered name to version."""
    contract_hash: Name
    data: DataWindow
    untouched_since: AwareDatetime
    """No decision from then on was used to fit or to choose model and policy: only these may judge them.

    The prompt policy learns from all written tips; logged decisions among tips that were there say nothing of it.
    """
    registered: dict[Name, Name]
    """Registered name to the version that the model registry knows."""

    def arm(self, role: Role, weight: float) -> Arm:
        """The candidate as an arm of a manifest, by the name that its example knows it under."""
        return Arm(
            name=self.candidate_id, role=role, weight=weight, model=self.model, policy=self.policy,
            prompt_policy=self.prompt_policy,
        )  # fmt: skip


def content_version(content: bytes) -> str:
    """12 hexadecimal digits that name the content of a version."""
    return hashlib.sha256(content).hexdigest()[:_N_DIGITS]


def candidate_id(
    model: ModelArtifact | None, policy: PolicyArtifact | None, prompt_policy: PolicyArtifact | None
) -> str:
    """The name of the candidate of these parts: the same parts are the same candidate."""
    hashes = [None if part is None else part.sha256 for part in (model, policy, prompt_policy)]
    return content_version(json.dumps(hashes).encode())


def write_candidate(lake: Lake, candidate: Candidate) -> Candidate:
    """Keep the candidate; one of the same parts that is there already stays, and is what is returned."""
    path = layout.release_candidate(candidate.candidate_id)
    try:
        lake.swap(path, candidate.model_dump_json(indent=2).encode(), expected=None)
    except ConflictError:
        return read_candidate(lake, candidate.candidate_id)
    return candidate


def read_candidate(lake: Lake, candidate: str) -> Candidate:
    """The candidate of this id.

    Raises:
        MissingError: there is none.
        CandidateError: the file holds something else; all faults.
    """
    path = layout.release_candidate(candidate)
    try:
        return Candidate.model_validate_json(lake.read(path))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise CandidateError(f"{lake.locate(path)} is no candidate for release: {'; '.join(faults[:10])}") from None


def candidates(lake: Lake) -> list[Candidate]:
    """All candidates, the newest first."""
    names = [entry.path.rsplit("/", 1)[-1] for entry in lake.find(layout.RELEASE_CANDIDATES)]
    found = [read_candidate(lake, layout.decode(name.removesuffix(".json"))) for name in names]
    return sorted(found, key=lambda candidate: (candidate.created_at, candidate.candidate_id), reverse=True)
