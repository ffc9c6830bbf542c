"""Models of the reward that a softmax policy asks; trained elsewhere, identified by what they are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from tip_experiments.policies.errors import ContextError, PolicyError, numbers


class RewardModel(Protocol):
    """Whatever predicts the reward of arms in a context."""

    @property
    def identity(self) -> str:
        """Names the content of the model: another one if any prediction could differ."""

    def rewards(self, context: ArrayLike | None, arms: Sequence[str]) -> Sequence[float]:
        """(K,) finite, the expected reward of each of `arms`.

        Raises:
            ContextError: the context does not fit.
        """


@dataclass(frozen=True)
class LinearRewards:
    """A constant plus a weighted sum of the features, per arm; small enough to be kept in a policy's state."""

    coefficients: Mapping[str, tuple[float, ...]]
    """By arm: (d + 1,) finite, the constant first."""

    def __post_init__(self) -> None:
        """Refuse coefficients of different lengths or that are not finite."""
        lengths = {len(row) for row in self.coefficients.values()}
        if len(lengths) != 1 or 0 in lengths or not all(np.isfinite(row).all() for row in self.coefficients.values()):
            raise PolicyError(
                f"Linear rewards need finite coefficients, as many for each arm, the constant first; found lengths "
                f"{ {arm: len(row) for arm, row in self.coefficients.items()} }."
            )

    @cached_property
    def identity(self) -> str:
        """A hash of the coefficients."""
        text = json.dumps({arm: list(row) for arm, row in self.coefficients.items()}, sort_keys=True)
        return f"linear-{blake2b(text.encode(), digest_size=16).hexdigest()}"

    def rewards(self, context: ArrayLike | None, arms: Sequence[str]) -> Sequence[float]:
        """(K,) the expected reward of each of `arms`.

        Raises:
            PolicyError: an arm has no coefficients.
            ContextError: the context has another length, or a feature that is not finite.
        """
        if missing := [arm for arm in arms if arm not in self.coefficients]:
            raise PolicyError(f"Linear rewards {self.identity} know no coefficients of {', '.join(missing)}.")
        features = numbers("A context", context, ContextError)
        rows = np.array([self.coefficients[arm] for arm in arms])
        if features.shape != (rows.shape[1] - 1,) or not np.isfinite(features).all():
            raise ContextError(f"A context {context!r:.120} does not fit; expected {rows.shape[1] - 1} finite numbers.")
        values = np.concatenate([[1.0], features])
        rewards: list[float] = np.add.reduce(rows.T * values[:, None], axis=0).tolist()
        return rewards
