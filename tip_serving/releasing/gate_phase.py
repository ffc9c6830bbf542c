"""The first two decisions about a proposal: its turn begins, and the gate lets it pass or refuses it."""

from collections.abc import Iterator

from tip_serving.lake.storage import LakeError
from tip_serving.releasing import bench_gate, gating
from tip_serving.releasing.decision import Decided, Moment, told, unmet
from tip_serving.releasing.proposal import Proposal, Source
from tip_serving.releasing.serving import base_of, needs_shadow
from tip_serving.releasing.state import proposals
from tip_serving.releasing.step import Base, Finding, Outcome, StepKind, Turn
from tip_serving.scoring.manifest import Arm, File, ManifestError, Role
from tip_serving.training.candidate import CandidateError, read_candidate


def begin(moment: Moment) -> Decided:
    """Note what is served, and what would be."""
    try:
        base = base_of(moment.lake)
        arm, example = _arm(moment, moment.found.proposal, base)
    except (ManifestError, CandidateError, LakeError) as error:
        return Decided(StepKind.REFUSED, f"it cannot be read: {error}")
    served = base.manifest_version or "nothing, so the defaults"
    return Decided(
        StepKind.BEGUN, f"its turn has come; released is {served}",
        fields={"turn": Turn(base=base, arm=arm, example=example)},
    )  # fmt: skip


def gate(moment: Moment) -> Decided:
    """Let it pass where every requirement is met; else refuse it with all that are not."""
    findings = tuple(_findings(moment))
    if against := unmet(findings):
        return Decided(StepKind.REFUSED, told(against), findings)
    return Decided(StepKind.GATE_PASSED, f"the gate is passed: all {len(findings)} requirements are met", findings)


def _arm(moment: Moment, proposal: Proposal, base: Base) -> tuple[Arm, File | None]:
    """What is proposed as the champion that it would be, and the request on which it is tried.

    A candidate without a prompt policy of its own keeps the one in service.
    """
    if proposal.source is Source.BENCH:
        changes = {"name": proposal.proposal_id, "prompt_policy": proposal.prompt_policy}
        return base.champion.model_copy(update=changes), base.example
    candidate = read_candidate(moment.lake, proposal.source_id)
    arm = candidate.arm(Role.CHAMPION, 1.0)
    if arm.prompt_policy is None:
        arm = arm.model_copy(update={"prompt_policy": base.champion.prompt_policy})
    return arm, candidate.example or base.example


def _findings(moment: Moment) -> Iterator[Finding]:
    lake, found, plan, sources = moment.lake, moment.found, moment.found.proposal.plan, moment.sources
    turn = found.turn
    if turn.arm.name == turn.base.champion.name:
        yield gating.failed("novelty", f"{turn.arm.name} is what is served already")
        return
    arms = gating.ready(lake, turn, moment.now)
    yield arms.finding
    if found.proposal.source is Source.BENCH:
        yield from bench_gate.findings(lake, found.proposal.source_id, turn.base, sources, plan)
        return
    candidate = read_candidate(lake, found.proposal.source_id)
    yield gating.of_contract(candidate)
    yield from gating.cards(lake, turn.arm, candidate)
    yield gating.checks(list(sources.checks.results(candidate)), plan)
    yield gating.log_ratio(moment.journal, sources, plan, moment.now)
    if not needs_shadow(turn):
        yield Finding(
            name="evidence", outcome=Outcome.NOT_MEASURED,
            sentence="evidence: it scores and orders as the champion does; who writes is watched when people have it",
        )  # fmt: skip
        return
    yield from gating.evidence(lake, candidate, arms, sources, plan, moment.now, _attempt(moment))


def _attempt(moment: Moment) -> int:
    """The how-manieth time that the gate is asked about this candidate."""
    earlier = [
        one
        for one in proposals(moment.lake, moment.journal)
        if one.proposal.source_id == moment.found.proposal.source_id
        and one.proposal_id != moment.found.proposal_id
        and any(step.kind is StepKind.REFUSED and step.findings for step in one.steps)
    ]
    return 1 + len(earlier)
