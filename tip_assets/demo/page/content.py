"""What the page tells, as plain values; how it is found stands in `gathering`, how it is drawn in `views`."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval; None where too little is known for one."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Span:
    """A stretch of the demo's days, from 0."""

    day: float
    n: int
    """Decisions."""
    regret: Interval
    """Probability that was missed by showing another tip than the best."""
    taken: Interval
    """Share of shown tips that were taken."""
    possible: float
    """Share that would have been taken had the best tip always been shown."""


@dataclass(frozen=True)
class Moment:
    """One step of a release."""

    day: float
    at: dt.datetime
    kind: str
    reasons: tuple[str, ...]
    share: float | None
    findings: tuple[tuple[str, str, str], ...]
    """Name, outcome, sentence."""


@dataclass(frozen=True)
class Lane:
    """One proposal from its making to its end."""

    title: str
    what: str
    """What it is in a sentence."""
    outcome: str
    proposed: float
    """Day."""
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class ArmRate:
    """What one arm, or one cell, came to with people."""

    name: str
    what: str
    n: int
    n_people: int
    rate: Interval


@dataclass(frozen=True)
class JudgedCell:
    """One cell as the judge saw it and as people took it."""

    cell: str
    judge: Interval
    people: Interval | None
    n_shown: int


@dataclass(frozen=True)
class Belief:
    """What the prompt policy thought of one cell before and after."""

    cell: str
    before: Interval
    after: Interval
    n: int
    """Tips by it that people have answered."""


@dataclass(frozen=True)
class Page:
    """Everything."""

    seed: int
    n_people: int
    n_days: int
    first_day: dt.date
    n_events: int
    n_decisions: int
    n_restarts: int
    broker: str
    released: str | None
    milestones: tuple[tuple[int, str], ...]
    """Days before which something was begun, and what."""
    n_days_before_learning: int
    """Days until the first models were trained."""
    spans: tuple[Span, ...]
    lanes: tuple[Lane, ...]
    arms: tuple[ArmRate, ...]
    cells: tuple[JudgedCell, ...]
    judge: str
    verdict_on_judge: tuple[str, ...]
    """Sentences on whether the judge predicts people."""
    beliefs: tuple[Belief, ...]
    refused: tuple[tuple[str, str, tuple[str, ...]], ...]
    """What was refused or rolled back, how it ended, and the reasons."""
    home: str
