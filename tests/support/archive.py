"""An event store and a lake for tests, filled with typed events as servers and apps would send them."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from support.exposures import exposure

from tip_serving.events import vectors
from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback, Reaction
from tip_serving.events.kinds import AnyEvent
from tip_serving.events.store import EventStore, open_store
from tip_serving.features.contract import contract_hash
from tip_serving.features.vector import COLUMNS
from tip_serving.lake.storage import Lake
from tip_serving.settings import Settings
from tip_serving.training import upkeep
from tip_serving.training.upkeep import Made

DAY = dt.date(2026, 3, 2)
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 3, 20, tzinfo=dt.UTC)
"""When everything is over and settled."""


class Archive(NamedTuple):
    """What has happened, in the store and in the lake."""

    settings: Settings
    store: EventStore
    lake: Lake

    def refresh(self, events: Sequence[AnyEvent] = (), now: dt.datetime = LATER) -> list[Made]:
        """Take in events and make everything that rests on them."""
        self.store.keep(events)
        return list(upkeep.bring_up_to_date(self.store, self.lake, now))


def archive(home: Path, **settings: Any) -> Archive:
    """An empty one under `home`."""
    chosen = Settings(tip_home=home, **settings)
    return Archive(chosen, open_store(chosen), Lake(chosen.lake_url))


def decision(
    name: str, at: dt.datetime = NOON, user: str = "u", n_tips: int = 3, first: int = 0, **changes: Any
) -> Exposure:
    """A decision `name` under the contract in force, whose tip at the place `first` came first, with proper vectors."""
    rows = vectors_of(name, n_tips)
    order = (first, *(place for place in range(n_tips) if place != first))
    fields = {
        "event_id": f"x-{name}", "decision_id": name, "at": at, "user": user, "contract_hash": contract_hash(),
        "order": order, "vectors": vectors.pack(rows), "vector_hash": vectors.digest(vectors.pack(rows)),
        "fell_back": {},
    }  # fmt: skip
    return exposure(n_tips, **{**fields, **changes})


def vectors_of(name: str, n_tips: int) -> np.ndarray:
    """(n_tips, F) numbers within the ranges of their columns, always the same for a name; all tips share the first."""
    rng = np.random.default_rng(list(name.encode()))
    rows = np.array([[rng.uniform(column.low, column.high) for column in COLUMNS] for _ in range(n_tips)])
    n_shared = sum(not column.name.startswith("tip_") for column in COLUMNS)
    rows[:, :n_shared] = rows[0, :n_shared]
    return rows


def took(name: str, reaction: Reaction = "accepted", after: dt.timedelta = dt.timedelta(minutes=5), user: str = "u",
         tip: str = "t0", **changes: Any) -> Feedback:  # fmt: skip
    """A reaction to a decision that was made at noon."""
    fields: dict[str, Any] = {
        "event_id": f"f-{name}-{tip}-{reaction}", "at": NOON + after, "user": user, "decision_id": name, "tip_id": tip,
        "reaction": reaction, "rating": None,
    }  # fmt: skip
    return Feedback(**{**fields, **changes})
