"""Proposals are made here, from a trained candidate or from a cell that a judge liked, and taken back."""

import datetime as dt

from tip_serving.lake.storage import Lake
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.proposal import Proposal
from tip_serving.releasing.step import Step


def propose(
    lake: Lake, source_id: str, by: str, now: dt.datetime, plan: RolloutPlan | None = None, note: str = ""
) -> Proposal:
    """The proposal to release the trained candidate, or the proposed cell of the bench, of this id.

    Nothing is released by it. Who proposes the same at the same `now` gets the same proposal.

    Args:
        lake: holds `source_id`.
        source_id: of `releases/candidates` or `bench/proposals`.
        by: who proposes it.
        now: aware.
        plan: how it shall go to people; None for the usual way.
        note: what whoever decides should know.

    Raises:
        ProposalError: there is nothing of this id, or it is proposed already and not over.
    """
    raise NotImplementedError


def withdraw(lake: Lake, proposal_id: str, by: str, now: dt.datetime, reason: str = "") -> Step:
    """Take a proposal back before anybody has it.

    Raises:
        ProposalError: there is none, or it is too late: roll it back.
    """
    raise NotImplementedError
