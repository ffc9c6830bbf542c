"""The requirements of a release, each read off the contest: evidence, agreement, gain, guardrails, slices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.gate.contest import Contest, above
from tip_experiments.gate.policy import GatePolicy, GuardedMetric
from tip_experiments.gate.verdict import Outcome, Reason
from tip_experiments.ope import DR, IPS, SNDR, SNIPS, Estimate
from tip_experiments.ope.reliability import checks
from tip_experiments.stats.multiplicity import holm

UNREAD = "Not read, because the log cannot carry an answer."


def evidence(name: str, estimate: Estimate, policy: GatePolicy) -> Iterator[Reason]:
    """Whether the log can carry the estimate of the contender `name`: one reason per limit on the weights."""
    for check in checks(estimate.diagnostics, policy.reliability):
        outcome = Outcome.PASSED if check.is_kept else Outcome.UNDETERMINED
        yield Reason(f"{check.name} of {name}", outcome, check.sentence)


def agreement(contest: Contest, policy: GatePolicy) -> Reason:
    """Whether estimators that are right for different reasons give the same gain."""
    estimators = [IPS(), SNIPS()] if contest.champion.reward_model is None else [IPS(), SNIPS(), DR(), SNDR()]
    found = {estimator.name: contest.gain(policy, estimator) for estimator in estimators}
    said = ", ".join(f"{name} {estimate.value:+.4f}" for name, estimate in found.items())
    intervals = [estimate.interval for estimate in found.values() if estimate.interval is not None]
    if len(intervals) < len(found):
        return Reason("agreement", Outcome.UNDETERMINED, f"Not every estimator has an answer: {said}.")
    spread = float(np.ptp([estimate.value for estimate in found.values()]))
    overlap = max(low for low, _ in intervals) <= min(high for _, high in intervals)
    is_met = spread <= policy.max_spread and overlap
    sentence = (
        f"The gain is {said}: {spread:.4f} apart ({policy.max_spread:g} at most), and their intervals "
        f"{'overlap' if overlap else 'do not overlap'}."
    )
    return Reason("agreement", Outcome.PASSED if is_met else Outcome.UNDETERMINED, sentence)


def gain(estimate: Estimate, policy: GatePolicy) -> Reason:
    """Whether the challenger earns more than the champion by more than the minimal gain."""
    if estimate.interval is None:
        return Reason("gain", Outcome.UNDETERMINED, UNREAD)
    low, high = estimate.interval
    return Reason(
        "gain",
        above(estimate.interval, policy.minimal_gain),
        f"Challenger minus champion is {estimate.value:+.4f}, with a {policy.confidence:.0%} lower bound of {low:+.4f} "
        f"and upper bound of {high:+.4f} (the lower has to lie above {policy.minimal_gain:g}).",
    )


def guardrail(contest: Contest, its: GuardedMetric, policy: GatePolicy) -> Reason:
    """Whether the challenger loses less than the margin, by the self-normalised estimate."""
    found = contest.on(its).gain(policy)
    name = f"guardrail {its.metric}"
    if found.interval is None:
        return Reason(name, Outcome.UNDETERMINED, UNREAD)
    low, high = found.interval
    aim = "higher" if its.is_higher_better else "lower"
    return Reason(
        name,
        above(found.interval, -its.margin),
        f"The challenger is {abs(found.value):.4f} {'better' if found.value >= 0.0 else 'worse'} ({aim} is better); "
        f"at {policy.confidence:.0%} confidence {low:+.4f} at worst and {high:+.4f} at best (a loss of {its.margin:g} "
        "is tolerated).",
    )


class Slice(NamedTuple):
    """Some of the rounds, and what the challenger gains on them."""

    name: str
    column: str
    n: int
    gain: Estimate

    @property
    def p_value(self) -> float:
        """One-sided, of the challenger being no worse here; NaN where the log cannot tell."""
        if not self.gain.is_reliable:
            return float("nan")
        if self.gain.standard_error == 0.0:
            return float(self.gain.value >= 0.0)
        return NormalDist().cdf(self.gain.value / self.gain.standard_error)


def slices(contest: Contest, columns: Mapping[str, ArrayLike], policy: GatePolicy) -> Iterator[Reason]:
    """Whether no slice is significantly worse off; Holm's adjustment over all slices of all columns.

    Raises:
        ValueError: a column does not have one label per round.
    """
    cut = _cut(contest, columns, policy)
    if not cut:
        return
    adjusted = holm(np.array([one.p_value for one in cut]))
    for one, p_value in zip(cut, adjusted, strict=True):
        if np.isnan(p_value):
            continue
        is_worse = p_value <= 1.0 - policy.confidence
        yield Reason(
            f"slice {one.name}",
            Outcome.FAILED if is_worse else Outcome.PASSED,
            f"{one.n} rounds, worth {one.gain.diagnostics.effective_sample_size:.0f}: the challenger gains "
            f"{one.gain.value:+.4f} +- {one.gain.standard_error:.4f}; p = {p_value:.3g} against no loss, adjusted for "
            f"{len(cut)} slices ({'at or below' if is_worse else 'above'} {1.0 - policy.confidence:.3g}).",
        )
    yield _coverage(cut, contest.champion.n, policy)


def _cut(contest: Contest, columns: Mapping[str, ArrayLike], policy: GatePolicy) -> list[Slice]:
    limits = replace(policy.reliability, min_effective_sample_size=policy.min_effective_slice)
    of_slices = replace(policy, reliability=limits)
    found = []
    for column, values in columns.items():
        # A list that holds a NaN among strings must not become an array of strings, "nan" among them.
        labels = np.asarray(values, dtype=object if isinstance(values, list | tuple) else None)
        if labels.shape != (contest.champion.n,):
            raise ValueError(f"Slices by {column} need {contest.champion.n} labels; found the shape {labels.shape}")
        for label, rows in _groups(labels):
            gained = contest.only(rows).gain(of_slices)
            found.append(Slice(f"{column}{label}", column, int(rows.sum()), gained))
    return found


def _groups(labels: NDArray[Any]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each label with its rows; those without one (None, NaN) are a group of their own, for harm may hide there."""
    is_missing = np.not_equal(labels, labels).astype(np.bool_)  # NaN alone is unlike itself
    if labels.dtype == object:
        is_missing |= np.array([label is None for label in labels], dtype=np.bool_)
        labels = labels.astype(np.str_)
    for label in np.unique(labels[~is_missing]):
        yield f"={label}", (labels == label) & ~is_missing
    if is_missing.any():
        yield " missing", is_missing


def _coverage(cut: Sequence[Slice], n: int, policy: GatePolicy) -> Reason:
    """How many rounds lie in slices that the log is too small for; of several columns, the worst."""
    unjudged = [one for one in cut if not one.gain.is_reliable]
    by_column = {one.column: sum(other.n for other in unjudged if other.column == one.column) / n for one in cut}
    share = max(by_column.values())
    named = ", ".join(f"{one.name} ({one.n} rounds)" for one in unjudged) or "none"
    return Reason(
        "coverage of slices",
        Outcome.PASSED if share <= policy.max_unjudged_share else Outcome.UNDETERMINED,
        f"Slices that the log cannot judge: {named}; {share:.1%} of rounds ({policy.max_unjudged_share:.0%} at most).",
    )
