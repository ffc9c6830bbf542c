"""What an arm would have done in logged decisions: the probability of each tip to come first, for thousands at once.

The same numbers as `scoring.ranking.order` draws by, to a step of its grid.
"""

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.decision import GRID
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.softmax import Softmax
from tip_serving.features import vector
from tip_serving.scoring import ranking
from tip_serving.scoring.arms import ReadyArm
from tip_serving.scoring.policy_context import policy_context
from tip_serving.scoring.rule import rule_scores
from tip_serving.training.logged import Decisions

Floats = NDArray[np.float64]

_PROFILE = ("completion_rate", "acceptance_rate", "dismissal_rate", "tips_7d", "streak_days", "account_age_days")
_CONTEXT = ("hour", "is_weekend", "n_tasks", "n_overdue", "n_due_today")


def scores(arm: ReadyArm, logged: Decisions) -> Floats:
    """(sum of n_tips,) float64, what the arm's model, or the rule, gives each tip."""
    return rule_scores(logged.vectors) if arm.model is None else arm.model.predict(logged.vectors)


def target(arm: ReadyArm, logged: Decisions) -> Floats:
    """(n, K) float64, rows sum to 1; 0 where there was no tip."""
    return policy_target(arm.policy, scores(arm, logged), logged)


def policy_target(policy: Policy, scored: Floats, logged: Decisions) -> Floats:
    """(n, K) float64, of a policy on (sum of n_tips,) scores."""
    if ranking.needs_scores(policy) and isinstance(policy, Softmax):
        return _softmax(policy, logged.padded(scored, -np.inf), logged.n_tips)
    return _by_arms(policy, scored, logged)


def _softmax(policy: Softmax, table: Floats, n_tips: NDArray[np.int64]) -> Floats:
    """Rows of scores, -inf where there was no tip, as probabilities with the policy's floor."""
    floors = np.minimum(np.ceil(policy.floor * GRID) / GRID, (GRID // n_tips) / GRID)[:, None]
    preferences = np.exp((table - table.max(axis=1, keepdims=True)) / policy.temperature)
    shares = preferences / preferences.sum(axis=1, keepdims=True)
    target: Floats = np.where(np.isfinite(table), floors + (1.0 - n_tips[:, None] * floors) * shares, 0.0)
    return target


def _by_arms(policy: Policy, scored: Floats, logged: Decisions) -> Floats:
    """One decision after the other, for policies that know tips by their ids."""
    known = contexts(logged.vectors[logged.starts]) if ranking.needs_context(policy) else None
    found = np.empty(logged.vectors.shape[0])
    for row, (start, n_tips) in enumerate(zip(logged.starts.tolist(), logged.n_tips.tolist(), strict=True)):
        context = None if known is None else known[row]
        mine = scored[start : start + n_tips].tolist()
        order = ranking.order(policy, logged.tip_ids[row], mine, context, logged.ids[row])
        found[start : start + n_tips] = order.propensities
    return logged.padded(found, 0.0)


def contexts(vectors: Floats) -> Floats:
    """(n, d) float64, what a contextual policy reads; every number of it stands in the (n, F) vectors as it was."""
    places = [vector.names().index(name) for name in _COLUMNS]
    found = [
        policy_context(dict(zip(_PROFILE, row, strict=False)), dict(zip(_CONTEXT, row[len(_PROFILE) :], strict=True)))
        for row in vectors[:, places].tolist()
    ]
    return np.array(found).reshape(len(found), -1)


_COLUMNS = (*(f"profile_{name}" for name in _PROFILE), *(f"context_{name}" for name in _CONTEXT))
