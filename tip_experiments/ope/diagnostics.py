"""How much a log says about a policy: `Diagnostics`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tip_experiments.ope.estimator import Estimator
from tip_experiments.ope.logs import LoggedRounds
from tip_experiments.ope.tally import PartSums


@dataclass(frozen=True)
class Diagnostics:
    """Weights are those that the estimator uses, unless said otherwise."""

    n: int
    """Rows of the log."""
    effective_sample_size: float
    """How many equally weighted rows would tell as much, in [0, n]."""
    largest_weight: float
    share_of_largest_square: float
    """Of the sum of squared weights, what the largest brings, in [0, 1]."""
    mean_weight: float
    """Near 1 where propensities were logged as drawn: of the logged actions, for MIPS of the categories."""
    mean_weight_error: float
    """Standard error of that mean."""
    unsupported_share: float
    """The policy's mass on what the log does not cover, in [0, 1]."""

    @classmethod
    def of(cls, log: LoggedRounds, estimator: Estimator, sums: PartSums) -> Self:
        """What `sums` of an estimator on `log` say."""
        used, checked = sums.used, sums.logged if estimator.weighs_actions else sums.used
        return cls(
            log.n, used.effective_sample_size, used.largest, used.share_of_largest_square, checked.mean,
            checked.standard_error, estimator.unsupported_share(log, sums),
        )  # fmt: skip

    @classmethod
    def worst(cls, several: Sequence[Self]) -> Self:
        """The worst of several, field by field; rows are counted together."""
        off = max(several, key=lambda one: abs(one.mean_weight - 1.0))
        return cls(
            sum(one.n for one in several),
            min(one.effective_sample_size for one in several),
            max(one.largest_weight for one in several),
            max(one.share_of_largest_square for one in several),
            off.mean_weight,
            off.mean_weight_error,
            max(one.unsupported_share for one in several),
        )
