"""Champion and challenger on logged decisions: every estimator's answer, and what the release gate says of them.

policies/evaluations/<challenger>.json    the last evaluation of a policy
"""

import datetime as dt
from math import isfinite

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, FiniteFloat

from tip_experiments.gate import GatePolicy
from tip_experiments.gate.release import STANDARD
from tip_experiments.ope import DR, IPS, SNDR, SNIPS, Estimate, LoggedRounds, Normal, difference, evaluate
from tip_experiments.ope.estimator import Estimator
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.training.evidence import Evidence

CONFIDENCE = 0.95


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Strict):
    """What one estimator says of one question."""

    of: str
    """`champion`, `challenger` or `gain`."""
    estimator: str
    value: FiniteFloat | None
    """Null where no round agrees with the policy."""
    low: FiniteFloat | None
    """Null where the log cannot carry the answer."""
    high: FiniteFloat | None
    effective_n: FiniteFloat
    refusals: tuple[str, ...]


class Finding(_Strict):
    """One requirement of the gate."""

    name: str
    outcome: str
    sentence: str


class PolicyEvaluation(_Strict):
    """What logged decisions say of a challenger."""

    champion: str
    challenger: str
    challenger_version: str
    at: AwareDatetime
    first_at: AwareDatetime | None
    """Decisions before were not looked at."""
    n_decisions: int
    n_users: int
    n_left_out: dict[str, int]
    logged_reward: FiniteFloat
    answers: tuple[Answer, ...]
    decision: str
    findings: tuple[Finding, ...]

    def answer(self, of: str, estimator: str) -> Answer | None:
        """The answer to one question, where it was asked."""
        return next((one for one in self.answers if (one.of, one.estimator) == (of, estimator)), None)

    @property
    def best_estimator(self) -> str:
        """By which the gate decides: doubly robust where there is a model."""
        return DR.name if any(one.estimator == DR.name for one in self.answers) else SNIPS.name


def evaluated(
    found: Evidence,
    challenger_version: str,
    now: dt.datetime,
    since: dt.datetime | None,
    rng: np.random.Generator,
    policy: GatePolicy = STANDARD,
) -> PolicyEvaluation:
    """Every estimator on the evidence, and the gate's verdict.

    Args:
        found: of champion and challenger.
        challenger_version: of its policy.
        now: aware.
        since: where the evidence begins.
        rng: of the gate's bootstrap.
        policy: the gate's thresholds.
    """
    columns = {
        "rewards": found.rewards, "actions": found.actions, "propensities": found.propensities,
        "probabilities": found.probabilities, "reward_model": found.reward_model, "clusters": found.users,
    }  # fmt: skip
    champion = LoggedRounds.of(target=found.champion.target, **columns)
    challenger = champion.with_target(found.challenger.target)
    estimators: list[Estimator] = [IPS(), SNIPS()]
    if found.reward_model is not None:
        estimators += [DR(), SNDR()]
    answers = []
    inference = Normal(CONFIDENCE)
    for of, log in (("champion", champion), ("challenger", challenger)):
        estimates = evaluate(log, estimators, inference=inference, reliability=policy.reliability)
        answers += [_answer(of, estimator.name, one) for estimator, one in zip(estimators, estimates, strict=True)]
    for estimator in estimators:
        gained = difference(champion, challenger, estimator, inference=inference, reliability=policy.reliability)
        answers.append(_answer("gain", estimator.name, gained))
    verdict = found.verdict(rng, policy)
    return PolicyEvaluation(
        champion=found.champion.name,
        challenger=found.challenger.name,
        challenger_version=challenger_version,
        at=now,
        first_at=since,
        n_decisions=found.n,
        n_users=int(np.unique(found.users).size),
        n_left_out=dict(found.n_left_out),
        logged_reward=float(found.rewards.mean()),
        answers=tuple(answers),
        decision=verdict.decision.value,
        findings=tuple(
            Finding(name=one.name, outcome=one.outcome.value, sentence=one.sentence) for one in verdict.reasons
        ),
    )


def write_evaluation(lake: Lake, evaluation: PolicyEvaluation) -> str:
    """Keep it; where it lies in the lake."""
    path = layout.policy_evaluation(evaluation.challenger_version)
    lake.write(path, evaluation.model_dump_json(indent=2).encode())
    return path


def read_evaluation(lake: Lake, challenger_version: str) -> PolicyEvaluation:
    """The last evaluation of a policy. Raises MissingError."""
    return PolicyEvaluation.model_validate_json(lake.read(layout.policy_evaluation(challenger_version)))


def as_markdown(evaluation: PolicyEvaluation) -> str:
    """The estimates as a table, the verdict and its reasons below."""
    estimators = list(dict.fromkeys(one.estimator for one in evaluation.answers))
    lines = ["| estimator | champion | challenger | gain |", "|---|---:|---:|---:|"]
    for estimator in estimators:
        told = [_told(evaluation.answer(of, estimator)) for of in ("champion", "challenger", "gain")]
        lines.append(f"| {estimator} | {' | '.join(told)} |")
    counted = f"{evaluation.n_decisions:,} decisions of {evaluation.n_users:,} people"
    lines += ["", f"**{evaluation.decision.capitalize()}** by {counted}.", ""]
    lines += [f"- {one.outcome}: {one.name}. {one.sentence}" for one in evaluation.findings]
    return "\n".join(lines)


def _told(answer: Answer | None) -> str:
    if answer is None or answer.value is None:
        return ""
    if answer.low is None or answer.high is None:
        return f"({answer.value:.4f}, refused)"
    return f"{answer.value:.4f} ({answer.low:.4f} to {answer.high:.4f})"


def _answer(of: str, estimator: str, found: Estimate) -> Answer:
    low, high = found.interval or (None, None)
    return Answer(
        of=of, estimator=estimator, value=found.value if isfinite(found.value) else None, low=low, high=high,
        effective_n=found.diagnostics.effective_sample_size, refusals=found.refusals,
    )  # fmt: skip
