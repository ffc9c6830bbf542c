"""Profiles of callers that shipped none: a small port to an online feature store, asked within a few milliseconds.

A store that is slow, broken or asked by too many at once is told apart in the answer, and never fails a request: the
declared fallbacks apply then. `sqlite:///file` is one file that a materialization writes and a server reads.
"""

import asyncio
import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tip_serving.features.declared import FeatureError
from tip_serving.features.profile import resolve

_SCHEMA = """
CREATE TABLE IF NOT EXISTS profile_features (
    user TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, computed_at TEXT NOT NULL, PRIMARY KEY (user, name)
) WITHOUT ROWID
"""
_AT_ONCE = 64  # questions in flight; beyond it a store that hangs would gather a queue that nobody waits for
_THREADS = 2


class StoreError(ValueError):
    """An address of a store that nothing here can open."""


class OnlineStore(Protocol):
    """Whatever knows profile features by user."""

    async def features(self, user: str) -> dict[str, Any] | None:
        """By name `{value, computed_at}`, as a request ships them; None for an unknown user."""
        ...

    async def aclose(self) -> None:
        """Let go of files and connections."""
        ...


class ProfileSource(StrEnum):
    """Where the profile features of an answer come from."""

    REQUEST = "request"
    STORE = "store"
    UNKNOWN_USER = "store does not know the user"
    LATE = "store did not answer in time"
    FAILED = "store failed"
    BUSY = "store is asked by too many"
    UNUSABLE = "store has features that are not as declared"
    NO_STORE = "no store is configured"


class Fetched(NamedTuple):
    """Profile features and where they come from."""

    features: dict[str, Any] | None
    source: ProfileSource


class Profiles:
    """Asks the store within a budget.

    Args:
        store: None where none is configured.
        budget_s: how long a request waits.
    """

    def __init__(self, store: OnlineStore | None, budget_s: float) -> None:
        self._store = store
        self._budget_s = budget_s
        self._asking: set[asyncio.Future[dict[str, Any] | None]] = set()

    async def of(self, user: str, shipped: dict[str, Any] | None) -> Fetched:
        """The profile features of `user`: those that were shipped, else what the store says in time."""
        if shipped is not None:
            return Fetched(shipped, ProfileSource.REQUEST)
        if self._store is None:
            return Fetched(None, ProfileSource.NO_STORE)
        if len(self._asking) >= _AT_ONCE:
            return Fetched(None, ProfileSource.BUSY)
        return await self._asked(self._store, user)

    async def _asked(self, store: OnlineStore, user: str) -> Fetched:
        asking = asyncio.ensure_future(store.features(user))
        self._asking.add(asking)
        asking.add_done_callback(self._answered)
        try:
            async with asyncio.timeout(self._budget_s):
                # Shielded: a question that nobody waits for still keeps the store busy, and so it still counts.
                found = await asyncio.shield(asking)
            resolve(found, None, dt.datetime.now(dt.UTC))
        except TimeoutError:
            return Fetched(None, ProfileSource.LATE)
        except FeatureError:
            return Fetched(None, ProfileSource.UNUSABLE)  # the store's fault, so not a 422 to the caller
        except Exception:  # noqa: BLE001  whatever a store raises, a request goes on without it
            return Fetched(None, ProfileSource.FAILED)
        return Fetched(found, ProfileSource.UNKNOWN_USER if found is None else ProfileSource.STORE)

    def _answered(self, asking: asyncio.Future[dict[str, Any] | None]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled():
            asking.exception()  # looked at, or asyncio would tell of an error that nobody waited for

    async def aclose(self) -> None:
        """Close the store."""
        for asking in self._asking:
            asking.cancel()
        if self._store is not None:
            await self._store.aclose()


def open_store(url: str | None) -> OnlineStore | None:
    """The store at `sqlite:///path`; None for no address.

    Raises:
        StoreError: the address is of another kind.
    """
    if url is None:
        return None
    if not url.startswith("sqlite:///"):
        raise StoreError(f"No online feature store can be opened at {url!r}; expected sqlite:///path/to/file.")
    return SqliteStore(Path(url.removeprefix("sqlite:///")))


class SqliteStore:
    """One SQLite file; grain: one row per user and feature, the value as JSON.

    Readers see a consistent state while a materialization writes (write-ahead mode).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, "online-store")
        self._connections = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def features(self, user: str) -> dict[str, Any] | None:
        """By name `{value, computed_at}`; None for an unknown user."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, user)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._connections, "open", None)
        if connection is None:
            connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, check_same_thread=False)
            self._connections.open = connection
            self._opened.append(connection)
        return connection

    def _read(self, user: str) -> dict[str, Any] | None:
        rows = self._connection().execute(
            "SELECT name, value, computed_at FROM profile_features WHERE user = ?", (user,)
        ).fetchall()  # fmt: skip
        return {name: {"value": json.loads(value), "computed_at": at} for name, value, at in rows} or None

    async def aclose(self) -> None:
        """End the threads and close the file."""
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._opened:
            connection.close()


def write_profiles(path: Path, profiles: Mapping[str, Mapping[str, Any]], computed_at: dt.datetime) -> None:
    """Put features into the SQLite file at `path`, which is made where there is none.

    Args:
        path: the file.
        profiles: by user, JSON values by feature; replaces those of the same name.
        computed_at: with its offset.
    """
    rows = [
        (user, name, json.dumps(value), computed_at.isoformat())
        for user, values in profiles.items()
        for name, value in values.items()
    ]
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            connection.execute(_SCHEMA)
            connection.executemany("INSERT OR REPLACE INTO profile_features VALUES (?, ?, ?, ?)", rows)
    finally:
        connection.close()
