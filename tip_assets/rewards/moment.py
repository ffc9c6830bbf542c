"""At which moment a run looks at the world: now, unless its configuration names another, as a replay does."""

import datetime as dt

import dagster as dg
from pydantic import Field


class Moment(dg.Config):
    """Of an asset whose content depends on when one looks."""

    as_of: str | None = Field(default=None, description="ISO 8601 with an offset; the present where it is left out.")

    def read(self) -> dt.datetime:
        """The moment, aware. Raises ValueError."""
        if self.as_of is None:
            return dt.datetime.now(dt.UTC)
        found = dt.datetime.fromisoformat(self.as_of)
        if found.tzinfo is None:
            raise ValueError(f"as_of is {self.as_of!r}, expected a moment with its offset, such as 2026-03-02T12:00Z")
        return found
