"""What people decide about a release: that it may go to users, and that it must go back."""

import datetime as dt

from tip_serving.lake.storage import Lake
from tip_serving.releasing.step import Step


def approve(lake: Lake, proposal_id: str, by: str, now: dt.datetime, reason: str = "") -> Step:
    """Let what has passed gate and shadow go to people, or on where a stage cannot make up its mind.

    Raises:
        ProposalError: it is not waiting for a person; says what it waits for.
    """
    raise NotImplementedError


def rollback(lake: Lake, proposal_id: str, by: str, now: dt.datetime, reason: str) -> Step:
    """Serve again what was served before this proposal, at any time until another one's turn has come.

    Raises:
        ProposalError: nobody has it, or another release came after it.
    """
    raise NotImplementedError
