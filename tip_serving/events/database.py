"""The two databases that can hold events, behind the few calls in which they differ.

Statements are written once, with `?` for parameters; a database says how it makes tables, looks values up in a list
and takes many rows at once. Writers follow one another in both: a transaction excludes every other.

    EventStoreError
      RefusedError   the database can never hold this; trying again changes nothing
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tip_serving.events import schema

if TYPE_CHECKING:
    import psycopg

BUSY_S = 30.0  # how long a writer waits for another one
_WRITERS = 0x7469_7000  # the lock under which writers to PostgreSQL follow one another


class EventStoreError(Exception):
    """The event store could not do what was asked; later it may."""


class RefusedError(EventStoreError):
    """An event that the store can never hold."""


class Database(Protocol):
    """One connection, used by one thread at a time."""

    among: str
    """Rows of a JSON list given as a parameter: what stands behind IN."""
    migrations: Sequence[Sequence[str]]

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, and no other writer meanwhile. Raises EventStoreError."""

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement returns."""

    def change(self, statement: str, *parameters: Any) -> int:
        """How many rows a statement changed."""

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, none of which is there."""

    def forget(self) -> None:
        """Let nothing of deleted rows stay behind in the files, as far as the database allows."""

    def close(self) -> None:
        """Let go of the connection."""


class Sqlite:
    """One SQLite file in write-ahead mode. What was committed outlives a power cut."""

    among = "SELECT value FROM json_each(?)"
    migrations: Sequence[Sequence[str]] = schema.SQLITE

    def __init__(self, path: Path) -> None:
        with _sqlite_errors("open"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")  # a message is acknowledged after the commit
                self._connection.execute("PRAGMA secure_delete = ON")  # deleted people leave no bytes in free pages
                self._connection.execute("PRAGMA cache_size = -65536")  # KiB: indexes of some millions of events
            except sqlite3.Error:
                self._connection.close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and no other writer meanwhile."""
        with _sqlite_errors("write to"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement returns."""
        with _sqlite_errors("read"):
            return self._connection.execute(statement, parameters).fetchall()

    def change(self, statement: str, *parameters: Any) -> int:
        """How many rows a statement changed."""
        with _sqlite_errors("write to"):
            return self._connection.execute(statement, parameters).rowcount

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows."""
        marks = ", ".join("?" * len(columns.split(",")))
        with _sqlite_errors("write to"):
            self._connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608  names of ours

    def forget(self) -> None:
        """Empty the write-ahead file, which still holds pages as they were."""
        with _sqlite_errors("write to"):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Postgres:
    """A PostgreSQL database, connected to when needed and again after a lost connection."""

    among = "SELECT jsonb_array_elements_text(CAST(? AS jsonb))"
    migrations: Sequence[Sequence[str]] = schema.POSTGRES

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: psycopg.Connection[tuple[Any, ...]] | None = None

    @property
    def _connection(self) -> "psycopg.Connection[tuple[Any, ...]]":
        import psycopg

        if self._opened is None or self._opened.closed:
            self._opened = psycopg.connect(self._url, autocommit=True, connect_timeout=int(BUSY_S))
        return self._opened

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and no other writer meanwhile."""
        with _postgres_errors("write to"), self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_WRITERS,))
            yield

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement returns."""
        with _postgres_errors("read"):
            return self._connection.execute(_marked(statement), parameters).fetchall()

    def change(self, statement: str, *parameters: Any) -> int:
        """How many rows a statement changed."""
        with _postgres_errors("write to"):
            return self._connection.execute(_marked(statement), parameters).rowcount

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows."""
        copying = f"COPY {table} ({columns}) FROM STDIN"
        with _postgres_errors("write to"), self._connection.cursor().copy(copying.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def forget(self) -> None:
        """Free the space of deleted rows for others to write over."""
        with _postgres_errors("write to"):
            for table in ("events", "conflicts"):
                self._connection.execute(f"VACUUM {table}".encode())

    def close(self) -> None:
        """Disconnect."""
        if self._opened is not None:
            self._opened.close()


def _marked(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


@contextmanager
def _sqlite_errors(attempt: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DataError, sqlite3.IntegrityError) as error:
        raise RefusedError(f"The event store refuses it: {error}.") from error
    except (sqlite3.Error, OSError) as error:
        raise EventStoreError(f"Cannot {attempt} the event store: {error}.") from error


@contextmanager
def _postgres_errors(attempt: str) -> Iterator[None]:
    import psycopg

    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise RefusedError(f"The event store refuses it: {_first_line(error)}.") from error
    except psycopg.Error as error:
        raise EventStoreError(f"Cannot {attempt} the event store: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    """Without the lines that quote values."""
    return str(error).partition("\n")[0].rstrip(".")
