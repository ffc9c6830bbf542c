"""Inverse-gap weighting: the further an arm's expected reward lies behind the best, the rarer it is.

Source: Abe & Long (1999); Foster & Rakhlin (2020), SquareCB; the growth of gamma with the square root of the rounds as
in Simchi-Levi & Xu (2021). Theirs asks an online regression oracle, ours a ridge regression per arm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from numpy.typing import ArrayLike

from tip_experiments.policies.linear import LinearPolicy


@dataclass(frozen=True, kw_only=True, eq=False)
class InverseGap(LinearPolicy):
    """An arm that lies `gap` behind the best has the probability 1 / (K + gamma gap); the best has what remains."""

    sharpness: float = 20.0
    """> 0, gamma after n observations is sharpness * sqrt(1 + n), per reward of one."""

    kind: ClassVar[str] = "inverse-gap"

    def tuning(self) -> dict[str, float]:
        """Sharpness."""
        return {"sharpness": self.sharpness}

    @cached_property
    def _gamma(self) -> float:
        return self.sharpness * math.sqrt(1 + math.fsum(self.sums.counts.tolist()))

    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:
        means = self.means(self.features(context)).tolist()
        best, n_arms, gamma = max(means), len(means), self._gamma
        shares = [1 / (n_arms + gamma * (best - mean)) for mean in means]
        shares[means.index(best)] += 1 - sum(shares)
        return shares
