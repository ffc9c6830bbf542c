"""The protocol of all policies: probabilities for a context, a decision drawn from them, a new policy after feedback.

A policy is a value. Feedback makes another one; the version names the content, so that equal policies have equal
versions on every machine, and a decision is a function of policy, context and decision id alone.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.policies.decision import GRID, Decision, drawn, least_weight, on_grid, ticket
from tip_experiments.policies.errors import PolicyError
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.roster import Prior, Roster


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy(ABC):
    """Chooses among arms; immutable."""

    roster: Roster
    floor: float
    """The probability that every arm has at least, in [0, 1/K]."""

    kind: ClassVar[str]
    """Under which name the state of such a policy is kept."""

    def __post_init__(self) -> None:
        """Refuse a floor that the arms cannot all have; a number is the same whatever type it came in."""
        for field in fields(self):
            if field.type is float:
                object.__setattr__(self, field.name, float(getattr(self, field.name)))
        n_arms = len(self.arms)
        if not (0 <= self.floor <= 1 and n_arms * least_weight(self.floor) <= GRID):
            most = GRID // n_arms / GRID
            raise PolicyError(f"A floor of {self.floor} is impossible with {n_arms} arms; expected 0 to {most}.")

    @property
    def arms(self) -> tuple[str, ...]:
        """(K,) names of the arms, in the order of all vectors."""
        return self.roster.arms

    @abstractmethod
    def update(self, batch: Feedback) -> Self:
        """The policy that has learnt from `batch` too; this one stays as it is.

        Raises:
            FeedbackError: the feedback does not fit; lists the first ten rows of every fault.
        """

    def with_arms(self, arms: Sequence[str], priors: Mapping[str, Prior] | None = None) -> Self:
        """The policy over `arms`: who stays keeps what was learnt, who is new starts from its prior.

        Raises:
            PolicyError: the arms cannot be, the floor is too high for so many, or priors are not for new arms.
        """
        roster = self.roster.changed(arms, priors)
        return self if roster == self.roster else self._over(roster)

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """JSON values that, with roster, floor and `memory`, determine every decision."""

    def memory(self) -> list[bytes]:
        """What was learnt, one block per arm; none for a policy that learns nothing."""
        return []

    def digests(self) -> Sequence[bytes]:
        """A hash of each block of `memory`."""
        return [blake2b(block, digest_size=16).digest() for block in self.memory()]

    @classmethod
    @abstractmethod
    def restored(cls, roster: Roster, floor: float, parameters: Mapping[str, Any], memory: Sequence[bytes]) -> Self:
        """The policy of which all that was taken."""

    def _over(self, roster: Roster) -> Self:
        """The policy with the arms of `roster`, which was made from this one's."""
        return replace(self, roster=roster)

    @abstractmethod
    def _preferences(self, context: ArrayLike | None) -> Sequence[float]:
        """(K,) >= 0, finite, proportional to the probabilities before the floor."""

    @cached_property
    def version(self) -> str:
        """32 hexadecimal digits that name the content of this policy."""
        known = [self.kind, self.roster.as_json(), self.floor, self.parameters()]
        text = json.dumps(known, sort_keys=True, allow_nan=False)
        return blake2b(text.encode() + b"\0" + b"".join(self.digests()), digest_size=16).hexdigest()

    def probabilities(self, context: ArrayLike | None = None) -> NDArray[np.float64]:
        """The distribution that `decide` draws from.

        Args:
            context: (d,) float64, finite; None for a policy that knows no context.

        Returns:
            (K,) float64, multiples of 2^-40 in [floor, 1] that sum to 1.

        Raises:
            ContextError: the context does not fit.
        """
        return np.array(self._weights(context), np.float64) / GRID

    def decide(self, context: ArrayLike | None, decision_id: str) -> Decision:
        """Draw an arm, with no chance but policy version and decision id: asked again, the answer is the same.

        Args:
            context: as for `probabilities`.
            decision_id: its own for each decision, not empty. Ids that say something of the context or of the
                person's behaviour would tie the draw to it; take random ones.

        Raises:
            ContextError: the context does not fit.
            PolicyError: there is no decision id: all such decisions would get the same draw.
        """
        if decision_id is None or decision_id == "":
            raise PolicyError(f"A decision cannot be drawn for the id {decision_id!r}; expected one of its own.")
        weights = self._weights(context)
        action = drawn(weights, ticket(self.version, decision_id))
        probabilities = tuple([weight / GRID for weight in weights])
        arms, propensity = self.roster.arms, probabilities[action]
        return Decision(decision_id, action, arms[action], propensity, probabilities, arms, self.floor, self.version)

    def _weights(self, context: ArrayLike | None) -> Sequence[int]:
        """(K,) the probabilities in steps of the grid."""
        return on_grid(self._preferences(context), least_weight(self.floor))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.version == other.version

    def __hash__(self) -> int:
        return hash(self.version)
