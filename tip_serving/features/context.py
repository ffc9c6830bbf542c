"""Context features: derived from the clock and the task list at the moment of the call, never cached."""

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

from tip_serving.features.declared import Between, DType, FeatureError, Range, Text, check_of, fitted, shown
from tip_serving.features.profile import FellBack, Resolved
from tip_serving.scenarios.model import Situation, Task

URGENT = 4
DAYS_OF_A_WEEK = 7
SATURDAY = 6
_DAY_HOURS = 24
MAX_DAYS = 36_500
"""A century: what lies further away counts as this far."""


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
_PART_OF_HOUR = tuple([part for start, part in _PART_STARTS if hour >= start][-1] for hour in range(_DAY_HOURS))


class Source(StrEnum):
    """What a context feature is derived from."""

    CLOCK = "clock"
    TASKS = "tasks"


class Freshness(StrEnum):
    """How old what a feature is derived from may be; nothing is kept from one call to the next."""

    AT_CALL = "the moment of the call"
    AS_SHIPPED = "the task list of the call"


class ContextFeature(NamedTuple):
    """One declared feature; with no tasks, those derived from tasks have their fallback."""

    name: str
    dtype: DType
    source: Source
    freshness: Freshness
    fallback: Any
    allowed: Range
    meaning: str


def _clock(name: str, dtype: DType, allowed: Range, meaning: str) -> ContextFeature:
    return ContextFeature(name, dtype, Source.CLOCK, Freshness.AT_CALL, None, allowed, meaning)


def _count(name: str, meaning: str) -> ContextFeature:
    allowed = Between(0, 1_000_000)
    return ContextFeature(name, DType.INT, Source.TASKS, Freshness.AS_SHIPPED, 0, allowed, meaning)


def _of_tasks(name: str, dtype: DType, fallback: Any, allowed: Range, meaning: str) -> ContextFeature:
    return ContextFeature(name, dtype, Source.TASKS, Freshness.AS_SHIPPED, fallback, allowed, meaning)


_DAYS = Between(0, MAX_DAYS)

CONTEXT_FEATURES = (
    _clock("hour", DType.INT, Between(0, 23), "hour of the local day"),
    _clock("weekday", DType.INT, Between(1, 7), "1 is Monday, 7 is Sunday"),
    _clock("part_of_day", DType.STRING, Text("|".join(PartOfDay), 13), "see PartOfDay"),
    _clock("is_weekend", DType.BOOL, None, "Saturday or Sunday"),
    _count("n_tasks", "open tasks"),
    _count("n_overdue", "tasks whose day or time has passed"),
    _count("n_due_today", "tasks due later today"),
    _count("n_due_this_week", "tasks due in the next 7 days, today included"),
    _count("n_due_later", "tasks due after that"),
    _count("n_without_due", "tasks with no day"),
    _count("n_urgent", "tasks of priority 4"),
    _count("n_recurring", "tasks that come back"),
    _of_tasks("next_deadline_days", DType.INT, None, _DAYS, "days to the next due day, 0 today; null: none ahead"),
    _of_tasks(
        "next_deadline_hours", DType.FLOAT, None, Between(0, MAX_DAYS * _DAY_HOURS),
        "hours to the next due time; a day without one is due when it ends; null: none ahead",
    ),
    _of_tasks("oldest_overdue_days", DType.INT, 0, _DAYS, "days since the first passed due day"),
    _count("n_added_this_week", "tasks added in the past 7 days"),
    _of_tasks("oldest_open_days", DType.INT, None, _DAYS, "age of the longest-open task; null: no age is known"),
    _of_tasks(
        "longest_open_task", DType.STRING, None, Text(r"[\s\S]+", 2_000),
        "title of the longest-open task, for prompts; it never enters the vector",
    ),
)  # fmt: skip

_CHECKS = {feature.name: check_of(feature.name, feature.dtype, feature.allowed) for feature in CONTEXT_FEATURES}


class ContextError(FeatureError):
    """Context features that are not as declared; lists every fault."""


def part_of_day(moment: dt.time) -> PartOfDay:
    """The part of the day that `moment` lies in; late night runs from 22:00 to 5:00."""
    return _PART_OF_HOUR[moment.hour]


def is_overdue(task: Task, now: dt.datetime) -> bool:
    """Whether the task's day, or its time of today, has passed."""
    if task.due is None or task.due.date is None:
        return False
    if task.due.date == now.date() and task.due.time is not None:
        return task.due.time.replace(tzinfo=None) < now.time()
    return task.due.date < now.date()


def is_due_today(task: Task, now: dt.datetime) -> bool:
    """Whether the task is due later today."""
    return task.due is not None and task.due.date == now.date() and not is_overdue(task, now)


def days_until_due(task: Task, now: dt.datetime) -> int | None:
    """Days from today to the task's day, negative where it has passed; None where no day is known."""
    return (task.due.date - now.date()).days if task.due and task.due.date else None


Standing = tuple[int | None, bool]
"""How a task stands to now: `days_until_due` and `is_overdue`."""


def standings(situation: Situation) -> list[Standing]:
    """How each task stands, in their order; for all of them at once a third of the time of one after another."""
    clock, today = situation.now.time(), situation.now.toordinal()
    found: list[Standing] = []
    for task in situation.tasks:
        due = task.due
        if due is None or due.date is None:
            found.append((None, False))
            continue
        days = due.date.toordinal() - today
        has_passed = days < 0 or (days == 0 and due.time is not None and due.time.replace(tzinfo=None) < clock)
        found.append((days, has_passed))
    return found


def context_features(situation: Situation) -> dict[str, Any]:
    """Every declared context feature of `situation`, by name in declared order."""
    now, tasks, stand = situation.now, situation.tasks, standings(situation)
    weekday = now.isoweekday()
    return {
        "hour": now.hour,
        "weekday": weekday,
        "part_of_day": _PART_OF_HOUR[now.hour],
        "is_weekend": weekday >= SATURDAY,
        **_states(tasks, stand),
        **_deadlines(tasks, stand, now),
        **_ages(tasks, now),
    }


def resolve_context(shipped: Mapping[str, Any] | None, situation: Situation) -> Resolved:
    """The declared context features: as the caller ships them, and for the others derived from `situation`.

    Where features are shipped and there are no tasks, those derived from tasks that are missing or null fall back.

    Raises:
        ContextError: unknown names, wrong types, values out of range; all at once.
    """
    values = context_features(situation)
    if not shipped:
        return Resolved(values, {})
    unknown = sorted(shipped.keys() - _CHECKS.keys())
    faults = [f"{shown(name)}: is not a declared context feature" for name in unknown]
    fell_back: dict[str, FellBack] = {}
    for feature in CONTEXT_FEATURES:
        value = shipped.get(feature.name)
        if value is not None:
            wrong = _CHECKS[feature.name](value)
            faults += [wrong] if wrong else []
            values[feature.name] = value if wrong else fitted(feature.dtype, value)
        elif feature.source is Source.TASKS and not situation.tasks:
            fell_back[feature.name] = FellBack.NULL if feature.name in shipped else FellBack.MISSING
    if faults:
        raise ContextError(faults)
    return Resolved(values, fell_back)


def _states(tasks: Sequence[Task], stand: Sequence[Standing]) -> dict[str, Any]:
    """How many tasks are in each state."""
    days = [days for days, _ in stand if days is not None]
    ahead = [day for day in days if day >= 0]
    n_overdue = sum([has_passed for _, has_passed in stand])
    n_overdue_today = n_overdue - (len(days) - len(ahead))
    n_this_week = sum([day < DAYS_OF_A_WEEK for day in ahead])
    return {
        "n_tasks": len(tasks),
        "n_overdue": n_overdue,
        "n_due_today": ahead.count(0) - n_overdue_today,
        "n_due_this_week": n_this_week,
        "n_due_later": len(ahead) - n_this_week,
        "n_without_due": len(tasks) - len(days),
        "n_urgent": sum([task.priority == URGENT for task in tasks]),
        "n_recurring": sum([task.due is not None and task.due.is_recurring for task in tasks]),
    }


def _deadlines(tasks: Sequence[Task], stand: Sequence[Standing], now: dt.datetime) -> dict[str, Any]:
    clock = _hours(now)
    days = [days for days, _ in stand if days is not None]
    ahead = [day for day in days if day >= 0]
    hours = [
        days * _DAY_HOURS + _hours(task.due.time) - clock
        for task, (days, has_passed) in zip(tasks, stand, strict=True)
        if days is not None and not has_passed and task.due is not None
    ]
    return {
        "next_deadline_days": min(MAX_DAYS, *ahead) if ahead else None,
        "next_deadline_hours": min(float(MAX_DAYS * _DAY_HOURS), *hours) if hours else None,
        "oldest_overdue_days": min(-min(days), MAX_DAYS) if len(ahead) < len(days) else 0,
    }


def _hours(moment: dt.time | dt.datetime | None) -> float:
    """Hours since midnight, to the minute; 24 where the whole day is meant."""
    return float(_DAY_HOURS) if moment is None else moment.hour + moment.minute / 60


def _ages(tasks: Sequence[Task], now: dt.datetime) -> dict[str, Any]:
    known = [((now - task.added_at).days, task) for task in tasks if task.added_at is not None]
    age, task = max(known, key=itemgetter(0)) if known else (None, None)
    return {
        "n_added_this_week": sum([0 <= days < DAYS_OF_A_WEEK for days, _ in known]),
        "oldest_open_days": None if age is None else min(max(age, 0), MAX_DAYS),
        "longest_open_task": None if task is None else task.content,
    }
