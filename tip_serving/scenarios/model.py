"""What is known when a tip is asked for (`Situation`), and one such moment kept for a bench (`Scenario`).

How a situation becomes features or messages stands in `features` and `prompts`.
"""

import datetime as dt
import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Priority = Literal[1, 2, 3, 4]
"""As in Todoist's API: 4 is urgent (shown as p1), 1 is normal (shown as p4)."""


class Due(BaseModel):
    """When a task is due, as Todoist tells it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: dt.date | None = None
    """Local calendar day; null where only a recurrence is known."""
    time: dt.time | None = None
    """Local time of day; null for a whole day."""
    string: str = ""
    """As the person wrote it, `every Friday` say."""
    is_recurring: bool = False


class Task(BaseModel):
    """One open task of a person's list, shaped like Todoist's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    content: Annotated[str, Field(min_length=1, max_length=2000)]
    description: Annotated[str, Field(max_length=20_000)] = ""
    due: Due | None = None
    priority: Priority = 1
    labels: tuple[str, ...] = ()
    project: str = ""
    section: str = ""
    added_at: AwareDatetime | None = None


class Situation(BaseModel):
    """All that a tip may be written from: the moment, the open tasks, the person's profile features."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    now: AwareDatetime
    """In the person's own time zone; hour and weekday are read off it as they stand."""
    tasks: tuple[Task, ...] = ()
    profile_features: dict[str, Any] | None = None
    """As the caller ships them; null and missing ones fall back as `features.profile` declares."""


class Scenario(BaseModel):
    """A situation kept for a bench, under an id that follows from its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario_id: str
    kind: str
    """What it tries: `overdue`, `empty_list`, `injection`, `imported`, ..."""
    situation: Situation

    @classmethod
    def of(cls, situation: Situation, kind: str) -> "Scenario":
        """The scenario of this situation; equal situations have equal ids."""
        content = json.dumps(situation.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return cls(scenario_id=hashlib.sha256(content.encode()).hexdigest()[:16], kind=kind, situation=situation)
