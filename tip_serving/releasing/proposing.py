"""Proposals are made here, from a trained candidate or from a cell that a judge liked, and taken back."""

import datetime as dt
import hashlib

from pydantic import ValidationError

from tip_experiments.policies import state as policy_state
from tip_experiments.policies.uniform import Uniform
from tip_serving.bench.deciding import Proposal as BenchProposal
from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, MissingError
from tip_serving.releasing.journal import append
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.proposal import Proposal, ProposalError, Source, proposal_id, read_proposal
from tip_serving.releasing.serving import publish
from tip_serving.releasing.state import Phase, proposals, state
from tip_serving.releasing.step import RELEASE, Step, StepKind
from tip_serving.scoring.manifest import PolicyArtifact
from tip_serving.training.candidate import read_candidate

USUAL = RolloutPlan()
_NOT_SHOWN = (Phase.QUEUED, Phase.GATE, Phase.SHADOW, Phase.APPROVAL)


def propose(
    lake: Lake, source_id: str, by: str, now: dt.datetime, plan: RolloutPlan = USUAL, note: str = ""
) -> Proposal:
    """The proposal to release the trained candidate, or the proposed cell of the bench, of this id.

    Nothing is released by it. Who proposes the same at the same `now` gets the same proposal. Older proposals of the
    same source that still wait for their turn are superseded.

    Args:
        lake: holds `source_id`.
        source_id: of `releases/candidates` or `bench/proposals`.
        by: who proposes it.
        now: aware.
        plan: how it shall go to people.
        note: what whoever decides should know.

    Raises:
        ProposalError: there is nothing of this id, or it is proposed already and not over.
    """
    source, title, cell = _looked_up(lake, source_id)
    proposal = Proposal(
        proposal_id=proposal_id(source, source_id, now), source=source, source_id=source_id, title=title, cell=cell,
        prompt_policy=None if cell is None else _policy_serving(lake, cell), plan=plan, note=note, by=by, at=now,
    )  # fmt: skip
    path = layout.release_proposal(proposal.proposal_id)
    if not lake.exists(path):
        _refuse_repeated(lake, proposal)
    try:
        lake.swap(path, proposal.model_dump_json(indent=1).encode(), expected=None)
    except ConflictError:
        proposal = read_proposal(lake, proposal.proposal_id)
    _supersede(lake, proposal, now)
    return proposal


def withdraw(lake: Lake, proposal_id: str, by: str, now: dt.datetime, reason: str = "") -> Step:
    """Take a proposal back before anybody has it.

    Raises:
        ProposalError: there is none, it is over, or it is too late.
        ConflictError: something else was decided at this very moment.
    """
    journal = publish(lake)
    found = state(lake, proposal_id, journal)
    if found.phase not in _NOT_SHOWN:
        what = "roll it back" if found.phase is Phase.ROLLOUT else "there is nothing to withdraw"
        raise ProposalError(f"Proposal {proposal_id} is {found.phase}: {what}.")
    told = f"withdrawn by {by}" + (f": {reason}" if reason else "")
    step = append(
        lake, journal, proposal_id=proposal_id, kind=StepKind.WITHDRAWN, at=now, by=by, reason=told
    )  # fmt: skip
    publish(lake)
    return step


def _looked_up(lake: Lake, source_id: str) -> tuple[Source, str, str | None]:
    """Where the id lies, what people call it, and the cell where it is one."""
    if lake.exists(layout.release_candidate(source_id)):
        candidate = read_candidate(lake, source_id)
        parts = {"model": candidate.model, "policy": candidate.policy, "prompts": candidate.prompt_policy}
        told = ", ".join(f"{name} {part.version[:12]}" for name, part in parts.items() if part is not None)
        return Source.CANDIDATE, told or "the defaults", None
    try:
        proposed = BenchProposal.model_validate_json(lake.read(layout.proposal(source_id)))
    except MissingError:
        raise ProposalError(
            f"Nothing of the id {source_id!r} can be proposed; `tip release candidates` lists what was trained, and "
            "`tip bench promote` makes a proposal of a cell."
        ) from None
    except ValidationError as error:
        raise ProposalError(f"{lake.locate(layout.proposal(source_id))} is damaged: {error}") from None
    cell = f"{proposed.model}@{proposed.prompt}"
    return Source.BENCH, f"{cell}, judged by {proposed.judge}", cell


def _policy_serving(lake: Lake, cell: str) -> PolicyArtifact:
    """The policy over prompts that always chooses `cell`, kept in the lake."""
    policy = Uniform.over([cell])
    data = policy_state.dumps(policy).encode()
    path = layout.policy(policy.version)
    lake.write(path, data)  # named by its content: whoever wrote it before wrote the same
    return PolicyArtifact(
        path=path, sha256=hashlib.sha256(data).hexdigest(), version=policy.version, contract_hash=None
    )  # fmt: skip


def _refuse_repeated(lake: Lake, proposal: Proposal) -> None:
    for one in proposals(lake):
        is_same = (one.proposal.source, one.proposal.source_id) == (proposal.source, proposal.source_id)
        if is_same and one.is_open:
            raise ProposalError(
                f"{proposal.source_id} is proposed already, as {one.proposal_id} ({one.phase}); withdraw that first."
            )


def _supersede(lake: Lake, proposal: Proposal, now: dt.datetime) -> None:
    """Close what waits for its turn behind others and is of the same source but older."""
    journal = publish(lake)
    for one in proposals(lake, journal):
        is_older = (one.proposal.at, one.proposal_id) < (proposal.at, proposal.proposal_id)
        if one.phase is Phase.QUEUED and one.proposal.source is proposal.source and is_older:
            try:
                step = append(
                    lake, journal, proposal_id=one.proposal_id, kind=StepKind.SUPERSEDED, at=now, by=RELEASE,
                    reason=f"{proposal.proposal_id} was proposed while it waited for its turn",
                )  # fmt: skip
            except ConflictError:
                _supersede(lake, proposal, now)
                return
            journal = journal.with_step(step)
