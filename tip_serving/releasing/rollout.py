"""The stages: on to the next one after the plan's decisions and hours, back at once where a guardrail says so."""

from typing import NamedTuple

import polars as pl

from tip_serving.releasing import watching
from tip_serving.releasing.decision import Decided, Moment, Progress, failed, told, unmet
from tip_serving.releasing.journal import last
from tip_serving.releasing.outcomes import decisions, frame_of
from tip_serving.releasing.serving import served_by
from tip_serving.releasing.step import Finding, Step, StepKind
from tip_serving.releasing.watching import Stage


class _Seen(NamedTuple):
    """A stage and what is known of it."""

    step: Step
    share: float
    progress: Progress
    """In decisions that the arm answered."""
    findings: tuple[Finding, ...]


def decide(moment: Moment) -> Decided:
    """What follows on the stage that people are in."""
    stages = moment.found.proposal.plan.stages
    step = last(moment.found.steps, StepKind.STAGE)
    if step is None:
        return _stage(stages[0])
    seen = _seen(moment, step)
    if harm := failed(seen.findings):
        return Decided(StepKind.ROLLED_BACK, told(harm), seen.findings)
    if not seen.progress.is_reached:
        return Decided.waiting(f"{seen.progress}, at {seen.share:.0%}", seen.findings, seen.progress)
    if seen.share == 1.0:
        return Decided(StepKind.FINISHED, f"it is the champion: everybody had it for {seen.progress}", seen.findings)
    following = next(share for share in stages if share > seen.share)
    if following == 1.0 and unmet(seen.findings) and not _is_let_through(moment, step):
        return _undecided(moment, seen)
    return _stage(following, seen.findings)


def _stage(share: float, findings: tuple[Finding, ...] = ()) -> Decided:
    words = "all users have it" if share == 1.0 else f"{share:.0%} of all users have it"
    return Decided(StepKind.STAGE, words, findings, {"share": share})


def _undecided(moment: Moment, seen: _Seen) -> Decided:
    """Before everybody gets it, harm must be ruled out; what cannot be ruled out for long is a person's to decide."""
    open_ends = told(unmet(seen.findings))
    plan = moment.found.proposal.plan
    is_asked = moment.found.steps[-1].kind is StepKind.PATIENCE
    if moment.hours_since(seen.step.at) >= plan.patience_hours and not is_asked:
        return Decided(
            StepKind.PATIENCE, f"after {plan.patience_hours:g} hours harm is neither shown nor ruled out: {open_ends}",
            seen.findings,
        )  # fmt: skip
    return Decided.waiting(f"harm is not ruled out yet: {open_ends}", seen.findings, seen.progress)


def _is_let_through(moment: Moment, stage: Step) -> bool:
    """Whether a person gave the word in this very stage."""
    return any(step.kind is StepKind.APPROVED and step.number > stage.number for step in moment.found.steps)


def _seen(moment: Moment, step: Step) -> _Seen:
    """The stage with its guardrails; the last one is held against the champion of the stage before."""
    assert step.share is not None  # noqa: S101  every stage has one
    turn, is_last = moment.found.turn, step.share == 1.0
    champion, arm = turn.base.champion.name, turn.arm.name
    table = _decided_in(moment, step)
    beside = table
    if is_last:
        before = last(moment.found.steps[: moment.found.steps.index(step)], StepKind.STAGE)
        beside = table.clear() if before is None else _decided_in(moment, before)
    control, treatment = (one.filter(pl.col("arm") == name) for one, name in ((beside, champion), (table, arm)))
    stage = Stage(control, treatment, step.share, is_concurrent=not is_last)
    findings = watching.findings(stage, moment.found.proposal.plan, moment.now)
    plan = moment.found.proposal.plan
    hours = moment.hours_since(step.at)
    progress = Progress(treatment.height, plan.min_decisions_per_stage, hours, plan.min_hours_per_stage)
    return _Seen(step, step.share, progress, findings)


def _decided_in(moment: Moment, step: Step) -> pl.DataFrame:
    version = served_by(moment.journal, step).version
    return frame_of(decisions(moment.sources.events, version, step.at, moment.now))
