"""What a trained candidate is held against before anything of it answers a request: all of it at once, each a finding.

Evidence is off-policy, from decisions that no part of the candidate was fitted on. Whoever is refused may be proposed
again when there is more to go by; each further attempt of the same arm has to be twice as sure, so that asking often
does not open the gate.
"""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tip_experiments.gate import Decision, GatePolicy
from tip_experiments.gate import Outcome as Answer
from tip_experiments.ope.errors import LogError
from tip_experiments.stats.sample_ratio import SampleRatioVerdict, sample_ratio
from tip_serving.events.kinds import Kind
from tip_serving.features import contract
from tip_serving.lake.storage import Lake, LakeError
from tip_serving.releasing.journal import Journal
from tip_serving.releasing.outcomes import users_by_arm
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.ports import CheckResult, Sources
from tip_serving.releasing.serving import served_by
from tip_serving.releasing.step import Finding, Outcome, StepKind, Turn
from tip_serving.scoring.arms import ReadyArm
from tip_serving.scoring.loading import ReleaseError, load
from tip_serving.scoring.manifest import Arm, Manifest, Role
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL, TIP_POLICY, Candidate
from tip_serving.training.cards.card import is_complete
from tip_serving.training.cards.keeping import CardError, read_card
from tip_serving.training.evidence import EvidenceError

_OF_DECISION = {
    Decision.RELEASE: Outcome.PASSED,
    Decision.KEEP: Outcome.FAILED,
    Decision.NOT_ENOUGH_EVIDENCE: Outcome.UNDETERMINED,
}
_OF_ANSWER = {
    Answer.PASSED: Outcome.PASSED,
    Answer.FAILED: Outcome.FAILED,
    Answer.UNDETERMINED: Outcome.UNDETERMINED,
}


class Ready(NamedTuple):
    """Both arms as a server would have them, or why it would not."""

    champion: ReadyArm | None
    challenger: ReadyArm | None
    finding: Finding


def passed(name: str, sentence: str) -> Finding:
    """A requirement that is met."""
    return Finding(name=name, outcome=Outcome.PASSED, sentence=f"{name}: {sentence}")


def failed(name: str, sentence: str) -> Finding:
    """A requirement that is not."""
    return Finding(name=name, outcome=Outcome.FAILED, sentence=f"{name}: {sentence}")


def of_contract(candidate: Candidate) -> Finding:
    """Whether it was trained on the features that this build computes."""
    ours = contract.contract_hash()
    if candidate.contract_hash == ours:
        return passed("contract", f"trained on feature contract {ours}, which this build has")
    return failed(
        "contract",
        f"it was trained on feature contract {candidate.contract_hash}, this build has {ours}. Materialize "
        "reward_model again",
    )


def ready(lake: Lake, turn: Turn, now: dt.datetime) -> Ready:
    """Both arms loaded from their files, each held against its hash, contract and example."""
    manifest = Manifest(
        version="gate", created_at=now, example=turn.example,
        arms=(turn.base.champion, turn.arm.model_copy(update={"role": Role.SHADOW, "weight": 1.0})),
    )  # fmt: skip
    try:
        release = load(lake, manifest, {})
    except ReleaseError as error:
        return Ready(None, None, failed("files", "; ".join(error.reasons)))
    told = "every file is there, has its hash, and gives the example the scores that it had when it was trained"
    return Ready(release.live[0], release.shadows[0], passed("files", told))


def cards(lake: Lake, arm: Arm, candidate: Candidate) -> Iterator[Finding]:
    """Whether each registered part has a card in which nothing is missing."""
    for name in registered(arm):
        version = candidate.cards.get(name)
        if version is None:
            yield failed(f"card of {name}", "there is none; a version without a card cannot be released")
            continue
        try:
            missing = is_complete(read_card(lake, name, version))
        except (LakeError, CardError) as error:
            yield failed(f"card of {name}", str(error))
            continue
        if missing:
            yield failed(f"card of {name}", f"version {version} lacks {', '.join(missing)}")
        else:
            yield passed(f"card of {name}", f"version {version} lacks nothing")


def registered(arm: Arm) -> dict[str, str]:
    """The versions of an arm by the names under which they are registered."""
    parts = {REWARD_MODEL: arm.model, TIP_POLICY: arm.policy, PROMPT_POLICY: arm.prompt_policy}
    return {name: part.version for name, part in parts.items() if part is not None}


def checks(results: list[CheckResult], plan: RolloutPlan) -> Finding:
    """Whether the checks of the assets behind the candidate have run and are green."""
    if not plan.requires_checks:
        return Finding(name="checks", outcome=Outcome.NOT_MEASURED, sentence="checks: not asked for by the plan")
    red = [one for one in results if one.is_blocking and not one.is_green]
    warned = [one for one in results if not one.is_blocking and not one.is_green]
    if not results:
        return failed("checks", "no check of the assets behind it has ever run; materialize them")
    if red:
        listed = "; ".join(f"{one.asset}.{one.check} ({one.words or 'failed'})" for one in red[:10])
        return failed("checks", f"{len(red)} of {len(results)} are red: {listed}")
    told = f"; of warnings {', '.join(f'{one.asset}.{one.check}' for one in warned[:10])}" if warned else ""
    return passed("checks", f"all {len(results) - len(warned)} that must be are green{told}")


def log_ratio(journal: Journal, sources: Sources, plan: RolloutPlan, now: dt.datetime) -> Finding:
    """Whether the log from which the evidence comes holds as many users of each arm as were dealt to it."""
    begin = now - dt.timedelta(days=plan.evidence_days)
    stages = [step for step in journal.steps if step.kind is StepKind.STAGE and step.at >= begin]
    manifests = {manifest.version: manifest for manifest in (served_by(journal, step) for step in stages)}
    since = min((step.at for step in stages), default=now)
    counts = users_by_arm(sources.events.between(Kind.EXPOSURE, since, now), set(manifests))
    off, n_judged = [], 0
    for version, by_arm in counts.items():
        live = manifests[version].live
        units = [by_arm.get(arm.name, 0) for arm in live]
        found = sample_ratio(units, [arm.weight for arm in live])
        n_judged += found.verdict is not SampleRatioVerdict.TOO_FEW
        if found.verdict is SampleRatioVerdict.MISMATCH:
            told = ", ".join(f"{arm.name} {n:,} users for {arm.weight:.0%}" for arm, n in zip(live, units, strict=True))
            off.append(f"under manifest {version} {told}. {found.words}")
    if off:
        return failed("sample ratio of the log", "; ".join(off))
    return passed("sample ratio of the log", f"{n_judged} stages of earlier rollouts hold the users that were dealt")


def evidence(
    lake: Lake, candidate: Candidate, arms: Ready, sources: Sources, plan: RolloutPlan, now: dt.datetime, attempt: int
) -> Iterator[Finding]:
    """What logged decisions say of the candidate against the champion.

    Args:
        lake: holds the exported days.
        candidate: which decisions it was not fitted on.
        arms: loaded.
        sources: read the evidence.
        plan: how far back, and how much gain.
        now: aware.
        attempt: the how-manieth of this arm, from 1.
    """
    if arms.champion is None or arms.challenger is None:
        yield Finding(
            name="evidence", outcome=Outcome.UNDETERMINED, sentence="evidence: not read, since the files do not load"
        )  # fmt: skip
        return
    days = [now.astimezone(dt.UTC).date() - dt.timedelta(days=n) for n in range(plan.evidence_days, -1, -1)]
    try:
        found = sources.evidence(lake, days, arms.champion, arms.challenger, now, candidate.untouched_since)
        policy = GatePolicy(confidence=1 - 0.05 / 2 ** (attempt - 1), minimal_gain=plan.minimal_gain)
        verdict = found.verdict(np.random.default_rng([*candidate.candidate_id.encode(), attempt]), policy)
    except (EvidenceError, LogError, ValueError) as error:
        yield Finding(name="evidence", outcome=Outcome.UNDETERMINED, sentence=f"evidence: cannot be read: {error}")
        return
    told = f"{found.n:,} decisions since {candidate.untouched_since:%Y-%m-%d %H:%M}"
    again = f"; attempt {attempt}, so {policy.confidence:.1%} is asked for" if attempt > 1 else ""
    yield Finding(
        name="evidence", sentence=f"evidence: {verdict.decision}, by {told}{again}",
        outcome=_OF_DECISION[verdict.decision],
        numbers={"gain": verdict.gain.value, **_interval(verdict.gain.interval), "n": float(found.n)},
    )  # fmt: skip
    for reason in verdict.reasons:
        yield Finding(
            name=reason.name, outcome=_OF_ANSWER[reason.outcome],
            sentence=f"{reason.name}: {reason.sentence}",
        )  # fmt: skip


def _interval(bounds: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = bounds or (None, None)
    return {"low": low, "high": high}
