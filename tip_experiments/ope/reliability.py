"""When a log can carry an answer: `Reliability` holds the limits, `objections` says in words which are broken."""

from collections.abc import Iterator
from dataclasses import dataclass

from tip_experiments.ope.estimator import Estimator
from tip_experiments.ope.logs import LoggedRounds
from tip_experiments.ope.sums import ColumnSums
from tip_experiments.ope.tally import PartSums


@dataclass(frozen=True)
class Reliability:
    """Limits beyond which an estimate is refused."""

    min_effective_sample_size: float = 50.0
    """Below, a handful of rounds decide; normal and bootstrap intervals are then too narrow."""
    max_share_of_largest_square: float = 0.25
    """Above, one round makes up so much of the variance that its estimate is worth nothing: a heavy tail."""
    mean_weight_tolerance: float = 0.02
    """How far from 1 the mean weight may lie whatever the noise."""
    mean_weight_errors: float = 4.0
    """Beyond the tolerance, how many standard errors it may lie from 1; chance alone does that once in 16,000 logs."""
    max_unsupported_share: float = 0.01
    """As rewards lie in [0, 1], the answer may be wrong by as much."""
    max_clipped_share: float = 0.1
    """Weight lost by clipping; the answer may be too low by as much. Where a model stands in for lost weight, how much
    of it may go unchecked by the log."""
    model_bias_tolerance: float = 0.02
    """How far what a model stands in for may lie from what the log says of it, whatever the noise."""
    model_bias_errors: float = 4.0
    """Beyond the tolerance, how many standard errors."""


STANDARD = Reliability()


def objections(log: LoggedRounds, estimator: Estimator, sums: PartSums, reliability: Reliability) -> Iterator[str]:
    """Each reason why `log` cannot carry what the estimator made of it, as a sentence with its numbers."""
    used = sums.used
    if used.effective_sample_size < reliability.min_effective_sample_size:
        yield (
            f"The weights are worth {used.effective_sample_size:.1f} equally weighted rounds of {log.n} "
            f"({reliability.min_effective_sample_size:g} are needed): a few rounds decide the answer."
        )
    elif used.share_of_largest_square > reliability.max_share_of_largest_square:
        yield (
            f"One round of weight {used.largest:.4g} makes up {used.share_of_largest_square:.0%} of the squared "
            f"weights ({reliability.max_share_of_largest_square:.0%} at most): the tail is too heavy for an interval."
        )
    yield from _off_balance(sums.logged if estimator.weighs_actions else used, reliability)
    unsupported = estimator.unsupported_share(log, sums)
    if unsupported > reliability.max_unsupported_share:
        known = "can never choose" if log.probabilities is not None else "never chose"
        yield (
            f"The policy puts {unsupported:.1%} of its mass on what the logging policy {known} "
            f"({reliability.max_unsupported_share:.1%} at most): the log knows nothing of it."
        )
    yield from estimator.objections(log, sums, reliability)


def _off_balance(weights: ColumnSums, reliability: Reliability) -> Iterator[str]:
    off = abs(weights.mean - 1.0)
    noise = reliability.mean_weight_errors * weights.standard_error
    if off > max(reliability.mean_weight_tolerance, noise):
        yield (
            f"The mean weight is {weights.mean:.3f} +- {weights.standard_error:.3f} and should be 1: the propensities "
            "were not logged as drawn, or the policy goes where the log cannot."
        )
