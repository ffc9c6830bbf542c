"""All steps of all proposals in one order, so that two releases can never be under way.

    releases/steps/<n>.json    step n, written only where nothing lies and only by who has read the n - 1 before it

Whoever is slower than another finds number n taken, reads again and decides anew. A process that is killed leaves the
step whole or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from tip_serving.lake import layout
from tip_serving.lake.storage import Entry, Lake
from tip_serving.releasing.step import Step, StepKind


class JournalError(ValueError):
    """Steps that cannot be read as one history; says which."""


@dataclass(frozen=True)
class Journal:
    """Every step so far, in order."""

    steps: tuple[Step, ...]

    def of(self, proposal_id: str) -> tuple[Step, ...]:
        """The steps of one proposal."""
        return tuple(step for step in self.steps if step.proposal_id == proposal_id)

    @property
    def on_turn(self) -> str | None:
        """The proposal whose turn came last, over or not; None before the first."""
        return next((step.proposal_id for step in reversed(self.steps) if step.kind is StepKind.BEGUN), None)

    def with_step(self, step: Step) -> "Journal":
        """One step longer."""
        return Journal((*self.steps, step))


def read_journal(lake: Lake) -> Journal:
    """Every step so far.

    Raises:
        JournalError: a number is missing, or a file holds something else.
    """
    entries = [entry for entry in lake.find(layout.RELEASE_STEPS) if entry.path.endswith(".json")]
    missing = sorted({layout.release_step(n + 1) for n in range(len(entries))} - {entry.path for entry in entries})
    if missing:
        raise JournalError(f"The steps of releases have a gap: {lake.locate(missing[0])} is missing.")
    return Journal(tuple(_step(lake, entry) for entry in entries))


def append(lake: Lake, journal: Journal, **fields: Any) -> Step:
    """Add the step that follows on `journal`, with the other fields of a Step.

    Raises:
        ConflictError: somebody else decided something meanwhile; read again.
    """
    step = Step(number=len(journal.steps) + 1, **fields)
    lake.swap(layout.release_step(step.number), step.model_dump_json(indent=1).encode(), expected=None)
    return step


def last(steps: Sequence[Step], *kinds: StepKind) -> Step | None:
    """The last step of one of these kinds."""
    return next((step for step in reversed(steps) if step.kind in kinds), None)


def _step(lake: Lake, entry: Entry) -> Step:
    return _read(lake.url, entry) if lake.directory is None else _parsed(lake, entry.path)


@lru_cache(maxsize=4096)  # a step never changes, and an object store takes a round trip for each
def _read(url: str, entry: Entry) -> Step:
    return _parsed(Lake(url), entry.path)


def _parsed(lake: Lake, path: str) -> Step:
    try:
        return Step.model_validate_json(lake.read(path))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise JournalError(f"{lake.locate(path)} is no step of a release: {'; '.join(faults[:10])}") from None
