"""What policies without a context remember: for each arm the count and the sum of its rewards.

Sums are integers, in units of 2^-30, so that feedback in any order and in any batches leads to the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.errors import StateError
from tip_experiments.policies.feedback import Checked
from tip_experiments.policies.roster import Prior
from tip_experiments.policies.units import UNITS, check_sums, powers

_BYTES = 16  # of an arm
_ROWS_AT_ONCE = 1 << 16  # their sum stays below 2^56


@dataclass(frozen=True, eq=False)
class RewardSums:
    """Counts and sums of K arms."""

    sums: NDArray[np.int64]
    """(K, 2) int64: observations, rewards."""

    @classmethod
    def empty(cls, n_arms: int) -> Self:
        """No feedback yet."""
        return cls(np.zeros((n_arms, 2), np.int64))

    @classmethod
    def from_memory(cls, memory: Sequence[bytes]) -> Self:
        """What `memory` wrote.

        Raises:
            StateError: a block has another length.
        """
        if any(len(block) != _BYTES for block in memory):
            raise StateError(
                f"The memory of arms has {[len(block) for block in memory]} bytes; expected {_BYTES} each."
            )
        return cls(np.frombuffer(b"".join(memory), "<i8").reshape(-1, 2).astype(np.int64))

    def memory(self) -> list[bytes]:
        """The sums of each arm, little-endian."""
        return [row.astype("<i8").tobytes() for row in self.sums]

    def updated(self, feedback: Checked, keep: float) -> Self:
        """With `feedback` added; `keep` is what remains of a sum's weight when one more observation arrives.

        Raises:
            FeedbackError: a sum would leave its integers.
        """
        n = len(feedback.positions)
        if n == 0:
            return self
        weights = powers(keep, n)
        sums = np.rint(self.sums * weights[n]).astype(np.int64) if keep < 1 else self.sums.copy()
        added = np.stack([np.ones(n), feedback.rewards], axis=1) * (weights[n - 1 :: -1] * UNITS)[:, None]
        for start in range(0, n, _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            np.add.at(sums, feedback.positions[part], np.rint(added[part]).astype(np.int64))
            check_sums(sums)
        return replace(self, sums=sums)

    def moved(self, origins: Sequence[int]) -> Self:
        """For arms that stay (position in these sums) or are new (-1)."""
        return replace(self, sums=np.concatenate([self.sums, np.zeros((1, 2), np.int64)])[list(origins)])

    def with_priors(self, priors: Sequence[Prior]) -> NDArray[np.float64]:
        """(K, 2) float64: observations and rewards, those that the priors stand for included."""
        believed = np.array([(prior.n, prior.n * prior.mean) for prior in priors])
        totals: NDArray[np.float64] = self.sums / UNITS + believed
        return totals
