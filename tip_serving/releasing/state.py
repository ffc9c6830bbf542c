"""What every proposal has come to, read off its steps: the one place that says what is done and what is next."""

import itertools
from dataclasses import dataclass, replace
from enum import StrEnum

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.releasing.journal import Journal, last, read_journal
from tip_serving.releasing.proposal import Proposal, ProposalError, read_proposal
from tip_serving.releasing.step import Step, StepKind, Turn


class Phase(StrEnum):
    """How far a proposal is."""

    QUEUED = "queued"
    GATE = "gate"
    SHADOW = "shadow"
    APPROVAL = "approval"
    ROLLOUT = "rollout"
    FINISHED = "finished"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


OPEN = (Phase.QUEUED, Phase.GATE, Phase.SHADOW, Phase.APPROVAL, Phase.ROLLOUT)
_AFTER = {
    StepKind.BEGUN: Phase.GATE,
    StepKind.GATE_PASSED: Phase.SHADOW,
    StepKind.REFUSED: Phase.REFUSED,
    StepKind.SHADOW_PASSED: Phase.APPROVAL,
    StepKind.APPROVED: Phase.ROLLOUT,
    StepKind.STAGE: Phase.ROLLOUT,
    StepKind.PATIENCE: Phase.ROLLOUT,
    StepKind.FINISHED: Phase.FINISHED,
    StepKind.ROLLED_BACK: Phase.ROLLED_BACK,
    StepKind.WITHDRAWN: Phase.WITHDRAWN,
    StepKind.SUPERSEDED: Phase.SUPERSEDED,
}


@dataclass(frozen=True)
class ReleaseState:
    """One proposal with all that was decided about it."""

    proposal: Proposal
    steps: tuple[Step, ...]
    waits_for: str | None
    """The proposal whose turn has to be over first; None where it is this one's."""
    replaced_by: str | None = None
    """The proposal that became the champion after this one had been it."""

    @property
    def proposal_id(self) -> str:
        """Of the proposal."""
        return self.proposal.proposal_id

    @property
    def phase(self) -> Phase:
        """How far it is."""
        return _AFTER[self.steps[-1].kind] if self.steps else Phase.QUEUED

    @property
    def is_open(self) -> bool:
        """Whether something is still to be decided."""
        return self.phase in OPEN

    @property
    def has_begun(self) -> bool:
        """Whether its turn has come, now or before."""
        return last(self.steps, StepKind.BEGUN) is not None

    @property
    def turn(self) -> Turn:
        """What it is about: the arm, and what was served when its turn came. Raises ProposalError before that."""
        begun = last(self.steps, StepKind.BEGUN)
        if begun is None or begun.turn is None:
            raise ProposalError(f"Proposal {self.proposal_id} is {self.phase}: its turn has not come.")
        return begun.turn

    @property
    def stage(self) -> Step | None:
        """The stage that it is in, of a rollout."""
        return last(self.steps, StepKind.STAGE) if self.phase is Phase.ROLLOUT else None

    @property
    def share(self) -> float:
        """Of all users that have it now; of a champion, as if nothing newer were on its way."""
        if self.phase is Phase.FINISHED:
            return 1.0 if self.replaced_by is None else 0.0
        return 0.0 if self.stage is None or self.stage.share is None else self.stage.share

    @property
    def is_asking(self) -> bool:
        """Whether a person's word is waited for."""
        is_undecided = bool(self.steps) and self.steps[-1].kind is StepKind.PATIENCE
        return self.phase is Phase.APPROVAL or is_undecided

    @property
    def reason(self) -> str:
        """Why it is where it is."""
        return self.steps[-1].reason if self.steps else "proposed"

    @property
    def next(self) -> str:
        """What comes next, in words."""
        match self.phase:
            case Phase.QUEUED if self.waits_for is not None:
                return f"waits for {self.waits_for}: one release at a time"
            case Phase.QUEUED | Phase.GATE:
                return "the gate"
            case Phase.SHADOW:
                return "to have answered in the shadow for long enough"
            case _ if self.is_asking:
                return f"a person: tip release approve {self.proposal_id}"
            case Phase.ROLLOUT:
                return self._next_stage()
            case _:
                return "nothing" if self.replaced_by is None else f"nothing: {self.replaced_by} has taken its place"

    def _next_stage(self) -> str:
        following = next((share for share in self.proposal.plan.stages if share > self.share), None)
        return "to become the champion" if following is None else f"{following:.0%} of all users"


def state(lake: Lake, proposal_id: str, journal: Journal | None = None) -> ReleaseState:
    """What this proposal has come to.

    Args:
        lake: holds the proposal.
        proposal_id: which one.
        journal: where it was read already.

    Raises:
        ProposalError: there is none of this id.
        JournalError: the steps are damaged.
    """
    read_proposal(lake, proposal_id)
    return next(found for found in proposals(lake, journal) if found.proposal_id == proposal_id)


def proposals(lake: Lake, journal: Journal | None = None) -> list[ReleaseState]:
    """What every proposal has come to, in the order in which they were made.

    Args:
        lake: holds the proposals.
        journal: where it was read already.
    """
    journal = read_journal(lake) if journal is None else journal
    names = [entry.path.rsplit("/", 1)[-1].removesuffix(".json") for entry in lake.find(layout.RELEASE_PROPOSALS)]
    made = [read_proposal(lake, layout.decode(name)) for name in names]
    found = [
        ReleaseState(one, journal.of(one.proposal_id), None)
        for one in sorted(made, key=lambda one: (one.at, one.proposal_id))
    ]
    first = next_in_line(found)
    successors = _successors(found)
    return [
        replace(
            one,
            waits_for=first.proposal_id if first is not None and one.is_open and one is not first else None,
            replaced_by=successors.get(one.proposal_id),
        )
        for one in found
    ]


def _successors(found: list[ReleaseState]) -> dict[str, str]:
    """Of each champion that is one no more, who took its place; who was rolled back since has taken none."""
    champions = sorted((one for one in found if one.phase is Phase.FINISHED), key=lambda one: one.steps[-1].number)
    return {old.proposal_id: new.proposal_id for old, new in itertools.pairwise(champions)}


def next_in_line(found: list[ReleaseState]) -> ReleaseState | None:
    """Whose turn it is: who has begun and is not over, else who was proposed first; None where nothing is open."""
    still_open = [one for one in found if one.is_open]
    return next((one for one in still_open if one.steps), still_open[0] if still_open else None)
