"""What a shadow run says: how the arm would have answered the very requests that the champion did.

Nobody saw its answers, so rewards are not its own: what they are worth is implied by the champion's, where both might
have said the same.
"""

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.gate import Contender, GatePolicy
from tip_experiments.gate.contest import Contest
from tip_experiments.ope.errors import LogError
from tip_experiments.stats.moments import Proportion
from tip_experiments.stats.share_bounds import ShareBounds
from tip_serving.events.exposure import ShadowResult
from tip_serving.releasing.outcomes import Decision, frame_of, rewarded
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.step import Finding, Outcome
from tip_serving.training.reward import WINDOW

MOST_READ = 50_000  # decisions that are held in memory, some 100 MB; they tell all that a shadow can tell
_CONFIDENCE = 0.99  # of the bounds by which a shadow is refused: of its few limits none falls by chance


class ShadowRun(NamedTuple):
    """The decisions that both arms answered."""

    both: tuple[tuple[Decision, ShadowResult], ...]
    """The first MOST_READ of them."""
    n_both: int
    n_unasked: int
    """Decisions that the shadow was not asked about: its queue was full, or nothing was to be scored."""


def shadow_run(decisions: Iterable[Decision], arm: str) -> ShadowRun:
    """The decisions that the shadow `arm` was asked about too."""
    both: list[tuple[Decision, ShadowResult]] = []
    n_both = n_unasked = 0
    for decision in decisions:
        result = next((one for one in decision.exposure.shadow if one.arm == arm), None)
        if result is None:
            n_unasked += decision.exposure.kind == "score"
            continue
        n_both += 1
        if n_both <= MOST_READ:
            both.append((decision, result))
    return ShadowRun(tuple(both), n_both, n_unasked)


def findings(run: ShadowRun, plan: RolloutPlan, now: dt.datetime, *, is_same_scale: bool) -> tuple[Finding, ...]:
    """What the shadow run says of the arm; nothing fails by chance, and what cannot be told yet is not determined.

    Args:
        run: at least one decision.
        plan: the limits.
        now: aware.
        is_same_scale: whether both arms' scores are predicted rewards, so that they can be compared.
    """
    answered = [(decision, result) for decision, result in run.both if result.error is None]
    found = [_errors(run, plan), _slow(answered, plan), _agreement(answered, plan)]
    found.append(_score_shift(answered, plan, is_same_scale=is_same_scale))
    found.append(_implied_value(answered, plan, now))
    return tuple(found)


def _errors(run: ShadowRun, plan: RolloutPlan) -> Finding:
    kinds = sorted({result.error for _, result in run.both if result.error is not None})
    n_failed = sum(result.error is not None for _, result in run.both)
    told = f"it failed on {n_failed:,} of {len(run.both):,} decisions" + (f" ({', '.join(kinds)})" if kinds else "")
    return _limited("errors", Proportion(n_failed, len(run.both)), plan.shadow.max_error_share, told)


def _slow(answered: list[tuple[Decision, ShadowResult]], plan: RolloutPlan) -> Finding:
    """Of scoring alone, which is a part of what the champion's whole answers took."""
    took = [result.latency_ms for _, result in answered if result.latency_ms is not None]
    theirs = [one.exposure.latency_ms for one, _ in answered if one.exposure.latency_ms is not None]
    if not took:
        return Finding(name="latency", outcome=Outcome.NOT_MEASURED, sentence="latency: not measured. Nothing says it")
    limit = plan.guardrails.slow_score_ms
    n_slow = sum(one > limit for one in took)
    p95, their_p95 = float(np.percentile(took, 95)), float(np.percentile(theirs, 95)) if theirs else None
    beside = "" if their_p95 is None else f", where the champion's whole answers took {their_p95:.1f} ms"
    told = f"it scored in {p95:.1f} ms (p95){beside}; {n_slow:,} of {len(took):,} took more than {limit:g} ms"
    made = _limited("latency", Proportion(n_slow, len(took)), plan.shadow.max_slow_share, told)
    return made.model_copy(update={"numbers": {**made.numbers, "p95_ms": p95, "champion_p95_ms": their_p95}})


def _limited(name: str, seen: Proportion, limit: float, told: str) -> Finding:
    """Whether a share keeps its limit; it is over it only where that is certain, at any number of decisions."""
    at_least = ShareBounds(_CONFIDENCE).of(seen).at_least or 0.0
    share = seen.share if seen.n else 0.0
    outcome, word = Outcome.UNDETERMINED, "not yet"
    if at_least > limit:
        outcome, word = Outcome.FAILED, "fail"
    elif share <= limit:
        outcome, word = Outcome.PASSED, "pass"
    return Finding(
        name=name, outcome=outcome, sentence=f"{name}: {word}. {told[0].upper()}{told[1:]}; {limit:.2%} may be",
        numbers={"share": share, "at_least": at_least, "limit": limit, "n": float(seen.n)},
    )  # fmt: skip


def _agreement(answered: list[tuple[Decision, ShadowResult]], plan: RolloutPlan) -> Finding:
    pairs = [
        (decision.exposure.propensities, result.propensities)
        for decision, result in answered
        if result.propensities and len(result.propensities) == len(decision.exposure.propensities)
    ]
    if not pairs:
        return _nothing("agreement")
    same = float(np.mean([int(np.argmax(one)) == int(np.argmax(other)) for one, other in pairs]))
    first = float(np.mean([math.fsum(a * b for a, b in zip(one, other, strict=True)) for one, other in pairs]))
    is_met = same >= plan.shadow.min_agreement
    return Finding(
        name="agreement", outcome=Outcome.PASSED if is_met else Outcome.FAILED,
        sentence=f"agreement: {'pass' if is_met else 'fail'}. Both like the same tip best in {same:.1%} of "
        f"{len(pairs):,} decisions, and would show the same one in {first:.1%}; at least "
        f"{plan.shadow.min_agreement:.0%} of favourites is asked for",
        numbers={"favourite": same, "shown": first, "limit": plan.shadow.min_agreement, "n": float(len(pairs))},
    )  # fmt: skip


def _score_shift(answered: list[tuple[Decision, ShadowResult]], plan: RolloutPlan, *, is_same_scale: bool) -> Finding:
    shifts = [
        float(np.mean(result.scores) - np.mean(decision.exposure.scores))
        for decision, result in answered
        if result.scores and decision.exposure.scores
    ]
    if not shifts:
        return _nothing("score shift")
    mean, spread = float(np.mean(shifts)), float(np.std(shifts))
    told = f"On average its scores lie {mean:+.3f} from the champion's, with a standard deviation of {spread:.3f}"
    numbers = {"mean": mean, "spread": spread, "limit": plan.shadow.max_score_shift}
    if not is_same_scale:
        return Finding(
            name="score shift", outcome=Outcome.NOT_MEASURED, numbers=numbers,
            sentence=f"score shift: not judged. The default rule of one of both gives points, not rewards. {told}",
        )  # fmt: skip
    is_met = abs(mean) <= plan.shadow.max_score_shift
    return Finding(
        name="score shift", outcome=Outcome.PASSED if is_met else Outcome.FAILED, numbers=numbers,
        sentence=f"score shift: {'pass' if is_met else 'fail'}. {told}; "
        f"up to {plan.shadow.max_score_shift:g} either way may be",
    )  # fmt: skip


def _implied_value(answered: list[tuple[Decision, ShadowResult]], plan: RolloutPlan, now: dt.datetime) -> Finding:
    """What its answers would have earned, judged by the champion's rewards; harm beyond the margin refuses it."""
    known = [
        (decision, result)
        for decision, result in answered
        if decision.at <= now - WINDOW and result.propensities and decision.exposure.error is None
    ]
    if not known:
        return _nothing("implied value")
    rewards = rewarded(frame_of(decision for decision, _ in known), now, WINDOW)["reward"].to_numpy()
    logged = _padded([decision.exposure.propensities for decision, _ in known])
    actions = np.array([decision.exposure.order[0] for decision, _ in known])
    columns: dict[str, Any] = {
        "rewards": rewards, "actions": actions, "probabilities": logged,
        "propensities": logged[np.arange(len(known)), actions],
    }  # fmt: skip
    target = _padded([result.propensities for _, result in known], logged.shape[1])
    try:
        contest = Contest.of(Contender("champion", logged), Contender("this arm", target), **columns)
    except (LogError, ValueError) as error:
        return Finding(
            name="implied value", outcome=Outcome.UNDETERMINED, sentence=f"implied value: cannot be read: {error}"
        )  # fmt: skip
    gained = contest.gain(GatePolicy(confidence=plan.guardrails.confidence))
    margin = plan.guardrails.reward
    if gained.interval is None:
        return Finding(name="implied value", outcome=Outcome.NOT_MEASURED, sentence=f"implied value: {gained.verdict}")
    low, high = gained.interval
    is_harm = high < -margin
    return Finding(
        name="implied value", outcome=Outcome.FAILED if is_harm else Outcome.PASSED,
        sentence=f"implied value: {'fail' if is_harm else 'pass'}. By the champion's rewards it gains "
        f"{gained.value:+.4f} ({low:+.4f} to {high:+.4f}) in {len(known):,} decisions; a loss of {margin:g} may be",
        numbers={"gain": gained.value, "low": low, "high": high, "limit": -margin, "n": float(len(known))},
    )  # fmt: skip


def _padded(rows: list[tuple[float, ...]], n_columns: int = 0) -> NDArray[np.float64]:
    table = np.zeros((len(rows), max(n_columns, *(len(row) for row in rows), 1)))
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


def _nothing(name: str) -> Finding:
    return Finding(name=name, outcome=Outcome.NOT_MEASURED, sentence=f"{name}: not measured. No decision says it")
