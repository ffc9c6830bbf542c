"""Optimism with a drawn degree: the arm whose expected reward plus so many deviations is the largest.

Source: Li et al. (2010), LinUCB; Vaswani et al. (2020), RandUCB, whose levels start at 0. Ours start below, so that
arms already known to be good are taken for sure in part of the decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from tip_experiments.policies.linear import LinearPolicy

_LEVELS = np.linspace(-1.0, 3.0, 32)[:, None]
_ODDS = np.rint(np.exp(-(_LEVELS[:, 0] ** 2) / 2) * 2**20)  # whole numbers, the same on every machine


@dataclass(frozen=True, kw_only=True, eq=False)
class LinUcb(LinearPolicy):
    """An upper confidence bound whose height is drawn from a normal distribution cut to [-1, 3], in 32 levels.

    At each level the best arm takes the level's probability; arms that are level share it. So an arm that is best at no
    level has the floor as its probability, and with a floor of 0 none.
    """

    width: float = 1.0
    """> 0, by which the deviations are multiplied; 1 is the posterior."""

    kind: ClassVar[str] = "lin-ucb"

    def tuning(self) -> dict[str, float]:
        """Width."""
        return {"width": self.width}

    @cached_property
    def _unit(self) -> float:
        return float(self.width * self.noise_variance**0.5)

    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:
        features = self.features(context)
        bounds = self.means(features) + _LEVELS * (self.deviations(features) * self._unit)
        best = bounds == np.maximum.reduce(bounds, axis=1)[:, None]
        odds = _ODDS / np.add.reduce(best, axis=1)
        shares: list[float] = np.add.reduce(best * odds[:, None], axis=0).tolist()
        return shares
