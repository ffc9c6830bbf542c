"""Linear Thompson sampling: each arm with the probability that its expected reward here is the best of all.

Given the context, the beliefs about the arms' expected rewards are independent and normal, so the winner's distribution
is one integral over a line, the same sum in every process. Nothing is sampled but the action.

Source: Agrawal & Goyal (2013). They draw coefficients; ours integrates over them, with a normal distribution function
that is a logistic curve to within 2e-4 (Bowling et al. 2009). What is logged is what is drawn from, whatever the curve.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.policies.linear import LinearPolicy
from tip_experiments.policies.winning import shares_of_maximum

_STEPS = np.linspace(0.0, 1.0, 33)[:, None]
_TAIL = 4.0  # deviations; a normal variable lies beyond once in 30,000


@dataclass(frozen=True, kw_only=True, eq=False)
class LinThompson(LinearPolicy):
    """Probability matching on linear beliefs."""

    spread: float = 0.7
    """> 0, by which the deviations of the beliefs are multiplied; 1 is the posterior, less explores less."""

    kind: ClassVar[str] = "lin-thompson"

    def tuning(self) -> dict[str, float]:
        """Spread."""
        return {"spread": self.spread}

    @cached_property
    def _unit(self) -> float:
        return self.spread * math.sqrt(self.noise_variance)

    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:
        features = self.features(context)
        shares: list[float] = normal_chances(self.means(features), self.deviations(features) * self._unit).tolist()
        return shares


def normal_chances(means: NDArray[np.float64], deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) the probability of each of K independent normal variables to be the largest.

    To about 0.01; where deviations differ a thousandfold, to about 0.03.

    Args:
        means: (K,) float64.
        deviations: (K,) float64 > 0.
    """
    reach = _TAIL * deviations
    low, high = np.maximum.reduce(means - reach), np.maximum.reduce(means + reach)
    z = _STEPS * ((high - low) / deviations)
    z += (low - means) / deviations  # >= -4, as `low` lies there for one arm and further up for the others
    exponents = z * z
    exponents *= -0.07056
    exponents -= 1.5976
    exponents *= z
    below = np.exp(exponents, out=exponents)
    below += 1.0
    return shares_of_maximum(np.reciprocal(below, out=below))
