"""Estimators that lean on a reward model: the direct method, doubly robust, and ways to tame its large weights.

`reward_model` must not be fitted on the rows that are evaluated (cross-fit it), or the correction is too small.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isinf, sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tip_experiments.ope.chunks import Chunk
from tip_experiments.ope.estimator import Columns, Estimator
from tip_experiments.ope.logs import LoggedRounds

if TYPE_CHECKING:
    from tip_experiments.ope.reliability import Reliability
    from tip_experiments.ope.tally import PartSums


@dataclass(frozen=True)
class DM(Estimator):
    """Mean of what the model expects of the policy."""

    name: ClassVar[str] = "dm"
    needs: ClassVar[tuple[str, ...]] = ("reward_model",)

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is sum over a of pi(a) q(a); the witness is w (r - q), whose mean is the model's bias."""
        return Columns(chunk.model_of_target, None, None, chunk.weights, chunk.weighted_residuals)

    def term_range(self, largest_weight: float | None) -> tuple[float, float]:
        """That of the model."""
        del largest_weight
        return 0.0, 1.0

    def left_out(self, sums: "PartSums", reach: float) -> tuple[float, float]:
        """The corrections that are not made."""
        return _left_out(sums, reach, 1.0)

    def objections(self, log: LoggedRounds, sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
        """The log itself shows that the model is off for this policy."""
        del log
        yield from _off_the_log(sums, reliability)


@dataclass(frozen=True)
class DR(Estimator):
    """Doubly robust: the direct method plus the weighted mean of what the model missed."""

    name: ClassVar[str] = "dr"
    needs: ClassVar[tuple[str, ...]] = ("reward_model",)

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is sum over a of pi(a) q(a) + w (r - q)."""
        return Columns(chunk.model_of_target + chunk.weighted_residuals, None, None, chunk.weights)

    def term_range(self, largest_weight: float | None) -> tuple[float, float] | None:
        """The model's range and the bound of the weights either way."""
        return None if largest_weight is None else (-largest_weight, 1.0 + largest_weight)


@dataclass(frozen=True)
class SNDR(Estimator):
    """Doubly robust with self-normalised weights."""

    name: ClassVar[str] = "sndr"
    needs: ClassVar[tuple[str, ...]] = ("reward_model",)

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is sum over a of pi(a) q(a); the ratio is that of w (r - q) to w."""
        return Columns(chunk.model_of_target, chunk.weighted_residuals, chunk.weights, chunk.weights)


@dataclass(frozen=True)
class SwitchDR(Estimator):
    """Doubly robust where the weight is at most tau, the direct method elsewhere."""

    name: ClassVar[str] = "switch_dr"
    needs: ClassVar[tuple[str, ...]] = ("reward_model",)

    tau: float = 10.0
    """At least 0: 0 is the direct method (for weights above 0), infinity is DR."""

    def __post_init__(self) -> None:
        if not self.tau >= 0.0:
            raise ValueError(f"tau must be at least 0; found {self.tau!r}")

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is sum over a of pi(a) q(a) + w (r - q) where w <= tau; the witness is the rest."""
        is_kept = chunk.weights <= self.tau
        kept = chunk.weighted_residuals * is_kept
        left_out = chunk.weighted_residuals - kept
        return Columns(chunk.model_of_target + kept, None, None, chunk.weights * is_kept, left_out)

    def term_range(self, largest_weight: float | None) -> tuple[float, float] | None:
        """The model's range and tau either way."""
        bound = min(self.tau, inf if largest_weight is None else largest_weight)
        return None if isinf(bound) else (-bound, 1.0 + bound)

    def left_out(self, sums: "PartSums", reach: float) -> tuple[float, float]:
        """The corrections that are not made."""
        return _left_out(sums, reach, 1.0 - sums.used.mean)

    def objections(self, log: LoggedRounds, sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
        """The model stands in for what the log contradicts or cannot check."""
        del log
        yield from _off_the_log(sums, reliability)
        yield from _unchecked(sums, reliability)


@dataclass(frozen=True)
class DRos(Estimator):
    """Doubly robust with optimistic shrinkage of the weights."""

    name: ClassVar[str] = "dr_os"
    needs: ClassVar[tuple[str, ...]] = ("reward_model",)

    lambda_: float = 100.0
    """At least 0: 0 is the direct method, infinity is DR."""

    def __post_init__(self) -> None:
        if not self.lambda_ >= 0.0:
            raise ValueError(f"lambda_ must be at least 0; found {self.lambda_!r}")

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is sum over a of pi(a) q(a) + s w (r - q), s = lambda / (w^2 + lambda); witness the rest."""
        if self.lambda_ == 0.0 or isinf(self.lambda_):
            kept = np.full(chunk.weights.shape, float(isinf(self.lambda_)))
        else:
            kept = self.lambda_ / (chunk.weights * chunk.weights + self.lambda_)
        corrections = chunk.weighted_residuals * kept
        left_out = chunk.weighted_residuals - corrections
        return Columns(chunk.model_of_target + corrections, None, None, chunk.weights * kept, left_out)

    def term_range(self, largest_weight: float | None) -> tuple[float, float] | None:
        """The model's range and the largest shrunken weight, sqrt(lambda) / 2, either way."""
        bound = min(sqrt(self.lambda_) / 2.0, inf if largest_weight is None else largest_weight)
        return None if isinf(bound) else (-bound, 1.0 + bound)

    def left_out(self, sums: "PartSums", reach: float) -> tuple[float, float]:
        """The corrections that are not made."""
        return _left_out(sums, reach, 1.0 - sums.used.mean)

    def objections(self, log: LoggedRounds, sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
        """The model stands in for what the log contradicts or cannot check."""
        del log
        yield from _off_the_log(sums, reliability)
        yield from _unchecked(sums, reliability)


def _left_out(sums: "PartSums", reach: float, lost: float) -> tuple[float, float]:
    """A range for the mean of the corrections that are not made: what the log shows of them, and at most `lost`.

    Their variance is not in the estimate's, so an interval without them would be the narrower the more is left to the
    model, however wrong it is. Where the model keeps to [0, 1], they cannot exceed the weight that they would have had.
    """
    seen, error = sums.witness.mean, sums.witness.standard_error
    bound = max(lost, 0.0)
    return max(min(seen - reach * error, 0.0), -bound), min(max(seen + reach * error, 0.0), bound)


def _off_the_log(sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
    """The corrections that the estimator leaves out are not 0 on average."""
    bias, error = sums.witness.mean, sums.witness.standard_error
    if abs(bias) > max(reliability.model_bias_tolerance, reliability.model_bias_errors * error):
        yield (
            f"Where the model stands in for the log, logged rewards move the answer by {bias:+.3f} +- {error:.3f}, "
            "which the interval does not know: use dr, or a model that fits."
        )


def _unchecked(sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
    """The corrections that the estimator leaves out matter, and too few rounds tell what they are."""
    lost, rounds = 1.0 - sums.used.mean, sums.logged.effective_sample_size
    if lost > reliability.max_clipped_share and rounds < reliability.min_effective_sample_size:
        yield (
            f"The model alone speaks for {lost:.0%} of the policy's mass, and the log, worth {rounds:.1f} equally "
            f"weighted rounds without it ({reliability.min_effective_sample_size:g} are needed), cannot check it."
        )
