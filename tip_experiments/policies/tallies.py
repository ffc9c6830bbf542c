"""What policies without a context have in common: counts and sums of the arms, learning, and their state."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike

from tip_experiments.policies.feedback import LARGEST_FEATURE, Feedback, checked
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.roster import Roster
from tip_experiments.policies.sums import RewardSums


@dataclass(frozen=True, kw_only=True, eq=False)
class TallyPolicy(Policy):
    """A policy on the mean rewards of its arms; contexts are ignored, and probabilities are computed once."""

    keep: float
    """In (0, 1], what remains of the weight of what was learnt when one more observation arrives."""
    sums: RewardSums

    reward_range: ClassVar[tuple[float, float]] = (-LARGEST_FEATURE, LARGEST_FEATURE)
    """Rewards outside are refused."""

    def update(self, batch: Feedback) -> Self:
        """The policy that has learnt from `batch` too.

        With no half-life, feedback in any order and in any batches makes the same policy, bit for bit. With one,
        the order counts, the batches do not but for rounding.

        Raises:
            FeedbackError: the feedback does not fit; lists the first ten rows of every fault.
        """
        data = checked(batch, self.arms, self.roster.retired, 0, self.reward_range)
        return replace(self, sums=self.sums.updated(data, self.keep))

    def memory(self) -> list[bytes]:
        """Count and sum of each arm."""
        return self.sums.memory()

    def parameters(self) -> dict[str, Any]:
        """JSON values that, with roster, floor and `memory`, determine every decision."""
        return {"keep": self.keep, **self.tuning()}

    def tuning(self) -> dict[str, float]:
        """The parameters of this kind of policy alone, by field."""
        return {}

    @classmethod
    def restored(cls, roster: Roster, floor: float, parameters: Mapping[str, Any], memory: Sequence[bytes]) -> Self:
        """The policy of which all that was taken."""
        return cls(roster=roster, floor=floor, sums=RewardSums.from_memory(memory), **parameters)

    def _over(self, roster: Roster) -> Self:
        return replace(self, roster=roster, sums=self.sums.moved(roster.origins(self.roster)))

    @abstractmethod
    def _shares(self) -> Sequence[float]:
        """(K,) what `_preferences` returns for every context."""

    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:  # noqa: ARG002  none is known
        return self._shares()

    @cached_property
    def _fixed_weights(self) -> Sequence[int]:
        return super()._weights(None)

    def _weights(self, context: ArrayLike | None) -> Sequence[int]:  # noqa: ARG002  the same for each
        return self._fixed_weights
