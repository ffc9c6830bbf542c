"""Situations and tasks for tests: one plain person, varied by keyword."""

import datetime as dt
from typing import Any

from tip_serving.scenarios.model import Due, Scenario, Situation, Task

MONDAY_NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


def task(content: str = "Call the dentist", *, due_in_days: int | None = None, **fields: Any) -> Task:
    """A task due so many days after MONDAY_NOON."""
    due = None if due_in_days is None else Due(date=MONDAY_NOON.date() + dt.timedelta(days=due_in_days))
    return Task(id=fields.pop("id", content), content=content, due=fields.pop("due", due), **fields)


def situation(*tasks: Task, now: dt.datetime = MONDAY_NOON, profile: dict[str, Any] | None = None) -> Situation:
    """A moment with these open tasks."""
    return Situation(now=now, tasks=tasks, profile_features=profile)


def scenarios(n: int) -> list[Scenario]:
    """`n` small scenarios that differ in their one task."""
    return [
        Scenario.of(situation(task(f"Write chapter {number}", due_in_days=number % 5)), "test") for number in range(n)
    ]
