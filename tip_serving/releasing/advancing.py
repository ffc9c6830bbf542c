"""The one thing that is next of a release: asked again and again, by anybody, it goes on where the steps say."""

import datetime as dt
from typing import NamedTuple

from tip_serving.lake.storage import Lake
from tip_serving.releasing.ports import Sources
from tip_serving.releasing.step import Finding, Step


class Advance(NamedTuple):
    """What was done, or what is waited for."""

    step: Step | None
    """None where nothing could be decided yet."""
    words: str
    findings: tuple[Finding, ...]
    """Numbers as they stand."""


def advance(lake: Lake, proposal_id: str, sources: Sources, now: dt.datetime) -> Advance:
    """Do what is next for this proposal, if its turn has come and there is enough to decide by.

    Whoever was killed anywhere in here is made good for by the next call; two calls at once decide once.

    Args:
        lake: holds the proposal.
        proposal_id: which one.
        sources: what it is decided by.
        now: aware.

    Raises:
        ProposalError: there is no such proposal.
    """
    raise NotImplementedError


def advance_all(lake: Lake, sources: Sources, now: dt.datetime) -> list[Step]:
    """Advance whichever proposal's turn it is until nothing can be decided; what was."""
    raise NotImplementedError


def watched(lake: Lake, proposal_id: str, sources: Sources, now: dt.datetime) -> Advance:
    """What `advance` would see, for people to look at; nothing is written and no step taken."""
    raise NotImplementedError
