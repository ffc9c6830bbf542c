"""How an interval is made of the sums of a log: `Normal`, `Bootstrap`, `Bernstein`."""

from dataclasses import dataclass, replace
from math import inf, log, sqrt
from statistics import NormalDist
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tip_experiments.ope.estimator import Estimator
from tip_experiments.ope.tally import Tally

_BLOCKS = 1000  # blocks that a log is cut into where nobody says how long they should be
_RESAMPLES_AT_ONCE = 256


class Inference(Protocol):
    """Makes an interval."""

    @property
    def confidence(self) -> float:
        """How often the interval holds the truth, in (0, 1)."""

    def block_length(self, n: int) -> int:
        """Rows per block that the sums of `n` rows have to keep apart."""

    def interval(
        self, estimator: Estimator, tally: Tally, model_range: tuple[float, float] | None
    ) -> tuple[float, float]:
        """Lower and upper bound."""

    def for_parts(self, n_parts: int) -> Self:
        """What to use on each of `n_parts` estimates so that the sum of their intervals keeps the confidence."""


@dataclass(frozen=True)
class Normal:
    """Value +- z standard errors, ratios linearised; for rows that are independent and weights without heavy tails.

    Like `Bootstrap`, stretched for estimators that clip or leave weights to a model, by what that may have cost.
    """

    confidence: float = 0.95

    def __post_init__(self) -> None:
        _require_confidence(self.confidence)

    def block_length(self, n: int) -> int:
        """All rows are one block."""
        return n

    def interval(
        self, estimator: Estimator, tally: Tally, model_range: tuple[float, float] | None
    ) -> tuple[float, float]:
        """Symmetric about the value."""
        del model_range
        reach = _normal_reach(self.confidence) * tally.standard_error
        return _stretched((tally.value - reach, tally.value + reach), estimator, tally, self.confidence)

    def for_parts(self, n_parts: int) -> Self:
        """Itself: the sum's standard error is at most the sum of the standard errors."""
        del n_parts
        return self


@dataclass(frozen=True)
class Bootstrap:
    """Percentiles over resampled blocks of consecutive rows; a ratio is computed anew from each resample, whole.

    Draws from `rng`, which moves on; the same generator in the same state gives the same interval.

    Source:
        Efron (1979); blocks as in Carlstein (1986), Annals of Statistics 14, without overlap, so that rows that hang
        together in time are resampled together. Where the log has clusters, these are the blocks.
    """

    rng: np.random.Generator
    n_resamples: int = 1000
    confidence: float = 0.95
    rows_per_block: int | None = None
    """None cuts the log into a thousand blocks, or into its rows where it is shorter. Give more where rows depend on
    each other over longer stretches."""

    def __post_init__(self) -> None:
        _require_confidence(self.confidence)
        if self.n_resamples < 1 or (self.rows_per_block is not None and self.rows_per_block < 1):
            raise ValueError("n_resamples and rows_per_block must be at least 1")

    def block_length(self, n: int) -> int:
        """Rows per block."""
        return min(self.rows_per_block or -(-n // _BLOCKS), n)

    def resampled(self, tally: Tally) -> NDArray[np.float64]:
        """(n_resamples,) the estimate in each resample of the blocks; NaN where a ratio has no denominator."""
        sums = np.column_stack([tally.block_sizes, tally.blocks])
        if tally.is_clustered and len(sums) > _BLOCKS:  # several whole clusters are as independent as one
            sums = np.add.reduceat(sums, np.arange(0, len(sums), -(-len(sums) // _BLOCKS)))
        n_blocks = len(sums)
        values = np.empty(self.n_resamples)
        for first in range(0, self.n_resamples, _RESAMPLES_AT_ONCE):
            rows = slice(first, min(first + _RESAMPLES_AT_ONCE, self.n_resamples))
            resampled = self._counts(rows.stop - rows.start, n_blocks) @ sums
            values[rows] = tally.values(resampled[:, 1:] / resampled[:, :1])
        return values

    def _counts(self, n_resamples: int, n_blocks: int) -> NDArray[np.float64]:
        """(n_resamples, n_blocks) how often each block is drawn; ten times as fast as a multinomial draw."""
        drawn = self.rng.integers(n_blocks, size=(n_resamples, n_blocks))
        drawn += np.arange(n_resamples)[:, np.newaxis] * n_blocks
        counts = np.bincount(drawn.reshape(-1), minlength=n_resamples * n_blocks)
        return counts.reshape(n_resamples, n_blocks).astype(np.float64)

    def interval(
        self, estimator: Estimator, tally: Tally, model_range: tuple[float, float] | None
    ) -> tuple[float, float]:
        """Percentiles of the resampled estimates; NaN where some of them cannot be computed."""
        del model_range
        tail = (1.0 - self.confidence) / 2.0
        low, high = np.quantile(self.resampled(tally), [tail, 1.0 - tail])
        return _stretched((float(low), float(high)), estimator, tally, self.confidence)

    def for_parts(self, n_parts: int) -> Self:
        """Each part at a higher confidence (Bonferroni)."""
        return replace(self, confidence=1.0 - (1.0 - self.confidence) / n_parts)


@dataclass(frozen=True)
class Bernstein:
    """Bounds that hold at any sample size for independent rows, from the variance and the range of the terms.

    For clipped IPS they hold for the policy's value itself, whatever was clipped, since rewards in [0, 1] tell how much
    the clipped weight can have carried. Estimators that let a model stand in have bounds for what they estimate on
    average, stretched by a normal interval of what the log says of the rest.

    Source:
        Maurer & Pontil (2009), Empirical Bernstein bounds and sample variance penalization, theorem 4.
    """

    confidence: float = 0.95
    largest_weight: float | None = None
    """What the weights can reach at most: 1 / the smallest propensity that the logging policy promises. Estimators
    that do not bound their weights themselves need it; the largest weight seen is no bound."""

    def __post_init__(self) -> None:
        _require_confidence(self.confidence)

    def block_length(self, n: int) -> int:
        """All rows are one block."""
        return n

    def interval(
        self, estimator: Estimator, tally: Tally, model_range: tuple[float, float] | None
    ) -> tuple[float, float]:
        """Mean -+ the bound's reach.

        Raises:
            ValueError: nothing bounds the estimator's terms, a weight is larger than promised, the reward model
                leaves [0, 1], or rows come in clusters.
        """
        if tally.is_clustered:
            raise ValueError("Bernstein bounds hold for independent rows; the log has clusters")
        (part,) = tally.parts
        limits = estimator.term_range(self.largest_weight)
        if limits is None:
            raise ValueError(
                f"Bernstein bounds need bounded terms, {estimator.name} has none: use clipped_ips, switch_dr or dr_os, "
                "or promise largest_weight (of no use to ratios: snips, sndr, replay)"
            )
        if self.largest_weight is not None and part.used.largest > self.largest_weight * (1.0 + 1e-9):
            raise ValueError(f"largest_weight is {self.largest_weight:g}, but a row weighs {part.used.largest:g}")
        low, high = model_range or (0.0, 1.0)
        if "reward_model" in estimator.needs and not 0.0 <= low <= high <= 1.0:
            raise ValueError(f"Bernstein bounds need a reward_model in [0, 1]; it spans {low:g} to {high:g}")
        width = limits[1] - limits[0]
        reach = self._reach(tally.standard_error, width, tally.n)
        if estimator.witness_bounds_above:
            above = 1.0 - part.witness.mean + self._reach(part.witness.standard_error, width, tally.n)
            return tally.value - reach, above
        return _stretched((tally.value - reach, tally.value + reach), estimator, tally, self.confidence)

    def _reach(self, standard_error: float, width: float, n: int) -> float:
        """How far the mean of n terms may lie below its expectation, at half the error that is allowed for."""
        if n < 2:  # noqa: PLR2004  one row has no variance
            return inf
        log_term = log(4.0 / (1.0 - self.confidence))
        return standard_error * sqrt(2.0 * log_term) + 7.0 * width * log_term / (3.0 * (n - 1))

    def for_parts(self, n_parts: int) -> Self:
        """Each part at a higher confidence (Bonferroni)."""
        return replace(self, confidence=1.0 - (1.0 - self.confidence) / n_parts)


def _normal_reach(confidence: float) -> float:
    """Standard errors to either side of a normal interval."""
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)


def _stretched(
    interval: tuple[float, float], estimator: Estimator, tally: Tally, confidence: float
) -> tuple[float, float]:
    """The interval and what the estimator leaves out on purpose: its bias does not show in its variance."""
    low, high = interval
    for part in tally.parts:
        down, up = estimator.left_out(part, _normal_reach(confidence))
        low, high = (low + down, high + up) if part.sign > 0.0 else (low - up, high - down)
    return low, high


def _require_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1); found {confidence!r}")
