"""Optimism of a drawn height: the arm is chosen whose expected reward plus so many deviations is the largest.

This is the contextual policy to start with. Of those here it has the least regret, in the linear, the logistic and the
digits world, about that of LinUCB without any chance; its propensities cost a few additions and comparisons; and its
deviations learn the noise of the reward, so that there is no width to tune (benchmarks/bandits.py prints all that).
Where propensities must not jump, because logs serve policies very unlike this one, take `lin_thompson`.

Source: Li et al. (2010), LinUCB; Vaswani et al. (2020), RandUCB, who draw the height from the positive half of a normal
distribution around 0; ours lies around 1.5.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from tip_experiments.policies.linear import LinearPolicy
from tip_experiments.policies.roster import Prior

_CENTRE = 1.5  # of 1 to 2 with spreads of 0.5 to 1 all have the same regret within error; this one the fewest bad runs
_LEVELS = np.linspace(_CENTRE - 2, _CENTRE + 2, 32)[:, None]
_ODDS = np.rint(np.exp(-((_LEVELS[:, 0] - _CENTRE) ** 2) / 2) * 2**20)  # whole numbers, the same on every machine


@dataclass(frozen=True, kw_only=True, eq=False)
class LinUcb(LinearPolicy):
    """An upper confidence bound of a height drawn from a normal distribution around 1.5, cut at 2 deviations.

    At each of 32 heights the best arm takes the height's probability; arms of which the same is known share theirs. An
    arm that is best at no height has the floor as its probability, and with a floor of 0 none.
    """

    width: float = 1.0
    """> 0, by which the deviations are multiplied; 1 is the posterior."""

    kind: ClassVar[str] = "lin-ucb"

    def tuning(self) -> dict[str, float]:
        """Width."""
        return {"width": self.width}

    @cached_property
    def _unit(self) -> float:
        return self.width * math.sqrt(self.noise_variance)

    @cached_property
    def _alike(self) -> list[list[int]]:
        """Arms of which the same is known, mostly nothing yet; `argmax` would give all to the first of them."""
        groups: dict[tuple[bytes, Prior], list[int]] = {}
        for arm, known in enumerate(zip(self.digests(), self.roster.priors, strict=True)):
            groups.setdefault(known, []).append(arm)
        return [group for group in groups.values() if len(group) > 1]

    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:
        features = self.features(context)
        bounds = self.means(features) + _LEVELS * (self.deviations(features) * self._unit)
        shares: list[float] = np.bincount(bounds.argmax(axis=1), weights=_ODDS, minlength=len(self.arms)).tolist()
        for group in self._alike:
            share = sum(shares[arm] for arm in group) / len(group)
            for arm in group:
                shares[arm] = share
        return shares
