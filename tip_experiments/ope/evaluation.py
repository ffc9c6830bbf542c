"""From a log to estimates: `evaluate` for any number of estimators at once, `difference` of two policies on one log."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan

import numpy as np

from tip_experiments.ope.diagnostics import Diagnostics
from tip_experiments.ope.estimate import Estimate, concluded, summed
from tip_experiments.ope.estimator import Estimator
from tip_experiments.ope.intervals import Bootstrap, Inference, Normal
from tip_experiments.ope.logs import LoggedRounds
from tip_experiments.ope.reliability import STANDARD, Reliability, objections
from tip_experiments.ope.tally import Part, Tally, tally

NORMAL = Normal()


def evaluate(
    log: LoggedRounds,
    estimators: Sequence[Estimator],
    *,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> tuple[Estimate, ...]:
    """The estimate of each estimator, in their order, from one walk over the log.

    With positions, each estimate is the sum of one per position: the item-position model, in which what an item earns
    depends on itself and its place alone.

    Raises:
        ValueError: an estimator needs a column that the log lacks, or the inference does not fit an estimator.

    Source:
        For positions: Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen (2018), Offline evaluation of ranking
        policies with click models; called independent IPS by McInerney et al. (2020).
    """
    if log.positions is None:
        return _evaluate(log, estimators, inference, reliability)
    places = [int(place) for place in np.unique(log.positions)]
    each = inference.for_parts(len(places))
    by_place = [_evaluate(log.only(log.positions == place), estimators, each, reliability) for place in places]
    return tuple(summed(list(zip(places, its, strict=True))) for its in zip(*by_place, strict=True))


def _evaluate(
    log: LoggedRounds, estimators: Sequence[Estimator], inference: Inference, reliability: Reliability
) -> tuple[Estimate, ...]:
    prepared = [estimator.prepared(log) for estimator in estimators]
    tallies = tally([[Part(log, estimator)] for estimator in prepared], inference.block_length(log.n))
    return tuple(
        _concluded(log, estimator, its, inference, reliability)
        for estimator, its in zip(prepared, tallies, strict=True)
    )


def _concluded(
    log: LoggedRounds, estimator: Estimator, its: Tally, inference: Inference, reliability: Reliability
) -> Estimate:
    interval = inference.interval(estimator, its, log.model_range)
    return concluded(
        estimator.name, its.value, its.standard_error, interval, Diagnostics.of(log, estimator, its.parts[0]),
        [*objections(log, estimator, its.parts[0], reliability), *_undefined(interval)],
    )  # fmt: skip


def _undefined(interval: tuple[float, float]) -> list[str]:
    if not any(map(isnan, interval)):
        return []
    return ["In the log or a resample of it no round agrees with the policy: there is nothing to take the mean of."]


def difference(
    champion: LoggedRounds,
    challenger: LoggedRounds,
    estimator: Estimator,
    *,
    inference: Normal | Bootstrap = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """What the challenger earns beyond the champion, paired.

    Both are judged on the same rows, so that what is common to them cancels in the standard error and each resample.

    Args:
        champion: a log and the policy to compare with.
        challenger: `champion.with_target(...)`: the same rows with another target.
        estimator: serves both.
        inference: makes the interval of the difference.
        reliability: limits that either policy's estimate has to keep.

    Returns:
        Value in [-1, 1] on average. The diagnostics are the worst of the two policies', field by field.

    Raises:
        ValueError: the two logs do not hold the same rows, or hold positions.
    """
    _require_same_rows(champion, challenger)
    parts = [Part(challenger, estimator.prepared(challenger)), Part(champion, estimator.prepared(champion), -1.0)]
    (its,) = tally([parts], inference.block_length(champion.n))
    interval = inference.interval(estimator, its, champion.model_range)
    names = ("Challenger", "Champion")
    refusals = [
        f"{name}: {reason}"
        for name, part, sums in zip(names, parts, its.parts, strict=True)
        for reason in objections(part.log, part.estimator, sums, reliability)
    ]
    both = [Diagnostics.of(part.log, part.estimator, sums) for part, sums in zip(parts, its.parts, strict=True)]
    worst = replace(Diagnostics.worst(both), n=champion.n)
    return concluded(
        f"difference by {estimator.name}", its.value, its.standard_error, interval, worst,
        [*refusals, *_undefined(interval)],
    )  # fmt: skip


def _require_same_rows(champion: LoggedRounds, challenger: LoggedRounds) -> None:
    if champion.positions is not None:
        raise ValueError("The difference of two policies is taken per round; compare positions one by one")
    for name in ("actions", "propensities", "rewards"):
        ours, theirs = getattr(champion, name), getattr(challenger, name)
        if ours is not theirs and not np.array_equal(ours, theirs):
            raise ValueError(f"Champion and challenger must be judged on the same rows; their {name} differ")
    if champion.n_actions != challenger.n_actions:
        raise ValueError(f"The champion knows {champion.n_actions} actions, the challenger {challenger.n_actions}")
