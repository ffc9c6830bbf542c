"""What linear policies have in common: one regression of the reward per arm, learning, and its state.

How probabilities follow from the regressions' means and deviations, each policy says for itself.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.policies.errors import ContextError, PolicyError, numbers
from tip_experiments.policies.feedback import LARGEST_FEATURE, Feedback, checked
from tip_experiments.policies.linear_sums import LinearSums
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.roster import FAINT, Prior, Roster
from tip_experiments.policies.units import keep_of

_LEAST_VARIANCE = 1e-18  # so that no deviation is 0, whatever rounding did
NOISE_PRIOR_N = 2.0  # as how many observations the noise given at the start weighs


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearPolicy(Policy):
    """A policy on K ridge regressions of the reward on a constant and the d features of the context."""

    n_features: int
    """d >= 0."""
    ridge: float
    """> 0, prior precision of each feature's coefficient, in observations of a feature of size one."""
    noise: float
    """> 0, the standard deviation of a reward around its mean as believed before the first feedback."""
    keep: float
    """In (0, 1], what remains of the weight of what was learnt when one more observation arrives."""
    sums: LinearSums

    def __post_init__(self) -> None:
        """Refuse parameters that no regression can have."""
        super().__post_init__()
        scales = {"ridge": self.ridge, "noise": self.noise, **self.tuning()}
        if wrong := [f"{name} {value}" for name, value in scales.items() if not 0 < value < math.inf]:
            raise PolicyError(f"A linear policy cannot have {', '.join(wrong)}; expected finite numbers above 0.")

    @classmethod
    def over(
        cls,
        arms: Sequence[str],
        n_features: int,
        *,
        floor: float,
        ridge: float = 1.0,
        noise: float = 0.5,
        half_life: float | None = None,
        newcomer: Prior = FAINT,
        priors: Mapping[str, Prior] | None = None,
        **tuning: float,
    ) -> Self:
        """The policy before any feedback.

        Args:
            arms: (K,) names.
            n_features: d >= 0, the length of a context.
            floor: in [0, 1/K]. What it costs is up to K * floor of all decisions; what it buys is that every other
                policy can be evaluated on the log, with weights of at most 1 / floor.
            ridge: > 0, prior precision of each feature's coefficient, in observations of a feature of size one.
            noise: > 0, a first guess of the standard deviation of a reward around its mean; soon learnt.
            half_life: > 1, after how many observations of any arm what was learnt has lost half its weight.
            newcomer: of an arm without a prior of its own; speaks of the reward at a context of zeros.
            priors: of arms, by name.
            **tuning: the fields of this kind of policy.

        Raises:
            PolicyError: arms, priors, floor or a parameter cannot be.
        """
        roster = Roster.of(arms, newcomer, priors)
        return cls(
            roster=roster, floor=floor, n_features=n_features, ridge=ridge, noise=noise, keep=keep_of(half_life),
            sums=LinearSums.empty(roster.priors, n_features, ridge), **tuning,
        )  # fmt: skip

    def update(self, batch: Feedback) -> Self:
        """The policy that has learnt from `batch` too.

        With no half-life, feedback in any order and in any batches makes the same policy, bit for bit. With one,
        the order counts, the batches do not but for rounding.

        Raises:
            FeedbackError: the feedback does not fit; lists the first ten rows of every fault.
        """
        data = checked(batch, self.arms, self.roster.retired, self.n_features)
        return replace(self, sums=self.sums.updated(data, self.roster.priors, self.ridge, self.keep))

    def memory(self) -> list[bytes]:
        """The sums of each arm."""
        return self.sums.memory()

    def digests(self) -> Sequence[bytes]:
        """A hash of the sums of each arm; those of arms that learnt nothing new are kept."""
        return self.sums.fit.digests

    def parameters(self) -> dict[str, Any]:
        """JSON values that, with roster, floor and `memory`, determine every decision."""
        return {
            "n_features": self.n_features, "ridge": self.ridge, "noise": self.noise, "keep": self.keep, **self.tuning()
        }  # fmt: skip

    @abstractmethod
    def tuning(self) -> dict[str, float]:
        """The parameters of this kind of policy alone, by field; all are above 0."""

    @classmethod
    def restored(cls, roster: Roster, floor: float, parameters: Mapping[str, Any], memory: Sequence[bytes]) -> Self:
        """The policy of which all that was taken."""
        sums = LinearSums.from_memory(memory, roster.priors, parameters["n_features"], parameters["ridge"])
        return cls(roster=roster, floor=floor, sums=sums, **parameters)

    def _over(self, roster: Roster) -> Self:
        origins = roster.origins(self.roster)
        return replace(self, roster=roster, sums=self.sums.moved(origins, roster.priors, self.n_features, self.ridge))

    @cached_property
    def noise_variance(self) -> float:
        """> 0, of a reward around its mean, one for all arms: the prior's and what the fits leave unexplained."""
        misfit = NOISE_PRIOR_N * self.noise**2 + math.fsum(self.sums.fit.misfits.tolist())
        return misfit / (NOISE_PRIOR_N + math.fsum(self.sums.counts.tolist()))

    def features(self, context: ArrayLike | None) -> NDArray[np.float64]:
        """(D,) the context behind a constant 1.

        Raises:
            ContextError: it has another length, or a feature that is not finite or far beyond 1024.
        """
        values = numbers("A context", context, ContextError)
        if values.shape != (self.n_features,):
            raise ContextError(f"A context has shape {values.shape}; expected ({self.n_features},).")
        features = np.empty(self.n_features + 1)
        features[0] = 1.0
        features[1:] = values
        if not features.dot(features) <= LARGEST_FEATURE**2 * features.size:
            raise ContextError(f"A context holds features that are not in [{-LARGEST_FEATURE:g}, {LARGEST_FEATURE:g}].")
        return features

    def means(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """(K,) the expected rewards."""
        means: NDArray[np.float64] = np.add.reduce(self.sums.fit.coefficients * features[:, None], axis=0)
        return means

    def deviations(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """(K,) the posterior standard deviations of the expected rewards, for a noise of 1."""
        upper, right = self._triangle
        products = features.take(upper) * features.take(right)
        variances: NDArray[np.float64] = np.add.reduce(self.sums.fit.covariances * products[:, None], axis=0)
        return np.sqrt(np.maximum(variances, _LEAST_VARIANCE))

    @cached_property
    def _triangle(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.triu_indices(self.n_features + 1)
