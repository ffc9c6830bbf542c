"""Events of all kinds around decisions, as servers and apps would send them, for tests of what keeps them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
from support.exposures import exposure

from tip_serving.events.feedback import Feedback, Reaction
from tip_serving.events.kinds import AnyEvent
from tip_serving.events.signal import AppOpened, TaskAdded, TaskCompleted

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
_HERE = timezone(timedelta(hours=2))


def reaction(decision_id: str, told: Reaction = "accepted", **changes: Any) -> Feedback:
    """One reaction to the first tip of a decision."""
    fields: dict[str, Any] = {
        "event_id": f"{decision_id}-{told}",
        "at": START + timedelta(minutes=5),
        "user": "user-1",
        "decision_id": decision_id,
        "tip_id": "t0",
        "reaction": told,
        "rating": 0.75 if told == "rated" else None,
    }
    return Feedback(**{**fields, **changes})


def signals(user: str, at: datetime, name: str) -> list[AnyEvent]:
    """A session in which a task is added and done."""
    local = at.astimezone(_HERE)
    return [
        AppOpened(event_id=f"{name}-opened", at=local, user=user, session_id=name),
        TaskAdded(event_id=f"{name}-added", at=local, user=user, task_id=name, due_at=local, priority=2),
        TaskCompleted(event_id=f"{name}-done", at=local, user=user, task_id=name, labels=("home", "café")),
    ]


def life(n_events: int, rng: np.random.Generator, n_users: int = 50) -> list[AnyEvent]:
    """`n_events` events of several people over three days, in the order in which they happened."""
    made: list[AnyEvent] = []
    number = 0
    while len(made) < n_events:
        user = f"user-{rng.integers(n_users)}"
        at = START + timedelta(seconds=len(made) * 260_000 / n_events)
        decision = f"decision-{number}"
        made += signals(user, at, f"signal-{number}")
        made.append(
            exposure(event_id=f"exposure-{number}", at=at, user=user, decision_id=decision, retain_until=at + RETENTION)
        )
        told: Sequence[Reaction] = ("shown", "dismissed") if rng.random() < 0.5 else ("shown", "accepted", "rated")
        made += [reaction(decision, one, user=user, at=at + timedelta(seconds=2 + n)) for n, one in enumerate(told)]
        number += 1
    return made[:n_events]


RETENTION = timedelta(days=180)
