"""The task list of a person over all days: which tasks come, when they are due, and when they are done.

What is open at a moment follows from the seed alone and never from the tips: so every program of the demo may die and
the list is still the same.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tip_assets.demo.people import Person
from tip_serving.scenarios.model import Due, Priority, Task

BEFORE_DAYS = 30  # of tasks that were there when the demo begins
_STREAM = 2
_PER_DAY = 0.8
_PRIORITIES: tuple[Priority, ...] = (1, 2, 3, 4)
_PRIORITY_SHARES = (0.5, 0.2, 0.18, 0.12)
_WITHOUT_DUE = 0.25
_MOST_DUE_DAYS = 6
_FORGOTTEN = 0.3  # of the tasks of somebody with no diligence at all, for ever
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class LivedTask:
    """One task from when it was added to when it was done."""

    task: Task
    added_at: dt.datetime
    due_at: dt.datetime | None
    """The end of the due day on the person's clock."""
    done_at: dt.datetime | None
    """None: never."""

    def is_open(self, at: dt.datetime) -> bool:
        """Whether it is on the list at `at`."""
        return self.added_at <= at and (self.done_at is None or at < self.done_at)


def lived_tasks(person: Person, seed: int, first_day: dt.date, n_days: int) -> tuple[LivedTask, ...]:
    """The tasks of a person until the end of the demo, in the order in which they come."""
    rng = np.random.default_rng([seed, _STREAM, person.index])
    begin = dt.datetime.combine(first_day, dt.time(), dt.UTC) - BEFORE_DAYS * _DAY
    span = BEFORE_DAYS + n_days
    moments = np.sort(rng.uniform(0, span, int(rng.poisson(_PER_DAY * span))))
    return tuple(_lived(person, rng, begin + dt.timedelta(days=float(moment))) for moment in moments)


def open_tasks(tasks: Sequence[LivedTask], at: dt.datetime) -> tuple[Task, ...]:
    """What is on the list at `at`."""
    return tuple(lived.task for lived in tasks if lived.is_open(at))


def _lived(person: Person, rng: np.random.Generator, moment: dt.datetime) -> LivedTask:
    added_at = person.local(moment.replace(microsecond=0))
    projects = tuple(person.life.titles)
    project = projects[int(rng.integers(len(projects)))]
    title = _title(person, rng, project)
    labels = person.life.labels
    due_at, due = None, None
    if rng.random() >= _WITHOUT_DUE:
        day = added_at.date() + int(rng.integers(0, _MOST_DUE_DAYS)) * _DAY
        due = Due(date=day, string=day.isoformat())
        due_at = dt.datetime.combine(day + _DAY, dt.time(), added_at.tzinfo)
    task = Task(
        id=str(int(rng.integers(10**9, 10**10))),
        content=title,
        due=due,
        priority=_PRIORITIES[int(rng.choice(len(_PRIORITIES), p=_PRIORITY_SHARES))],
        labels=(labels[int(rng.integers(len(labels)))],) if rng.random() < 0.5 else (),  # noqa: PLR2004  half of them
        project=project,
        added_at=added_at,
    )
    return LivedTask(task, added_at, due_at, _done_at(person, rng, added_at, due_at))


def _title(person: Person, rng: np.random.Generator, project: str) -> str:
    titles = person.life.titles[project]
    title = titles[int(rng.integers(len(titles)))]
    filled = title.format_map({name: pool[int(rng.integers(len(pool)))] for name, pool in person.life.slots.items()})
    return filled[0].upper() + filled[1:]


def _done_at(
    person: Person, rng: np.random.Generator, added_at: dt.datetime, due_at: dt.datetime | None
) -> dt.datetime | None:
    """The diligent are done before the day is over, others days later or never."""
    late_days = float(rng.exponential(4.0 * (1 - person.diligence) ** 2 + 0.2))
    is_forgotten = rng.random() < _FORGOTTEN * (1 - person.diligence)
    hour = (person.preferred_hour + int(rng.integers(-2, 3))) % 24
    if is_forgotten:
        return None
    around = (added_at if due_at is None else due_at - _DAY) + late_days * _DAY
    done = around.replace(hour=hour, minute=int(rng.integers(60)), second=int(rng.integers(60)), microsecond=0)
    return done if done > added_at else added_at + dt.timedelta(hours=1)
