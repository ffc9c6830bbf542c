"""Which days of the tables rest on sources that have changed, and how each is made anew.

State is a pure function of event store, lake and moment: a day of a table lacks while the fingerprint of its sources
differs from the one in its mark, which is taken before the sources are read and written last. So whatever arrives
while a day is made, or kills whoever makes it, leaves the day lacking.

- `profile` of a day rests on all signals up to its end, and on exposures and feedback of the last 30 days. It is made
  once the day is over, where anything happened on it. Made once, it is opened again for REOPENED_FOR: what comes later
  changes no answer any more.
- `training` of a day rests on the exposures and tip_scores of the day, and on whether all of its rewards are settled.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from tip_serving.events import export
from tip_serving.events.export import Inventory
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES, Day, EventStore
from tip_serving.features.contract import contract_hash
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.training import history, profiles, training_set
from tip_serving.training.reward import WINDOW

VERSION = 1
"""Of the code between events and tables: another one makes every day anew."""
REOPENED_FOR = dt.timedelta(days=30)

Sources = Mapping[tuple[str, dt.date], str]
"""By kind and day what names the content of the day's file."""


class TooEarlyError(ValueError):
    """A day of profiles was asked for before it was over."""


class Table(StrEnum):
    """What is made of events, in the order in which it is made."""

    PROFILE = "profile"
    TRAINING = "training"


class Lack(NamedTuple):
    """What one UTC day lacks."""

    day: dt.date
    kinds: tuple[str, ...]
    """Events that changed in the store since the lake has them; `tip_scores` too."""
    tables: tuple[Table, ...]
    basis: str
    """16 hex digits that name what it would be made of."""


class Made(NamedTuple):
    """One day of one table, or of one kind of events."""

    table: str
    day: dt.date
    n_rows: int


def lacking(store: EventStore, lake: Lake, now: dt.datetime) -> list[Lack]:
    """What every day lacks at `now`, aware; days that lack nothing are not among them."""
    changed = store.changed_days()
    # A day that is yet to be exported has a name that no mark knows, so whatever rests on it lacks too.
    to_come = {(one.kind, one.day): f"version {one.version} of the store" for one in changed}
    sources = _sources(export.inventory(lake)) | to_come
    tables: dict[dt.date, list[tuple[Table, str | None]]] = {}
    for table in Table:
        for day, fingerprint in _lacking_days(lake, table, sources, now):
            tables.setdefault(day, []).append((table, fingerprint))
    kinds: dict[dt.date, list[Day]] = {}
    for one in changed:
        kinds.setdefault(one.day, []).append(one)
    return [_lack(day, kinds.get(day, []), tables.get(day, [])) for day in sorted({*tables, *kinds})]


def _lack(day: dt.date, kinds: Sequence[Day], tables: Sequence[tuple[Table, str | None]]) -> Lack:
    told = repr([[(one.kind, one.version) for one in kinds], [(str(table), named) for table, named in tables]])
    basis = hashlib.sha256(told.encode()).hexdigest()[:16]
    return Lack(day, tuple(one.kind for one in kinds), tuple(table for table, _ in tables), basis)


def make(
    lake: Lake, table: Table, day: dt.date, now: dt.datetime, held: Inventory | None = None
) -> dict[str, int]:  # fmt: skip
    """Make one day of a table from the events in the lake; counts of its rows and of what is not in it.

    Args:
        lake: with the day's events.
        table: which.
        day: UTC.
        now: aware; decides what is settled, and dates what is replaced.
        held: what the lake has of events, where it was asked for several days at once.

    Raises:
        TooEarlyError: profiles of a day that is not over.
    """
    mark = layout.feature_mark(table, day.isoformat())
    fingerprint = _fingerprint(table, day, _sources(export.inventory(lake) if held is None else held), now)
    if table is Table.PROFILE:
        counts = _make_profiles(lake, day, now)
    else:
        built = training_set.write(lake, day, now)
        counts = {"n_rows": built.frame.height, "n_other_contract": built.n_other_contract,
                  "n_unusable": built.n_unusable}  # fmt: skip
    if fingerprint is None:
        lake.delete(mark)
    else:
        lake.write(mark, json.dumps({"fingerprint": fingerprint, "made_at": now.isoformat(), **counts}).encode())
    return counts


def is_outdated(lake: Lake, table: Table, day: dt.date, now: dt.datetime) -> bool:
    """Whether the day of the table, which was made, rests on other events than the lake has by now."""
    mark = layout.feature_mark(table, day.isoformat())
    if not lake.exists(mark):
        return False
    found = _fingerprint(table, day, _sources(export.inventory(lake)), now)
    return bool(json.loads(lake.read(mark))["fingerprint"] != found)


def bring_up_to_date(store: EventStore, lake: Lake, now: dt.datetime) -> Iterator[Made]:
    """Export and make everything that lacks, each day as it is done: events, then profiles, then training sets."""
    wanted = lacking(store, lake, now)
    for exported in export.export(store, lake):
        yield Made(*exported[:3])
    held = export.inventory(lake)
    for table in Table:
        for lack in wanted:
            if table in lack.tables:
                yield Made(table, lack.day, make(lake, table, lack.day, now, held)["n_rows"])


def _sources(held: Inventory) -> dict[tuple[str, dt.date], str]:
    return {key: file.sha256 for key, file in held.items()}


def _lacking_days(lake: Lake, table: Table, sources: Sources, now: dt.datetime) -> Iterator[tuple[dt.date, str | None]]:
    """The days that are to be made, each with the fingerprint of what it would be made of."""
    marks = {dt.date.fromisoformat(layout.day_of(entry.path)) for entry in lake.find(layout.feature_marks(table))}
    for day in sorted({*marks, *_days(table, sources, now)}):
        if day not in marks:
            yield day, _fingerprint(table, day, sources, now)
        elif table is Table.TRAINING or now - profiles.end_of(day) <= REOPENED_FOR:
            mark = json.loads(lake.read(layout.feature_mark(table, day.isoformat())))
            fingerprint = _fingerprint(table, day, sources, now)
            if mark["fingerprint"] != fingerprint:
                yield day, fingerprint


def _days(table: Table, sources: Sources, now: dt.datetime) -> Collection[dt.date]:
    """The days that the table has by these sources: of a profile those that are over and on which anything happened."""
    if table is Table.TRAINING:
        return {day for kind, day in sources if kind in {Kind.EXPOSURE, TIP_SCORES}}
    return {day for _, day in sources if profiles.end_of(day) <= now}


def _fingerprint(table: Table, day: dt.date, sources: Sources, now: dt.datetime) -> str | None:
    """16 hex digits that name all that the day of the table rests on; None where there is nothing."""
    if table is Table.PROFILE:
        moment = profiles.end_of(day)
        found = {key: named for key, named in sources.items() if history.needed(*key, moment)}
        about: Any = None
    else:
        found = {key: sources[key] for key in ((Kind.EXPOSURE, day), (TIP_SCORES, day)) if key in sources}
        about = now - profiles.end_of(day) > WINDOW
    if not found:
        return None
    listed = sorted((str(kind), day.isoformat(), named) for (kind, day), named in found.items())
    return hashlib.sha256(json.dumps([VERSION, contract_hash(), about, listed]).encode()).hexdigest()[:16]


def _make_profiles(lake: Lake, day: dt.date, now: dt.datetime) -> dict[str, int]:
    if now < profiles.end_of(day):
        raise TooEarlyError(
            f"The profiles of {day} cannot be made at {now:%Y-%m-%d %H:%M %Z}: they are those of the end of that UTC "
            "day, and what will have happened by then is not known. Make them once it is over."
        )
    frame = profiles.snapshot(lake, profiles.end_of(day))
    n_replaced = profiles.replace(lake, day, frame, now)
    return {"n_rows": frame.height, "n_replaced": n_replaced}
