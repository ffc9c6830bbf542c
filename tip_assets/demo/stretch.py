"""What comes of a stretch of virtual time: the tips shown, with the truth about them, and reactions still to come.

Kept in the journal of a demo; the page is made from it.
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(_Frozen):
    """A reaction that is still to be reported, since it happens later."""

    user: str
    decision_id: str
    tip_id: str
    reaction: str
    at: dt.datetime
    rating: float | None


class Decision(_Frozen):
    """One tip that was shown, with what only the world knows of it."""

    decision_id: str
    at: dt.datetime
    arm: str
    author: str | None
    """`model@prompt` where a tip was written for it."""
    is_written: bool
    """Whether the written tip is the one that was shown."""
    chance: float
    """The true probability that the person takes it."""
    best: float
    """Of the best tip that could have been shown."""
    is_taken: bool


class Stretch(_Frozen):
    """What came of one stretch."""

    begin: dt.datetime
    end: dt.datetime
    n_events: int
    """New in the event store."""
    decisions: tuple[Decision, ...]
    later: tuple[Told, ...]
    manifest: str | None
    """What was released all the while."""
