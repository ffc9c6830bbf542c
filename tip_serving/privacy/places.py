"""The places where a person's data lies, behind one port, and those of this package: store, files, lake.

A place is a function of the settings under the entry-point group `tip.personal_data`, so that a package which keeps
personal data of its own (an experiment tracker, candidates written for real people) adds its place by declaring it.
"""

import datetime as dt
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tip_serving.events import wal
from tip_serving.events.store import EventStore, open_store
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.privacy.ownership import Gone, belongs_to, over_at
from tip_serving.settings import Settings

if TYPE_CHECKING:
    import polars as pl

GROUP = "tip.personal_data"
_ASIDE = ".aside"
_FIRST = "event-store"  # from then on it refuses what is still on its way from the other places


class Cleared(NamedTuple):
    """What a place did."""

    n_removed: int
    n_left: int = 0
    """What had to go and could not yet, as a process holds it; asking again later removes it."""


class Place(Protocol):
    """Somewhere personal data lies. Whatever it raises, the other places are cleared."""

    def erase(self, user: str, until: dt.datetime) -> Cleared:
        """Remove what is of this person and happened up to `until`; twice is as good as once."""

    def expire(self, now: dt.datetime) -> Cleared:
        """Remove what must be gone by `now`."""


class Outcome(NamedTuple):
    """How one place fared."""

    place: str
    cleared: Cleared
    fault: str | None


def clear(chosen: Settings, act: Callable[[Place], Cleared]) -> list[Outcome]:
    """Have every place of this installation do `act`; a place that cannot is told and stops no other.

    A place that is not in use (a broker that no setting names) has no outcome.
    """
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name != _FIRST, point.name))
    outcomes = []
    for point in points:
        try:
            place: Place | None = point.load()(chosen)
            if place is not None:
                outcomes.append(Outcome(point.name, act(place), None))
        except Exception as error:  # noqa: BLE001  whatever a place raises, a person's data in the others must go
            outcomes.append(Outcome(point.name, Cleared(0), f"{type(error).__name__}: {error}"))
    return outcomes


def event_store(chosen: Settings) -> Place:
    """The event store."""
    return _Store(chosen)


def write_ahead(chosen: Settings) -> Place:
    """The server's write-ahead files, those that were imported or refused too."""
    return _Files(chosen.wal_directory)


def lake_events(chosen: Settings) -> Place:
    """The days of events in the lake, and the features and training sets that were made of them."""
    return _LakeDays(Lake(chosen.lake_url))


class _Store:
    def __init__(self, chosen: Settings) -> None:
        self._chosen = chosen

    def erase(self, user: str, until: dt.datetime) -> Cleared:
        return self._do(lambda store: store.erase(user, until))

    def expire(self, now: dt.datetime) -> Cleared:
        return self._do(lambda store: store.expire(now))

    def _do(self, act: Callable[[EventStore], int]) -> Cleared:
        store = open_store(self._chosen)
        try:
            return Cleared(act(store))
        finally:
            store.close()


class _Files:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def erase(self, user: str, until: dt.datetime) -> Cleared:
        del until  # whatever lies here has happened
        return self._remove(belongs_to(user))

    def expire(self, now: dt.datetime) -> Cleared:
        return self._remove(over_at(now))

    def _remove(self, is_gone: Gone) -> Cleared:
        wal.finished(self._directory)  # those of dead servers are finished now
        for path in self._directory.rglob(f"*{_ASIDE}"):
            path.unlink()  # of somebody who was killed here; the file that it was to replace is still there
        paths = [path for path in self._directory.rglob("*") if path.suffix in {".jsonl", ".damaged"}]
        n_removed = sum(_rewrite(path, is_gone) for path in sorted(paths))
        held = [line for path in self._directory.glob("*.open") for line in wal.lines(path)]
        return Cleared(n_removed, sum(map(is_gone, held)))


def _rewrite(path: Path, is_gone: Gone) -> int:
    """Take lines out of a file; how many. A file without lines goes."""
    lines = path.read_bytes().splitlines(keepends=True)
    left = [line for line in lines if not is_gone(line.rstrip(b"\n"))]
    if not left:
        path.unlink()
    elif len(left) < len(lines):
        aside = path.with_suffix(_ASIDE)
        aside.write_bytes(b"".join(left))
        aside.replace(path)
    return len(lines) - len(left)


class _LakeDays:
    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def erase(self, user: str, until: dt.datetime) -> Cleared:
        del until  # whatever lies here has happened
        return self._remove(lambda rows: rows["user"] == user)

    def expire(self, now: dt.datetime) -> Cleared:
        return self._remove(lambda rows: (rows["retain_until"] < now).fill_null(value=False))

    def _remove(self, is_gone: "Callable[[pl.DataFrame], pl.Series]") -> Cleared:
        from tip_serving.events import export  # polars, which only this place needs
        from tip_serving.lake.tables import remove_rows

        made = (layout.PROFILES, layout.REPLACED_PROFILES, layout.TRAINING)
        n_made = sum(remove_rows(self._lake, folder, is_gone) for folder in made)
        return Cleared(export.remove(self._lake, is_gone) + n_made)
