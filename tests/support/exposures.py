"""Exposure events as a server would write them, for tests of what carries and reads them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from tip_serving.events import vectors
from tip_serving.events.event import new_id
from tip_serving.events.exposure import Exposure

_ROWS = np.random.default_rng(11).normal(size=(20, 40))
_ROWS[:, 10:] = _ROWS[0, 10:]
_ROWS[:, 12] = np.nan


def exposure(n_tips: int = 2, **changes: Any) -> Exposure:
    """One decision among `n_tips` tips, of which every field can be given."""
    table = _ROWS[:n_tips]
    fields: dict[str, Any] = {
        "event_id": new_id(),
        "at": datetime.now(UTC),
        "user": "user-1",
        "decision_id": new_id(),
        "kind": "score",
        "arm": "champion",
        "manifest_version": "7",
        "policy_version": "p3",
        "model_version": "m2",
        "contract_hash": "00ff00ff00ff00ff",
        "tip_ids": tuple(f"t{index}" for index in range(n_tips)),
        "propensities": (1 / n_tips,) * n_tips,
        "scores": tuple(table[:, 0].tolist()),
        "order": tuple(range(n_tips)),
        "vector_hash": vectors.digest(vectors.pack(table)),
        "vectors": vectors.pack(table),
        "fell_back": {"streak_days": "null"},
    }
    return Exposure(**{**fields, **changes})
