"""What is decided next about a proposal, and what it is decided from."""

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tip_serving.lake.storage import Lake
from tip_serving.releasing.journal import Journal
from tip_serving.releasing.ports import Sources
from tip_serving.releasing.state import ReleaseState
from tip_serving.releasing.step import RELEASE, Finding, Outcome, StepKind

_FINE = (Outcome.PASSED, Outcome.NOT_MEASURED)


class Moment(NamedTuple):
    """A proposal at one moment, with all that may be asked about it."""

    lake: Lake
    found: ReleaseState
    journal: Journal
    sources: Sources
    now: dt.datetime

    def hours_since(self, at: dt.datetime) -> float:
        """How long ago that was."""
        return (self.now - at).total_seconds() / 3600


class Progress(NamedTuple):
    """How far a shadow run or a stage is; it ends when both are reached, and nothing speaks against it."""

    n_decisions: int
    min_decisions: int
    hours: float
    min_hours: float

    @property
    def is_reached(self) -> bool:
        """Whether decisions and hours are enough."""
        return self.n_decisions >= self.min_decisions and self.hours >= self.min_hours

    def __str__(self) -> str:
        decisions, hours = f"{self.n_decisions:,}", f"{self.hours:.1f}"
        if self.n_decisions < self.min_decisions:
            decisions += f" of {self.min_decisions:,}"
        if self.hours < self.min_hours:
            hours += f" of {self.min_hours:g}"
        return f"{decisions} decisions, {hours} hours"


class Decided(NamedTuple):
    """A step to take, or what is waited for."""

    kind: StepKind | None
    """None where nothing can be decided yet."""
    words: str
    findings: tuple[Finding, ...] = ()
    fields: Mapping[str, Any] = MappingProxyType({})
    """Further fields of the step."""
    by: str = RELEASE
    progress: Progress | None = None

    @classmethod
    def waiting(cls, words: str, findings: Iterable[Finding] = (), progress: Progress | None = None) -> "Decided":
        """Nothing is decided yet."""
        return cls(None, words, tuple(findings), progress=progress)


def unmet(findings: Iterable[Finding]) -> list[Finding]:
    """What speaks against going on."""
    return [one for one in findings if one.outcome not in _FINE]


def failed(findings: Iterable[Finding]) -> list[Finding]:
    """What has been shown to be wrong."""
    return [one for one in findings if one.outcome is Outcome.FAILED]


def told(findings: Iterable[Finding]) -> str:
    """All sentences as one."""
    return " | ".join(one.sentence for one in findings)
