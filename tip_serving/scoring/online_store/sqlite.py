"""`sqlite:///file`: one file that a materialization writes and a server on the same machine reads.

Grain: one row per user and feature, the value as JSON. Readers see a consistent state while somebody writes
(write-ahead mode).
"""

import asyncio
import datetime as dt
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tip_serving.scoring.online_store.port import StoreBusyError, StoreDownError
from tip_serving.scoring.online_store.profile import Entry, as_text, shipped

_SCHEMA = """
CREATE TABLE IF NOT EXISTS profile_features (
    user TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, computed_at TEXT NOT NULL, PRIMARY KEY (user, name)
) WITHOUT ROWID
"""
_PUT = """
INSERT INTO profile_features (user, name, value, computed_at) VALUES (?, ?, ?, ?)
ON CONFLICT (user, name) DO UPDATE SET value = excluded.value, computed_at = excluded.computed_at
WHERE excluded.computed_at >= profile_features.computed_at
"""
_THREADS = 2
_READ_WAIT_S = 0.05  # for a program that opens or closes the file, which it then holds for a moment
_WRITE_WAIT_S = 30.0  # for another writer


class SqliteStore:
    """Reads one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, "online-store")
        self._connections = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def features(self, user: str) -> dict[str, Any] | None:
        """By name `{value, computed_at}`; None for an unknown user.

        Raises:
            StoreDownError: there is no such file.
            StoreBusyError: another program holds it for itself.
            StoreDataError: a value cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, user)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._connections, "open", None)
        if connection is None:
            address = f"file:{quote(str(self._path))}?mode=ro"
            connection = sqlite3.connect(address, uri=True, check_same_thread=False, timeout=_READ_WAIT_S)
            self._connections.open = connection
            self._opened.append(connection)
        return connection

    def _read(self, user: str) -> dict[str, Any] | None:
        try:
            rows = self._connection().execute(
                "SELECT name, computed_at, value FROM profile_features WHERE user = ?", (user,)
            ).fetchall()  # fmt: skip
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN:
                raise StoreDownError(f"{self._path}: {error}") from error
            if error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise StoreBusyError(f"{self._path}: {error}") from error
            raise
        return shipped([Entry(*row) for row in rows])

    async def aclose(self) -> None:
        """End the threads and close the file."""
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._opened:
            connection.close()


class SqliteWriter:
    """Writes the file at `path`, which is made where there is none; a batch is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=_WRITE_WAIT_S)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA secure_delete = ON")  # deleted people leave no bytes in free pages
        with self._connection:
            self._connection.execute(_SCHEMA)

    def put(self, batch: Sequence[tuple[str, Sequence[Entry]]]) -> int:
        """Put the entries of each user, where they are not older than what is there; how many were put."""
        rows = [(user, entry.name, entry.value, entry.computed_at) for user, found in batch for entry in found]
        with self._connection:
            return self._connection.executemany(_PUT, rows).rowcount

    def erase(self, user: str) -> int:
        """Remove the features of a person; how many there were."""
        return self._remove("user = ?", user)

    def expire(self, before: dt.datetime) -> int:
        """Remove what was computed before this moment; how many features there were."""
        return self._remove("computed_at < ?", as_text(before))

    def _remove(self, condition: str, value: str) -> int:
        """Remove rows, and the pages as they were from the write-ahead file, which servers that read keep open."""
        with self._connection:
            statement = f"DELETE FROM profile_features WHERE {condition}"  # noqa: S608  one of the two above
            n_removed = self._connection.execute(statement, (value,)).rowcount
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return n_removed

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
