"""What a contextual policy knows of a person and a moment: a few numbers of about one, in a declared order.

Trees take features as they are; regressions need them finite and of one size. The same function serves whoever trains
a policy on logged decisions and the server that asks it.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tip_serving.features import contract

NAMES = (
    "hour_sin", "hour_cos", "is_weekend", "tasks", "overdue_share", "due_today_share", "completion_rate",
    "acceptance_rate", "dismissal_rate", "tips_7d", "streak", "account_age",
)  # fmt: skip
"""(d,) what stands where in a context."""

_VERSION = 1  # of the formulas below; another one is another contract
_FULL_CIRCLE = 2 * math.pi / 24


def contract_hash() -> str:
    """16 hexadecimal digits that name the features, their order and the formulas here."""
    determining = json.dumps([contract.contract_hash(), NAMES, _VERSION])
    return hashlib.sha256(determining.encode()).hexdigest()[:16]


def policy_context(profile: Mapping[str, Any], context: Mapping[str, Any]) -> NDArray[np.float64]:
    """(d,) float64, finite, of about 1 for usual people and in [-1, 4] for any.

    Args:
        profile: the values of every declared profile feature.
        context: the values of every declared context feature.
    """
    angle = context["hour"] * _FULL_CIRCLE
    n_tasks = max(context["n_tasks"], 1)
    return np.array([
        math.sin(angle),
        math.cos(angle),
        1.0 if context["is_weekend"] else 0.0,
        _grown(context["n_tasks"], 50),
        min(context["n_overdue"] / n_tasks, 1.0),
        min(context["n_due_today"] / n_tasks, 1.0),
        profile["completion_rate"],
        profile["acceptance_rate"],
        profile["dismissal_rate"],
        _grown(profile["tips_7d"], 50),
        _grown(profile["streak_days"], 30),
        _grown(profile["account_age_days"], 1000),
    ], np.float64)  # fmt: skip


def _grown(count: float, usual: float) -> float:
    """0 for none, 1 for `usual`, and slowly beyond."""
    return math.log1p(count) / math.log1p(usual)
