"""Cards for tests: one that is complete, with names and texts that would like to be more than text."""

import datetime as dt
from typing import Any

from tip_serving.training.candidate import REWARD_MODEL, DataWindow
from tip_serving.training.cards.card import (
    SLICED_BY,
    CalibrationBin,
    Card,
    Fairness,
    Group,
    HistoryEntry,
    Input,
    Metric,
    Part,
    Table,
)

MADE_AT = dt.datetime(2026, 3, 20, 8, 30, tzinfo=dt.UTC)
HOSTILE = "<script>alert(1)</script>|`x`"


def group(column: str, name: str = "all", **changes: Any) -> Group:
    """A group of a reasonable size."""
    fields: dict[str, Any] = {
        "column": column, "group": name, "n_rows": 400, "n_users": 50, "values": {"bias": 0.01},
        "low": {"bias": -0.02}, "high": {"bias": 0.04}, "is_large_enough": True,
    }  # fmt: skip
    return Group(**{**fields, **changes})


def entry(event: str, **changes: Any) -> HistoryEntry:
    """Something that happened."""
    fields: dict[str, Any] = {"at": MADE_AT, "event": event, "detail": f"It was {event}.", "by": "ana"}
    return HistoryEntry(**{**fields, **changes})


def card(**changes: Any) -> Card:
    """A complete card of a reward model."""
    own: dict[str, Any] = {
        "name": "AUC", "value": 0.71, "low": 0.66, "high": 0.76, "confidence": 0.95, "is_higher_better": True,
        "n_rows": 400,
    }  # fmt: skip
    fields: dict[str, Any] = {
        "name": REWARD_MODEL,
        "version": "abc123abc123",
        "created_at": MADE_AT,
        "purpose": f"Predicts. {HOSTILE}",
        "algorithm": "Trees.",
        "parameters": {"num_leaves": 15, "learning_rate": 0.05, "is_fast": True, "seed": None},
        "inputs": (
            Input(name="tip_words", meaning=f"words {HOSTILE}", low=0, high=9, may_be_missing=False, importance=0.6),
            Input(name="tip_minutes", meaning="minutes", low=0, high=9, may_be_missing=True, importance=0.4),
        ),
        "contract_hash": "00ff00ff00ff00ff",
        "data": DataWindow(
            first_day=dt.date(2026, 3, 1), last_day=dt.date(2026, 3, 12), n_rows=4000, n_users=150, sha256="a" * 64
        ),
        "parts": (
            Part(name="training", first_at=MADE_AT, last_at=MADE_AT + dt.timedelta(days=3), n_rows=900, n_users=70,
                 reward_rate=0.3),
            Part(name="test", first_at=MADE_AT + dt.timedelta(days=4), last_at=MADE_AT + dt.timedelta(days=5),
                 n_rows=90, n_users=30, reward_rate=0.3),
        ),
        "sources": {},
        "metrics": (
            Metric(of="abc123abc123", **own),
            Metric(of="base rate", **{**own, "value": 0.5, "low": None, "high": None}),
        ),
        "calibration": (
            CalibrationBin(predicted=0.2, observed=0.22, low=0.1, high=0.3, n_rows=200, n_users=40),
            CalibrationBin(predicted=0.5, observed=0.46, low=None, high=None, n_rows=200, n_users=1),
        ),
        "tables": (Table(title="Options", note="", columns=("option", "gain", "outcome"),
                         rows=((HOSTILE, 0.12, "passed"), ("b", None, "failed")), marked=0),),
        "fairness": Fairness(
            groups=tuple(group(column) for column in SLICED_BY), gaps={}, findings=(), not_measured=None
        ),
        "limits": ("Knows March alone.",),
        "history": (entry("trained"),),
    }  # fmt: skip
    return Card(**{**fields, **changes})


def without(*ends: str) -> Metric:
    """The AUC of `card` without these ends of its interval."""
    return card().metrics[0].model_copy(update=dict.fromkeys(ends))
