"""The event store: every event once, by event id; the first to come stands, another under the same id is noted.

What is kept is kept in whole batches: one transaction each, and whoever acknowledges does so after `keep` returned.
The tables stand in `schema`, what crosses into the lake in `export`. Used by one thread at a time.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tip_serving.events import schema
from tip_serving.events.database import Database, EventStoreError, Postgres, RefusedError, Sqlite
from tip_serving.events.kinds import AnyEvent, Kind, decode, encode
from tip_serving.events.rows import COLUMNS, Row, day_of, hash_of, microseconds, row_of
from tip_serving.settings import Settings

TIP_SCORES = "tip_scores"  # its days change with the exposures' and with reactions, however late
PAGE = 5_000


class Kept(NamedTuple):
    """What became of a batch."""

    n_new: int = 0
    n_repeated: int = 0
    """The very events that were there."""
    n_conflicting: int = 0
    """Other events under an id that was there."""
    n_erased: int = 0
    """Of people who had themselves deleted."""

    def plus(self, other: "Kept") -> "Kept":
        """Both batches together."""
        return Kept(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Day(NamedTuple):
    """One UTC day of one kind, or of `tip_scores`."""

    kind: str
    day: dt.date
    version: int
    """How often it changed."""


class Recent(NamedTuple):
    """An event as it lies in the store; for an exposure `tip_id` is the tip that came first."""

    at_us: int
    event_id: str
    user: str
    decision_id: str | None
    tip_id: str | None
    reaction: str | None
    rating: float | None
    body: str


class EventStore:
    """Events in a database, whose tables are brought up to date here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        try:
            _migrate(database)
        except BaseException:
            database.close()
            raise

    def keep(self, events: Sequence[AnyEvent]) -> Kept:
        """Put a batch into the store, in one transaction.

        Raises:
            RefusedError: one of them can never be held; none of the batch is.
            EventStoreError: the database is away, busy or full; none of the batch is held.
        """
        rows = [row_of(event) for event in events]
        with self._database.transaction():
            welcome = self._without_erased(rows)
            known = self._bodies([row.event_id for row in welcome])
            new: list[Row] = []
            conflicting: list[Row] = []
            for row in welcome:
                if row.event_id not in known:
                    known[row.event_id] = row.body
                    new.append(row)
                elif known[row.event_id] != row.body and _renewed(known[row.event_id]) != row.body:
                    conflicting.append(row)
            if new:
                self._database.insert("events", COLUMNS, new)
                self._count_changes([(row.kind, row.at_us, row.decision_id) for row in new])
            self._note(conflicting)
        n_repeated = len(welcome) - len(new) - len(conflicting)
        return Kept(len(new), n_repeated, len(conflicting), len(rows) - len(welcome))

    def events(self, kind: Kind, day: dt.date) -> Iterator[AnyEvent]:
        """The events of one UTC day, by moment and id, read page by page."""
        after, until = _bounds(day)
        last = (after, "")
        while True:
            page = self._database.rows(
                "SELECT at_us, event_id, body FROM events WHERE kind = ? AND at_us < ? AND at_us >= ? "
                "AND (at_us > ? OR event_id > ?) ORDER BY at_us, event_id LIMIT ?",
                kind.value, until, last[0], *last, PAGE,
            )  # fmt: skip
            for _, _, body in page:
                yield decode(body.encode())
            if len(page) < PAGE:
                return
            last = (page[-1][0], page[-1][1])

    def between(self, kind: Kind, since: dt.datetime, until: dt.datetime) -> Iterator[Recent]:
        """The events of these moments, both included, by moment and id, read page by page and not decoded."""
        last, end = (microseconds(since), ""), microseconds(until)
        while True:
            page = self._database.rows(
                'SELECT at_us, event_id, "user", decision_id, tip_id, reaction, rating, body FROM events '
                "WHERE kind = ? AND at_us <= ? AND at_us >= ? AND (at_us > ? OR event_id > ?) "
                "ORDER BY at_us, event_id LIMIT ?",
                kind.value, end, last[0], *last, PAGE,
            )  # fmt: skip
            yield from map(Recent._make, page)
            if len(page) < PAGE:
                return
            last = (page[-1][0], page[-1][1])

    def event(self, event_id: str) -> AnyEvent | None:
        """The event of this id; None where there is none."""
        found = self._bodies([event_id])
        return decode(found[event_id].encode()) if found else None

    def held(self, event_ids: Collection[str]) -> set[str]:
        """Those of `event_ids` that are here."""
        statement = f"SELECT event_id FROM events WHERE event_id IN ({self._database.among})"  # noqa: S608  ours
        return {event_id for (event_id,) in self._database.rows(statement, json.dumps(sorted(event_ids)))}

    def counts(self) -> dict[Kind, int]:
        """How many events there are of each kind."""
        found = dict(self._database.rows("SELECT kind, count(*) FROM events GROUP BY kind"))
        return {kind: int(found.get(kind.value, 0)) for kind in Kind}

    def n_conflicts(self) -> int:
        """How many other events came under ids that were taken."""
        return int(self._database.rows("SELECT count(*) FROM conflicts")[0][0])

    def tip_scores(self, day: dt.date) -> list[tuple[object, ...]]:
        """The shown tips of one UTC day, with the columns of `schema.TIP_SCORES`, by decision and tip."""
        columns = ", ".join(f'"{name}"' for name in schema.TIP_SCORES)
        statement = f"SELECT {columns} FROM tip_scores WHERE at_us >= ? AND at_us < ? ORDER BY 1, 2, 3"  # noqa: S608  names of ours
        return self._database.rows(statement, *_bounds(day))

    def changed_days(self) -> list[Day]:
        """The days that changed since they were last marked as exported."""
        found = self._database.rows(
            "SELECT kind, day, version FROM days WHERE version > exported_version ORDER BY 1, 2"
        )
        return [Day(kind, dt.date.fromisoformat(day), version) for kind, day, version in found]

    def mark_exported(self, day: Day) -> None:
        """The lake has the day as it stood at its version; a change since then leaves it among the changed ones."""
        with self._database.transaction():
            self._database.change(
                "UPDATE days SET exported_version = ? WHERE kind = ? AND day = ? AND exported_version < ?",
                day.version, day.kind, day.day.isoformat(), day.version,
            )  # fmt: skip

    def erase(self, user: str, until: dt.datetime) -> int:
        """Delete a person's events and refuse those up to `until` that still come; how many were deleted.

        Raises EventStoreError.
        """
        with self._database.transaction():
            self._database.change(
                "INSERT INTO erased (user_hash, until_us) VALUES (?, ?) "
                "ON CONFLICT (user_hash) DO UPDATE SET until_us = excluded.until_us",
                hash_of(user), microseconds(until),
            )  # fmt: skip
            n_removed = self._remove('"user" = ?', user)
        self._database.forget()
        return n_removed

    def expire(self, now: dt.datetime) -> int:
        """Delete what must be gone by `now`; how many events were deleted. Raises EventStoreError."""
        with self._database.transaction():
            n_removed = self._remove("retain_until_us < ?", microseconds(now))
        self._database.forget()
        return n_removed

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _bodies(self, event_ids: Sequence[str]) -> dict[str, str]:
        statement = f"SELECT event_id, body FROM events WHERE event_id IN ({self._database.among})"  # noqa: S608  ours
        return dict(self._database.rows(statement, json.dumps(event_ids)))

    def _without_erased(self, rows: list[Row]) -> list[Row]:
        hashes = {user: hash_of(user) for user in {row.user for row in rows}}
        statement = f"SELECT user_hash, until_us FROM erased WHERE user_hash IN ({self._database.among})"  # noqa: S608  ours
        erased = dict(self._database.rows(statement, json.dumps(list(hashes.values()))))
        if not erased:
            return rows
        return [row for row in rows if row.at_us > erased.get(hashes[row.user], row.at_us - 1)]

    def _note(self, conflicting: Sequence[Row]) -> None:
        for row in conflicting:
            self._database.change(
                'INSERT INTO conflicts (event_id, digest, "user", retain_until_us, body) VALUES (?, ?, ?, ?, ?) '
                "ON CONFLICT (event_id, digest) DO NOTHING",
                row.event_id, hash_of(row.body), row.user, row.retain_until_us, row.body,
            )  # fmt: skip

    def _count_changes(self, rows: Sequence[tuple[str, int, str | None]]) -> None:
        """Open the days of events that came or go, given by kind, moment and decision."""
        changed = {(str(kind), day_of(at_us)) for kind, at_us, _ in rows}
        changed |= {(TIP_SCORES, day) for kind, day in changed if kind == Kind.EXPOSURE}
        decisions = sorted({decision_id for kind, _, decision_id in rows if kind == Kind.FEEDBACK and decision_id})
        if decisions:
            exposed = self._database.rows(
                f"SELECT at_us FROM events WHERE reaction IS NULL AND decision_id IN ({self._database.among})",  # noqa: S608  ours
                json.dumps(decisions),
            )
            changed |= {(TIP_SCORES, day_of(at_us)) for (at_us,) in exposed}
        for kind, day in sorted(changed):
            self._database.change(
                "INSERT INTO days (kind, day, version, exported_version) VALUES (?, ?, 1, 0) "
                "ON CONFLICT (kind, day) DO UPDATE SET version = days.version + 1",
                kind, day,
            )  # fmt: skip

    def _remove(self, condition: str, parameter: object) -> int:
        gone = f"SELECT kind, at_us, decision_id FROM events WHERE {condition}"  # noqa: S608  conditions of ours
        self._count_changes(self._database.rows(gone, parameter))
        self._database.change(f"DELETE FROM conflicts WHERE {condition}", parameter)  # noqa: S608  the same
        return self._database.change(f"DELETE FROM events WHERE {condition}", parameter)  # noqa: S608  the same


def open_store(chosen: Settings) -> EventStore:
    """The store that the settings name.

    Raises:
        EventStoreError: the address is of no known kind, the database is away, or a newer version wrote it.
    """
    url = chosen.event_store
    if url.startswith("sqlite:///"):
        return EventStore(Sqlite(Path(url.removeprefix("sqlite:///"))))
    if url.startswith(("postgresql://", "postgres://")):
        return EventStore(Postgres(url))
    raise EventStoreError(
        f"No event store can be opened at TIP_EVENT_STORE={url!r}; expected sqlite:///path/to/file or postgresql://..."
    )


def keep_each(store: EventStore, events: Sequence[AnyEvent]) -> tuple[Kept, list[tuple[AnyEvent, str]]]:
    """Keep a batch without what the store can never hold; that is returned, each event with the reason.

    Raises:
        EventStoreError: the database is away, busy or full; a part of the batch may be held, so give all of it again.
    """
    try:
        return store.keep(events), []
    except RefusedError as error:
        if len(events) == 1:
            return Kept(), [(events[0], str(error))]
    half = len(events) // 2
    (first, first_refused), (second, second_refused) = keep_each(store, events[:half]), keep_each(store, events[half:])
    return first.plus(second), [*first_refused, *second_refused]


def _renewed(body: str) -> str:
    """A body that an earlier build wrote as this one writes it, with the fields that events have had since."""
    return encode(decode(body.encode())).decode()


def _migrate(database: Database) -> None:
    with database.transaction():
        database.change("CREATE TABLE IF NOT EXISTS migrations (version BIGINT NOT NULL PRIMARY KEY)")
        version = int(database.rows("SELECT coalesce(max(version), 0) FROM migrations")[0][0])
        if version > len(database.migrations):
            raise EventStoreError(
                f"The event store cannot be used: it has version {version}, this build knows "
                f"{len(database.migrations)}. Use the build that wrote it, or a later one."
            )
        for number, statements in enumerate(database.migrations[version:], version + 1):
            for statement in statements:
                database.change(statement)
            database.change("INSERT INTO migrations (version) VALUES (?)", number)


def _bounds(day: dt.date) -> tuple[int, int]:
    """First microsecond of the UTC day, and the one after its last."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return microseconds(start), microseconds(start) + 86_400_000_000
