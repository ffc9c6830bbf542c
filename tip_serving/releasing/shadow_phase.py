"""From the shadow to people: whether the run was long enough and says nothing against it, and who gives the word."""

from tip_serving.releasing import shadowing
from tip_serving.releasing.decision import Decided, Moment, Progress, failed, told, unmet
from tip_serving.releasing.outcomes import decisions
from tip_serving.releasing.serving import needs_shadow, served_by
from tip_serving.releasing.step import Step, StepKind

_EARLY = ("errors", "latency")
"""Exact at any number of decisions, so that a broken arm need not fail for as long as the plan runs."""


def decide(moment: Moment) -> Decided:
    """Let it pass after the plan's decisions and hours if nothing speaks against it, refuse it if something does."""
    turn, shown = moment.found.turn, moment.found.steps[-1]
    if not needs_shadow(turn):
        words = "a shadow has nothing to say: it scores and orders as the champion does, and writes only for people"
        return Decided(StepKind.SHADOW_PASSED, words)
    manifest = served_by(moment.journal, shown)
    found = decisions(moment.sources.events, manifest.version, shown.at, moment.now)
    run = shadowing.shadow_run(found, turn.arm.name)
    if not run.both:
        return Decided.waiting(f"no decision under manifest {manifest.version} has been answered in the shadow yet")
    is_same_scale = turn.arm.model is not None and turn.base.champion.model is not None
    findings = shadowing.findings(run, moment.found.proposal.plan, moment.now, is_same_scale=is_same_scale)
    early = [one for one in failed(findings) if one.name in _EARLY]
    so_far = _progress(moment, shown, run)
    if early or (so_far.is_reached and failed(findings)):
        return Decided(StepKind.REFUSED, told(early or failed(findings)), findings)
    unasked = f"; {run.n_unasked:,} more it was not asked about" if run.n_unasked else ""
    if not so_far.is_reached or unmet(findings):
        return Decided.waiting(f"{so_far}{unasked}", findings, so_far)
    return Decided(StepKind.SHADOW_PASSED, f"nothing in the shadow speaks against it: {so_far}{unasked}", findings)


def approval(moment: Moment) -> Decided:
    """The word of the plan where it has it, else a person's."""
    if moment.found.proposal.plan.auto_approve:
        return Decided(StepKind.APPROVED, "approved by its plan", by="plan")
    return Decided.waiting(f"waits for {moment.found.next}")


def _progress(moment: Moment, shown: Step, run: shadowing.ShadowRun) -> Progress:
    plan = moment.found.proposal.plan
    return Progress(run.n_both, plan.shadow_min_decisions, moment.hours_since(shown.at), plan.shadow_min_hours)
