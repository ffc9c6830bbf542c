"""What a server asks of an online store, and how a store says why it has no answer.

A store that is down, slow, broken or asked by too many at once is told apart in the answer, and never fails a request:
the declared fallbacks apply then.

    StoreError        an address that nothing here can open
    StoreDownError    nobody answers there
    StoreBusyError    it answers that it cannot now
    StoreDataError    what it holds cannot be read
"""

import asyncio
import datetime as dt
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from tip_serving.features.declared import FeatureError
from tip_serving.features.profile import resolve

AT_ONCE = 64
"""Questions in flight; beyond it a store that hangs would gather a queue that nobody waits for."""


class StoreError(ValueError):
    """An address of a store that nothing here can open."""


class StoreDownError(Exception):
    """Nobody answers there."""


class StoreBusyError(Exception):
    """It answers that it cannot now: it loads its data, or somebody holds it for themselves."""


class StoreDataError(ValueError):
    """What lies in the store is not what a writer of this package puts there."""


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
    DOWN = "store cannot be reached"
    BUSY = "store is asked by too many"
    UNUSABLE = "store has features that are not as declared"
    FAILED = "store failed"
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
        if len(self._asking) >= AT_ONCE:
            return Fetched(None, ProfileSource.BUSY)
        try:
            found = await self._asked(self._store, user)
            resolve(found, None, dt.datetime.now(dt.UTC))
        except Exception as error:  # noqa: BLE001  whatever a store raises, a request goes on without it
            return Fetched(None, _blamed(error))
        return Fetched(found, ProfileSource.UNKNOWN_USER if found is None else ProfileSource.STORE)

    async def _asked(self, store: OnlineStore, user: str) -> dict[str, Any] | None:
        asking = asyncio.ensure_future(store.features(user))
        self._asking.add(asking)
        asking.add_done_callback(self._answered)
        async with asyncio.timeout(self._budget_s):
            # Shielded: a question that nobody waits for still keeps the store busy, and so it still counts.
            return await asyncio.shield(asking)

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


def _blamed(error: Exception) -> ProfileSource:
    match error:
        case TimeoutError():
            return ProfileSource.LATE
        case StoreDownError():
            return ProfileSource.DOWN
        case StoreBusyError():
            return ProfileSource.BUSY
        case FeatureError() | StoreDataError():
            return ProfileSource.UNUSABLE  # the store's fault, so not a 422 to the caller
        case _:
            return ProfileSource.FAILED
