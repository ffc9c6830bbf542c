"""The people of the demo: who they are, when they live their days, and what kind of tip they have a liking for.

A person follows from the seed and their number alone, so more people change nothing about those who were there.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from tip_serving.scenarios.lives import LIVES, Life

LANGUAGES = ("en", "de", "es")
_SHARES = (0.64, 0.2, 0.16)
_STREAM = 1  # of random numbers: people, tasks and moments draw from streams of their own
_NEWCOMERS = 0.35
_NEW_WITHIN_DAYS = 45
_OLDEST_DAYS = 900


@dataclass(frozen=True)
class Person:
    """One person; shares lie in [0, 1]."""

    index: int
    life: Life
    time_zone: str
    signed_up: dt.datetime
    """Aware, before the first day."""
    preferred_hour: int
    """Local, in which they are most themselves."""
    quiet_hours: str
    openings: float
    """Mean number of times a day that they open the app."""
    session_minutes: float
    diligence: float
    """Shows in how many of their tasks get done in time, and in what they like."""
    warmth: float
    """Log-odds by which they take any tip more gladly than others do; nothing shows it but what they do."""

    @property
    def user(self) -> str:
        """The name under which the app knows them."""
        return f"person-{self.index:04d}"

    @property
    def language(self) -> str:
        """Of the account and the tasks."""
        return self.life.language

    @cached_property
    def zone(self) -> ZoneInfo:
        """Of their clock."""
        return ZoneInfo(self.time_zone)

    def local(self, moment: dt.datetime) -> dt.datetime:
        """An aware moment on their clock, with the offset that holds then."""
        there = moment.astimezone(self.zone)
        return there.replace(tzinfo=dt.timezone(there.utcoffset() or dt.timedelta()))


def people(n: int, seed: int, first_day: dt.date) -> tuple[Person, ...]:
    """The first `n` people of `seed`, all signed up before `first_day`."""
    return tuple(_person(index, seed, first_day) for index in range(n))


def _person(index: int, seed: int, first_day: dt.date) -> Person:
    rng = np.random.default_rng([seed, _STREAM, index])
    language = LANGUAGES[int(rng.choice(len(LANGUAGES), p=_SHARES))]
    lives = [life for life in LIVES if life.language == language]
    life = lives[int(rng.integers(len(lives)))]
    is_new = rng.random() < _NEWCOMERS
    age_days = int(rng.integers(1, _NEW_WITHIN_DAYS)) if is_new else int(rng.integers(_NEW_WITHIN_DAYS, _OLDEST_DAYS))
    start = dt.datetime.combine(first_day, dt.time(), dt.UTC)
    quiet = ("22-7", "23-7", "21-6")
    return Person(
        index=index,
        life=life,
        time_zone=life.time_zones[int(rng.integers(len(life.time_zones)))],
        signed_up=start - dt.timedelta(days=age_days, minutes=int(rng.integers(1440))),
        preferred_hour=int(rng.integers(7, 22)),
        quiet_hours=quiet[int(rng.integers(len(quiet)))],
        openings=float(rng.uniform(1.2, 3.2)),
        session_minutes=round(float(rng.gamma(2.0, 3.0)) + 1, 1),
        diligence=float(rng.beta(1.6, 1.6)),
        warmth=float(rng.normal(0.0, 0.35)),
    )
