"""The arm with the best mean reward so far, and now and then any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tip_experiments.policies.errors import PolicyError
from tip_experiments.policies.roster import EVEN, Prior, Roster
from tip_experiments.policies.sums import RewardSums
from tip_experiments.policies.tallies import TallyPolicy
from tip_experiments.policies.units import keep_of


@dataclass(frozen=True, kw_only=True, eq=False)
class EpsilonGreedy(TallyPolicy):
    """With probability epsilon any arm, else the one with the best mean; of several best, each alike."""

    epsilon: float
    """In [0, 1]."""

    kind: ClassVar[str] = "epsilon-greedy"

    @classmethod
    def over(
        cls,
        arms: Sequence[str],
        epsilon: float = 0.1,
        *,
        floor: float = 0.0,
        half_life: float | None = None,
        newcomer: Prior = EVEN,
        priors: Mapping[str, Prior] | None = None,
    ) -> Self:
        """The policy before any feedback.

        Args:
            arms: (K,) names.
            epsilon: in [0, 1], the share of decisions that are drawn from all arms alike.
            floor: in [0, 1/K], on top of `epsilon / K`.
            half_life: > 1, after how many observations of any arm what was learnt has lost half its weight.
            newcomer: of an arm without a prior of its own.
            priors: of arms, by name.

        Raises:
            PolicyError: arms, priors, floor, half-life or epsilon cannot be.
        """
        if not 0 <= epsilon <= 1:
            raise PolicyError(f"An epsilon of {epsilon} is impossible; expected a probability.")
        roster = Roster.of(arms, newcomer, priors)
        sums = RewardSums.empty(len(roster.arms))
        return cls(roster=roster, floor=floor, keep=keep_of(half_life), sums=sums, epsilon=epsilon)

    def tuning(self) -> dict[str, float]:
        """Epsilon."""
        return {"epsilon": self.epsilon}

    def _shares(self) -> Sequence[float]:
        totals = self.sums.with_priors(self.roster.priors).tolist()
        means = [reward / n for n, reward in totals]
        n_best = means.count(max(means))
        others = self.epsilon / len(means)
        return [others + (1 - self.epsilon) / n_best if mean == max(means) else others for mean in means]
