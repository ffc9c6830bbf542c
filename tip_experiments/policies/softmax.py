"""Softmax over the rewards that a model predicts. The model is trained elsewhere; feedback goes there, not here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike

from tip_experiments.policies.errors import PolicyError
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.reward_models import LinearRewards, RewardModel
from tip_experiments.policies.roster import Prior, Roster

_UNUSED = Prior(0.0, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Softmax(Policy):
    """An arm that the model expects to pay `temperature` more is e times as likely."""

    model: RewardModel
    temperature: float
    """> 0, in units of the reward."""

    kind: ClassVar[str] = "softmax"

    def __post_init__(self) -> None:
        """Refuse a temperature that is none."""
        super().__post_init__()
        if not 0 < self.temperature < math.inf:
            raise PolicyError(f"A temperature of {self.temperature} is impossible; expected a finite number above 0.")

    @classmethod
    def over(cls, arms: Sequence[str], model: RewardModel, temperature: float, *, floor: float = 0.0) -> Self:
        """The policy over `arms`.

        Args:
            arms: (K,) names, all known to the model.
            model: predicts rewards; its identity becomes part of the policy's version.
            temperature: > 0.
            floor: in [0, 1/K].

        Raises:
            PolicyError: arms, temperature or floor cannot be.
        """
        return cls(roster=Roster.of(arms, _UNUSED, None), floor=floor, model=model, temperature=temperature)

    def update(self, batch: Feedback) -> Self:  # noqa: ARG002  the model learns elsewhere
        """The policy itself."""
        return self

    def parameters(self) -> dict[str, Any]:
        """Temperature and the model: its coefficients where it is linear, else its identity."""
        linear = None
        if isinstance(self.model, LinearRewards):
            linear = {arm: list(row) for arm, row in self.model.coefficients.items()}
        return {"temperature": self.temperature, "model": self.model.identity, "linear": linear}

    @classmethod
    def restored(cls, roster: Roster, floor: float, parameters: Mapping[str, Any], memory: Sequence[bytes]) -> Self:  # noqa: ARG003  there is none
        """The policy of which all that was taken; as `model`, parameters hold a reward model or a linear one's name."""
        model = parameters["model"]
        if parameters["linear"] is not None:
            model = LinearRewards({arm: tuple(row) for arm, row in parameters["linear"].items()})
        return cls(roster=roster, floor=floor, model=model, temperature=parameters["temperature"])

    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:
        rewards = [float(reward) for reward in self.model.rewards(context, self.arms)]
        if len(rewards) != len(self.arms) or not all(map(math.isfinite, rewards)):
            raise PolicyError(
                f"Reward model {self.model.identity} predicted {rewards!r:.200}; "
                f"expected {len(self.arms)} finite numbers."
            )
        best = max(rewards)
        return [math.exp((reward - best) / self.temperature) for reward in rewards]
