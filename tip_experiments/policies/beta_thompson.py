"""Thompson sampling with a Beta belief about the success rate of each arm, for rewards in [0, 1] and no context.

An arm's probability is that of its rate being the largest, integrated once per version; a decision then costs a hash.

Source: Thompson (1933); Chapelle & Li (2011). They draw a rate per arm; ours computes the distribution of that draw's
winner, so that it can be logged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.errors import PolicyError
from tip_experiments.policies.roster import EVEN, Prior, Roster
from tip_experiments.policies.sums import RewardSums
from tip_experiments.policies.tallies import TallyPolicy
from tip_experiments.policies.units import keep_of
from tip_experiments.policies.winning import shares_of_maximum

_KNOTS = np.sinh(np.linspace(-4.0, 4.0, 129))  # dense around a mode, 27 deviations wide
_SMALLEST = 0.05  # a Beta parameter below has a tail that leaves the knots


@dataclass(frozen=True, kw_only=True, eq=False)
class BetaThompson(TallyPolicy):
    """Each arm with the probability that its success rate is the best of all; fractional rewards count in part."""

    kind: ClassVar[str] = "beta-thompson"
    reward_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __post_init__(self) -> None:
        """Refuse priors that are no Beta distributions, or too close to none."""
        super().__post_init__()
        for arm, (mean, n) in zip(self.arms, self.roster.priors, strict=True):
            if not min(mean * n, (1 - mean) * n) >= _SMALLEST:
                raise PolicyError(
                    f"The prior of {arm} has {mean * n:g} successes and {(1 - mean) * n:g} failures; "
                    f"expected at least {_SMALLEST} of each."
                )

    @classmethod
    def over(
        cls,
        arms: Sequence[str],
        *,
        floor: float = 0.0,
        half_life: float | None = None,
        newcomer: Prior = EVEN,
        priors: Mapping[str, Prior] | None = None,
    ) -> Self:
        """The policy before any feedback.

        Args:
            arms: (K,) names.
            floor: in [0, 1/K].
            half_life: > 1, after how many observations of any arm what was learnt has lost half its weight.
            newcomer: of an arm without a prior of its own; `EVEN` is the uniform distribution.
            priors: of arms, by name; a mean of 0.3 and n of 10 stands for 3 successes and 7 failures.

        Raises:
            PolicyError: arms, priors, floor or half-life cannot be.
        """
        roster = Roster.of(arms, newcomer, priors)
        sums = RewardSums.empty(len(roster.arms))
        return cls(roster=roster, floor=floor, keep=keep_of(half_life), sums=sums)

    def _shares(self) -> Sequence[float]:
        n, successes = self.sums.with_priors(self.roster.priors).T
        shares: list[float] = chances_to_win(successes, np.maximum(n - successes, _SMALLEST)).tolist()
        return shares


def chances_to_win(alpha: NDArray[np.float64], beta: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) the probability of each of K independent Beta variables to be the largest; to about 1e-4.

    Integrates over log-odds, where a Beta density has one hump and no pole, on knots that lie around each hump.

    Args:
        alpha: (K,) float64 >= 0.05.
        beta: (K,) float64 >= 0.05.
    """
    modes, deviations = np.log(alpha / beta), np.sqrt(1 / alpha + 1 / beta)
    knots = np.unique(modes[:, None] + deviations[:, None] * _KNOTS)
    log_rate, log_rest = -np.logaddexp(0, -knots)[:, None], -np.logaddexp(0, knots)[:, None]
    densities = alpha * log_rate + beta * log_rest
    densities = np.exp(densities - densities.max(axis=0))
    cells = (densities[1:] + densities[:-1]) * np.diff(knots)[:, None]
    below = np.cumsum(np.vstack([np.zeros(alpha.size), cells / cells.sum(axis=0)]), axis=0)
    return shares_of_maximum(below)
