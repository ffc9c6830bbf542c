"""From scores to an order: a released policy draws which tip comes first, the others follow by their scores.

Candidates differ from request to request, so they become the arms of the released policy for this one decision.

- `softmax` on the reward model: probabilities follow from the scores of this request; drawn under the version that
  was released, at a fifth of the time that a policy over new arms would take to be built.
- every other kind: `with_arms`, so a tip that the policy has learnt about keeps that, and a new one has its prior.

The first of an order is drawn with the logged propensity, and that holds of the first alone. The same policy,
candidates, scores, context and decision id draw the same order again, in any process.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.decision import GRID, drawn, least_weight, on_grid, ticket
from tip_experiments.policies.errors import PolicyError
from tip_experiments.policies.linear import LinearPolicy
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.reward_models import LinearRewards
from tip_experiments.policies.softmax import Softmax


class Order(NamedTuple):
    """The drawn order of K candidates."""

    positions: tuple[int, ...]
    """(K,) of the candidates, the one to be shown first."""
    propensities: tuple[float, ...]
    """(K,) the probability of each candidate to come first; they sum to 1."""
    floor: float
    """No candidate had less."""


class PredictedRewards:
    """Stands in a released softmax policy for the reward model that scores outside of it.

    Args:
        identity: as the policy's state names the model.
    """

    def __init__(self, identity: str) -> None:
        self.identity = identity

    def rewards(self, context: object, arms: Sequence[str]) -> Sequence[float]:  # noqa: ARG002  none is predicted here
        """Refuses: the scores of a request come from `scorer`."""
        raise PolicyError(f"The rewards of {self.identity} are predicted before the policy is asked.")


def needs_scores(policy: Policy) -> bool:
    """Whether the policy draws from the reward model's scores."""
    return isinstance(policy, Softmax) and not isinstance(policy.model, LinearRewards)


def model_identity(policy: Policy) -> str | None:
    """The reward model whose scores the policy draws from; None for a policy that needs none."""
    return policy.model.identity if isinstance(policy, Softmax) and needs_scores(policy) else None


def needs_context(policy: Policy) -> bool:
    """Whether the policy reads `policy_context`."""
    return isinstance(policy, LinearPolicy) or (isinstance(policy, Softmax) and not needs_scores(policy))


def order(
    policy: Policy,
    ids: tuple[str, ...],
    scores: Sequence[float],
    context: NDArray[np.float64] | None,
    decision_id: str,
) -> Order:
    """The order of candidates that `policy` draws.

    Args:
        policy: as released, or the default one.
        ids: (K,) all different.
        scores: (K,) finite.
        context: of `policy_context`, for a policy that reads one.
        decision_id: determines the draw.

    Raises:
        PolicyError: the policy cannot decide on these candidates or in this context.
    """
    if needs_scores(policy) and isinstance(policy, Softmax):
        first, weights, floor = _by_scores(policy, scores, decision_id)
    else:
        first, weights, floor = _by_arms(policy, ids, context, decision_id)
    ranked = sorted(range(len(ids)), key=scores.__getitem__, reverse=True)  # of equal scores the earlier one first
    ranked.remove(first)
    return Order((first, *ranked), weights, floor)


_Drawn = tuple[int, tuple[float, ...], float]


def _by_scores(policy: Softmax, scores: Sequence[float], decision_id: str) -> _Drawn:
    floor = min(policy.floor, GRID // len(scores) / GRID)  # more candidates than the floor has room for: all alike
    best = max(scores)
    preferences = [math.exp((score - best) / policy.temperature) for score in scores]
    weights = on_grid(preferences, least_weight(floor))
    return drawn(weights, ticket(policy.version, decision_id)), tuple([weight / GRID for weight in weights]), floor


def _by_arms(policy: Policy, ids: tuple[str, ...], context: NDArray[np.float64] | None, decision_id: str) -> _Drawn:
    decision = _over(policy, ids).decide(context, decision_id)
    return decision.action, decision.probabilities, decision.floor


@lru_cache(maxsize=256)  # one released catalogue of tips is asked about again and again; moving its sums is the cost
def _over(policy: Policy, ids: tuple[str, ...]) -> Policy:
    return replace(policy, floor=min(policy.floor, GRID // max(len(ids), len(policy.arms)) / GRID)).with_arms(ids)
