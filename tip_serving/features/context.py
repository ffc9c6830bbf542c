"""Context features: derived from the clock and the task list at the moment of the call, never cached."""

import datetime as dt
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from tip_serving.scenarios.model import Situation, Task

URGENT = 4
DAYS_OF_A_WEEK = 7
SATURDAY = 5


class PartOfDay(StrEnum):
    """The moment in one word."""

    EARLY_MORNING = "early morning"
    MORNING = "morning"
    MIDDAY = "midday"
    AFTERNOON = "afternoon"
    EVENING = "evening"
    LATE_NIGHT = "late night"


_PART_STARTS = (
    (0, PartOfDay.LATE_NIGHT),
    (5, PartOfDay.EARLY_MORNING),
    (8, PartOfDay.MORNING),
    (12, PartOfDay.MIDDAY),
    (14, PartOfDay.AFTERNOON),
    (18, PartOfDay.EVENING),
    (22, PartOfDay.LATE_NIGHT),
)


class Source(StrEnum):
    """What a context feature is derived from."""

    CLOCK = "clock"
    TASKS = "tasks"


class ContextFeature(NamedTuple):
    """One declared feature. Freshness is always the moment of the call; with no tasks the fallback holds."""

    name: str
    source: Source
    fallback: Any
    meaning: str
    compute: Callable[[Situation], Any]


def part_of_day(moment: dt.time) -> PartOfDay:
    """The part of the day that `moment` lies in; late night runs from 22:00 to 5:00."""
    return [part for start, part in _PART_STARTS if moment.hour >= start][-1]


def is_overdue(task: Task, now: dt.datetime) -> bool:
    """Whether the task's day, or its time of today, has passed."""
    if task.due is None or task.due.date is None:
        return False
    if task.due.date == now.date() and task.due.time is not None:
        return task.due.time < now.time().replace(tzinfo=None)
    return task.due.date < now.date()


def is_due_today(task: Task, now: dt.datetime) -> bool:
    """Whether the task is due later today."""
    return task.due is not None and task.due.date == now.date() and not is_overdue(task, now)


def days_until_due(task: Task, now: dt.datetime) -> int | None:
    """Days from today to the task's day, negative where it has passed; None where no day is known."""
    return (task.due.date - now.date()).days if task.due and task.due.date else None


def _count(condition: Callable[[Task, dt.datetime], bool]) -> Callable[[Situation], int]:
    return lambda situation: sum(condition(task, situation.now) for task in situation.tasks)


def _is_due_this_week(task: Task, now: dt.datetime) -> bool:
    days = days_until_due(task, now)
    return days is not None and 0 <= days < DAYS_OF_A_WEEK


def _next_deadline_days(situation: Situation) -> int | None:
    ahead = [
        days for task in situation.tasks if (days := days_until_due(task, situation.now)) is not None and days >= 0
    ]
    return min(ahead, default=None)


def _oldest_overdue_days(situation: Situation) -> int:
    return max((-(days_until_due(task, situation.now) or 0) for task in situation.tasks), default=0)


def _oldest_open_days(situation: Situation) -> int | None:
    ages = [(situation.now - task.added_at).days for task in situation.tasks if task.added_at]
    return max(ages, default=None)


CONTEXT_FEATURES = (
    ContextFeature("hour", Source.CLOCK, None, "hour of the local day, 0 to 23", lambda s: s.now.hour),
    ContextFeature("weekday", Source.CLOCK, None, "1 is Monday, 7 is Sunday", lambda s: s.now.isoweekday()),
    ContextFeature("part_of_day", Source.CLOCK, None, "see PartOfDay", lambda s: part_of_day(s.now.time()).value),
    ContextFeature(
        "is_weekend", Source.CLOCK, None, "Saturday or Sunday", lambda s: s.now.weekday() >= SATURDAY
    ),
    ContextFeature("n_tasks", Source.TASKS, 0, "open tasks", lambda s: len(s.tasks)),
    ContextFeature("n_overdue", Source.TASKS, 0, "tasks whose day or time has passed", _count(is_overdue)),
    ContextFeature("n_due_today", Source.TASKS, 0, "tasks due later today", _count(is_due_today)),
    ContextFeature("n_due_this_week", Source.TASKS, 0, "tasks due in the next 7 days", _count(_is_due_this_week)),
    ContextFeature(
        "n_urgent", Source.TASKS, 0, "tasks of priority 4", _count(lambda task, _: task.priority == URGENT)
    ),
    ContextFeature(
        "n_without_due", Source.TASKS, 0, "tasks with no day",
        _count(lambda task, _: task.due is None or task.due.date is None),
    ),
    ContextFeature("next_deadline_days", Source.TASKS, None, "days to the next due day", _next_deadline_days),
    ContextFeature("oldest_overdue_days", Source.TASKS, 0, "days since the first passed due day", _oldest_overdue_days),
    ContextFeature("oldest_open_days", Source.TASKS, None, "age of the longest-open task", _oldest_open_days),
)  # fmt: skip


def context_features(situation: Situation) -> dict[str, Any]:
    """Every declared context feature of `situation`, by name."""
    return {
        feature.name: feature.fallback
        if feature.source is Source.TASKS and not situation.tasks
        else feature.compute(situation)
        for feature in CONTEXT_FEATURES
    }
