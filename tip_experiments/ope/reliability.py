"""When a log can carry an answer: `Reliability` holds the limits, `checks` says in words how they are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tip_experiments.ope.diagnostics import Diagnostics
from tip_experiments.ope.estimator import Estimator
from tip_experiments.ope.logs import LoggedRounds
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
    mean_weight_limit: float = 0.5
    """How far from 1 it may lie however large its error: the tail that carries it away makes the error large too, and
    weights of mean 1 reach a mean of 2 in one log of two at most, of 200 in one of 200 (Markov)."""
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


class Check(NamedTuple):
    """One limit, whether it is kept, and by how much."""

    name: str
    is_kept: bool
    sentence: str


def checks(found: Diagnostics, reliability: Reliability) -> tuple[Check, ...]:
    """Each limit on the weights, as a sentence with its numbers."""
    off = abs(found.mean_weight - 1.0)
    noise = reliability.mean_weight_errors * found.mean_weight_error
    is_balanced = off <= max(reliability.mean_weight_tolerance, min(noise, reliability.mean_weight_limit))
    return (
        Check(
            "effective sample size",
            found.effective_sample_size >= reliability.min_effective_sample_size,
            f"The weights are worth {found.effective_sample_size:.1f} equally weighted rounds of {found.n} "
            f"({reliability.min_effective_sample_size:g} are needed).",
        ),
        Check(
            "tail",
            found.share_of_largest_square <= reliability.max_share_of_largest_square,
            f"The heaviest round, of weight {found.largest_weight:.4g}, makes up {found.share_of_largest_square:.1%} "
            f"of the squared weights ({reliability.max_share_of_largest_square:.0%} at most).",
        ),
        Check(
            "mean weight",
            is_balanced,
            f"The mean weight is {found.mean_weight:.3f} +- {found.mean_weight_error:.3f} and should be 1"
            + (
                "."
                if is_balanced
                else ": propensities were not logged as drawn, or the policy goes where the log cannot."
            ),
        ),
        Check(
            "support",
            found.unsupported_share <= reliability.max_unsupported_share,
            f"The policy puts {found.unsupported_share:.1%} of its mass on what the log does not cover "
            f"({reliability.max_unsupported_share:.1%} at most).",
        ),
    )


def objections(log: LoggedRounds, estimator: Estimator, sums: PartSums, reliability: Reliability) -> Iterator[str]:
    """Each reason why `log` cannot carry what the estimator made of it, as a sentence with its numbers."""
    found = checks(Diagnostics.of(log, estimator, sums), reliability)
    yield from (check.sentence for check in found if not check.is_kept)
    yield from estimator.objections(log, sums, reliability)
