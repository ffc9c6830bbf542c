"""Estimators that weigh logged rewards and need no model: IPS, clipped IPS, self-normalised IPS, replay."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tip_experiments.ope.chunks import Chunk
from tip_experiments.ope.estimator import Columns, Estimator
from tip_experiments.ope.logs import LoggedRounds

if TYPE_CHECKING:
    from tip_experiments.ope.reliability import Reliability
    from tip_experiments.ope.tally import PartSums

_UNIFORM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class IPS(Estimator):
    """Mean of weight times reward."""

    name: ClassVar[str] = "ips"

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is w r."""
        return Columns(chunk.weights * chunk.rewards, None, None, chunk.weights)

    def term_range(self, largest_weight: float | None) -> tuple[float, float] | None:
        """0 to the bound of the weights."""
        return None if largest_weight is None else (0.0, largest_weight)


@dataclass(frozen=True)
class ClippedIPS(Estimator):
    """Mean of min(weight, clip) times reward."""

    name: ClassVar[str] = "clipped_ips"
    witness_bounds_above: ClassVar[bool] = True

    clip: float = 10.0
    """Above 0."""

    def __post_init__(self) -> None:
        if not self.clip > 0.0:
            raise ValueError(f"clip must be above 0; found {self.clip!r}")

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is min(w, clip) r; the witness is min(w, clip) (1 - r)."""
        clipped = np.minimum(chunk.weights, self.clip)
        earned = clipped * chunk.rewards
        return Columns(earned, None, None, clipped, clipped - earned)

    def term_range(self, largest_weight: float | None) -> tuple[float, float]:
        """0 to the smaller of clip and the bound of the weights."""
        return 0.0, self.clip if largest_weight is None else min(self.clip, largest_weight)

    def left_out(self, sums: "PartSums", reach: float) -> tuple[float, float]:
        """Rewards of at most 1 on the weight that was clipped away."""
        del reach
        return 0.0, max(1.0 - sums.used.mean, 0.0)

    def objections(self, log: LoggedRounds, sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
        """Too much weight is missing from 1: clipped away, or more than noise explains, as a heavy tail goes unseen."""
        del log
        lost, seen = 1.0 - sums.used.mean, sums.logged.mean - sums.used.mean
        is_unseen = lost > reliability.mean_weight_errors * sums.used.standard_error
        if lost > reliability.max_clipped_share and (seen > reliability.max_clipped_share or is_unseen):
            yield (
                f"Clipping at {self.clip:g} leaves a mean weight of {sums.used.mean:.3f}: the answer may be too low "
                f"by as much as {lost:.3f} ({reliability.max_clipped_share:g} at most)."
            )


@dataclass(frozen=True)
class SNIPS(Estimator):
    """Sum of weight times reward / sum of weights."""

    name: ClassVar[str] = "snips"

    def columns(self, chunk: Chunk) -> Columns:
        """The ratio of w r to w."""
        return Columns(None, chunk.weights * chunk.rewards, chunk.weights, chunk.weights)


@dataclass(frozen=True)
class Replay(Estimator):
    """Mean reward of the rounds in which the policy would have done what was logged."""

    name: ClassVar[str] = "replay"

    def columns(self, chunk: Chunk) -> Columns:
        """The ratio of pi(a) r to pi(a)."""
        agreement = chunk.target_of_logged
        return Columns(None, agreement * chunk.rewards, agreement, agreement)

    def objections(self, log: LoggedRounds, sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
        """The log was not drawn uniformly."""
        del sums, reliability
        smallest, largest = float(log.propensities.min()), float(log.propensities.max())
        if largest - smallest > _UNIFORM_TOLERANCE * largest:
            yield (
                f"Replay holds only for actions drawn uniformly; here propensities run from {smallest:.4g} to "
                f"{largest:.4g}. Use ips or dr."
            )
