"""The one thing that is next of a release: asked again and again, by anybody, it goes on where the steps say.

In this order, so that whoever dies is made good for by whoever comes next: what the steps say is served, what is next
is decided and written as a step, that is served, cards and registry are told.
"""

import datetime as dt
from collections.abc import Callable, Collection
from typing import NamedTuple

from tip_serving.lake.storage import ConflictError, Lake
from tip_serving.releasing import rollout, shadow_phase
from tip_serving.releasing.decision import Decided, Moment, Progress
from tip_serving.releasing.gate_phase import begin, gate
from tip_serving.releasing.journal import Journal, append, read_journal
from tip_serving.releasing.mirroring import mirror
from tip_serving.releasing.ports import Sources
from tip_serving.releasing.serving import publish
from tip_serving.releasing.state import Phase, next_in_line, proposals, state
from tip_serving.releasing.step import Finding, Step

_MOST_STEPS = 50  # of one call to `advance_all`; none takes more than a dozen


class Advance(NamedTuple):
    """What was done, or what is waited for."""

    step: Step | None
    """None where nothing could be decided yet."""
    words: str
    findings: tuple[Finding, ...]
    """Numbers as they stand."""
    progress: Progress | None
    """Of a shadow run or a stage that goes on."""
    untold: tuple[str, ...] = ()
    """What cards or registry could not be told; it is told with the next call."""


_NEXT: dict[Phase, Callable[[Moment], Decided]] = {
    Phase.QUEUED: begin,
    Phase.GATE: gate,
    Phase.SHADOW: shadow_phase.decide,
    Phase.APPROVAL: shadow_phase.approval,
    Phase.ROLLOUT: rollout.decide,
}


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
        ConflictError: others kept writing.
    """
    journal = publish(lake)
    decided = _decided(Moment(lake, state(lake, proposal_id, journal), journal, sources, now))
    step = None
    if decided.kind is not None:
        try:
            step = _taken(lake, journal, proposal_id, decided, now)
        except ConflictError:  # somebody else decided something just now; what is next may be another thing
            return advance(lake, proposal_id, sources, now)
        journal = publish(lake)
    untold = mirror(lake, state(lake, proposal_id, journal), sources.registry)
    return Advance(step, decided.words, decided.findings, decided.progress, tuple(untold))


def advance_all(lake: Lake, sources: Sources, now: dt.datetime, without: Collection[Phase] = ()) -> list[Step]:
    """Advance whichever proposal's turn it is until nothing can be decided; the steps that were taken.

    Args:
        lake: holds the proposals.
        sources: what they are decided by.
        now: aware.
        without: phases that are left to others.
    """
    journal = publish(lake)
    if journal.on_turn is not None:  # over or not: cards or registry may have been out of reach when it ended
        mirror(lake, state(lake, journal.on_turn, journal), sources.registry)
    taken: list[Step] = []
    while len(taken) < _MOST_STEPS:
        first = next_in_line(proposals(lake, publish(lake)))
        if first is None or first.phase in without:
            break
        step = advance(lake, first.proposal_id, sources, now).step
        if step is None:
            break
        taken.append(step)
    return taken


def watched(lake: Lake, proposal_id: str, sources: Sources, now: dt.datetime) -> Advance:
    """What `advance` would see, for people to look at; nothing is written and no step taken."""
    journal = read_journal(lake)
    decided = _decided(Moment(lake, state(lake, proposal_id, journal), journal, sources, now))
    return Advance(None, decided.words, decided.findings, decided.progress)


def _decided(moment: Moment) -> Decided:
    if not moment.found.is_open:
        return Decided.waiting(f"{moment.found.proposal_id} is over: {moment.found.phase}")
    if moment.found.waits_for is not None:
        return Decided.waiting(moment.found.next)
    return _NEXT[moment.found.phase](moment)


def _taken(lake: Lake, journal: Journal, proposal_id: str, decided: Decided, now: dt.datetime) -> Step:
    return append(
        lake, journal, proposal_id=proposal_id, kind=decided.kind, at=now, by=decided.by, reason=decided.words,
        findings=decided.findings, **decided.fields,
    )  # fmt: skip
