"""What a check is: a claim about one day of a table, how much hangs on it, and what was found, in numbers."""

import datetime as dt
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from tip_serving.events.export import Inventory
from tip_serving.lake.storage import Lake
from tip_serving.training.profiles import end_of
from tip_serving.training.quality.limits import Limits

Number = int | float | str
SHOWN = 10


class Severity(StrEnum):
    """What a failed check means."""

    WARN = "a person should look"
    ERROR = "what is made of this table would be wrong"


class Outcome(NamedTuple):
    """What was found."""

    passed: bool
    words: str
    numbers: dict[str, Number]


class Day(NamedTuple):
    """One day of a table, and what it is held against."""

    lake: Lake
    kind: str
    """Of events, or the name of the table."""
    day: dt.date
    now: dt.datetime
    frame: pl.DataFrame
    held: Inventory
    """What the lake has of this kind of events."""
    limits: Limits

    @property
    def is_over(self) -> bool:
        """Whether the UTC day has ended."""
        return self.now >= end_of(self.day)


class Check(NamedTuple):
    """One claim, checked for every day."""

    name: str
    claim: str
    severity: Severity
    examine: Callable[[Day], Outcome]


def share(part: int, whole: int) -> float:
    """`part` of `whole`, 0 of nothing."""
    return part / whole if whole else 0.0


def listed(names: list[str]) -> str:
    """The first few of them."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
