"""Every arm alike: the policy to log with when nothing is known, and what others are compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike

from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.roster import Prior, Roster

_UNUSED = Prior(0.0, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Uniform(Policy):
    """Chooses each arm with the same probability whatever the context, and learns nothing."""

    kind: ClassVar[str] = "uniform"

    @classmethod
    def over(cls, arms: Sequence[str]) -> Self:
        """The uniform policy over `arms`.

        Raises:
            PolicyError: the arms cannot be.
        """
        return cls(roster=Roster.of(arms, _UNUSED, None), floor=0.0)

    def update(self, batch: Feedback) -> Self:  # noqa: ARG002  nothing to learn
        """The policy itself."""
        return self

    def parameters(self) -> dict[str, Any]:
        """None."""
        return {}

    @classmethod
    def restored(cls, roster: Roster, floor: float, parameters: Mapping[str, Any], memory: Sequence[bytes]) -> Self:  # noqa: ARG003  there are none
        """The policy over the arms of `roster`."""
        return cls(roster=roster, floor=floor)

    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:  # noqa: ARG002  whatever it is
        return [1.0] * len(self.arms)
