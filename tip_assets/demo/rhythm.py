"""When people open the app, and the signals that it sends of them: what a day looks like without any tip."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tip_assets.demo.people import Person
from tip_assets.demo.tasks import LivedTask
from tip_serving.events.signal import AccountSet, AnySignal, AppClosed, AppOpened, TaskAdded, TaskCompleted

HISTORY_DAYS = 14  # of which the app already knows when the demo begins
_STREAM = 3
_MOST_OPENINGS = 5
_OWN_HOURS = 0.55  # of the openings lie around the preferred hour, the others anywhere in the waking day
_WAKES, _SLEEPS = 7, 23


class Opening(NamedTuple):
    """One time that a person opens the app; ids follow from person, day and number."""

    person: Person
    day: int
    """Of the demo, from 0."""
    number: int
    """Of the day, from 0; at the first one a new tip is written."""
    at: dt.datetime
    """On the person's clock."""
    minutes: float

    @property
    def name(self) -> str:
        """What all ids of this opening begin with."""
        return f"{self.person.user}.d{self.day:02d}.{self.number}"


def openings(person: Person, day: int, seed: int, first_day: dt.date) -> tuple[Opening, ...]:
    """The openings of one UTC day, in order; those before the first day of the demo have negative numbers of days."""
    rng = np.random.default_rng([seed, _STREAM, person.index, day + HISTORY_DAYS])
    begin = dt.datetime.combine(first_day + dt.timedelta(days=day), dt.time(), dt.UTC)
    found = []
    for _ in range(min(int(rng.poisson(person.openings)), _MOST_OPENINGS)):
        is_own = rng.random() < _OWN_HOURS
        hour = rng.normal(person.preferred_hour + 0.5, 1.5) if is_own else rng.uniform(_WAKES, _SLEEPS)
        offset_h = person.local(begin).utcoffset() or dt.timedelta()
        moment = begin + dt.timedelta(seconds=int(((float(hour) * 3600) - offset_h.total_seconds()) % 86_400))
        found.append((moment, round(float(rng.exponential(person.session_minutes)) + 0.2, 1)))
    return tuple(
        Opening(person, day, number, person.local(moment), minutes)
        for number, (moment, minutes) in enumerate(sorted(found))
    )


def signals(
    person: Person, tasks: Sequence[LivedTask], opened: Sequence[Opening], begin: dt.datetime, end: dt.datetime
) -> Iterator[AnySignal]:
    """What the app tells of a person from `begin` to before `end`, each under an id that follows from what happened.

    Args:
        person: who.
        tasks: all of theirs.
        opened: their openings, of these days at least.
        begin: aware.
        end: aware.
    """
    for lived in tasks:
        task = lived.task
        if begin <= lived.added_at < end:
            yield TaskAdded(
                event_id=f"{person.user}.{task.id}.added", at=lived.added_at, user=person.user, task_id=task.id,
                due_at=lived.due_at, priority=task.priority, labels=task.labels,
            )  # fmt: skip
        if lived.done_at is not None and begin <= lived.done_at < end:
            yield TaskCompleted(
                event_id=f"{person.user}.{task.id}.done", at=lived.done_at, user=person.user, task_id=task.id,
                due_at=lived.due_at, priority=task.priority, labels=task.labels,
            )  # fmt: skip
    for opening in opened:
        if begin <= opening.at < end:
            yield AppOpened(event_id=f"{opening.name}.opened", at=opening.at, user=person.user, session_id=opening.name)
        closed_at = opening.at + dt.timedelta(minutes=opening.minutes)
        if begin <= closed_at < end:
            yield AppClosed(event_id=f"{opening.name}.closed", at=closed_at, user=person.user, session_id=opening.name)


def account(person: Person, at: dt.datetime) -> AccountSet:
    """The settings of a person, as the app tells them once."""
    return AccountSet(
        event_id=f"{person.user}.account",
        at=person.local(at),
        user=person.user,
        signed_up_at=person.local(person.signed_up),
        language=person.language,
        time_zone=person.time_zone,
        quiet_hours=person.quiet_hours,
    )
