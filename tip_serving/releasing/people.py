"""What people decide about a release: that it may go to users, and that it must go back."""

import datetime as dt

from tip_serving.lake.storage import Lake
from tip_serving.releasing.journal import append
from tip_serving.releasing.proposal import ProposalError
from tip_serving.releasing.serving import publish
from tip_serving.releasing.state import Phase, state
from tip_serving.releasing.step import Step, StepKind

_CAN_GO_BACK = (Phase.ROLLOUT, Phase.FINISHED)


def approve(lake: Lake, proposal_id: str, by: str, now: dt.datetime, reason: str = "") -> Step:
    """Let what has passed gate and shadow go to people, or on where a stage cannot make up its mind.

    Raises:
        ProposalError: it is not waiting for a person; says what it waits for.
        ConflictError: something else was decided at this very moment.
    """
    journal = publish(lake)
    found = state(lake, proposal_id, journal)
    if not found.is_asking:
        raise ProposalError(
            f"Proposal {proposal_id} is not waiting for a person: it is {found.phase}, and next is {found.next}."
        )
    told = f"approved by {by}" + (f": {reason}" if reason else "")
    return append(
        lake, journal, proposal_id=proposal_id, kind=StepKind.APPROVED, at=now, by=by, reason=told
    )  # fmt: skip


def rollback(lake: Lake, proposal_id: str, by: str, now: dt.datetime, reason: str) -> Step:
    """Serve again what was served before this proposal, at any time until another one's turn has come.

    Raises:
        ProposalError: nobody has it, or another release came after it.
        ConflictError: something else was decided at this very moment.
    """
    journal = publish(lake)
    found = state(lake, proposal_id, journal)
    if found.phase not in _CAN_GO_BACK:
        how = "withdraw it instead" if found.is_open else "nobody has it"
        raise ProposalError(f"Proposal {proposal_id} cannot be rolled back: it is {found.phase}, {how}.")
    if journal.on_turn != proposal_id:
        raise ProposalError(
            f"Proposal {proposal_id} cannot be rolled back: {journal.on_turn} came after it. Roll that one back, or "
            "propose what shall be served again."
        )
    step = append(
        lake, journal, proposal_id=proposal_id, kind=StepKind.ROLLED_BACK, at=now, by=by,
        reason=f"rolled back by {by}: {reason}",
    )  # fmt: skip
    publish(lake)
    return step
