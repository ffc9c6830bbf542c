"""Which store an address means, for those who read and for those who write: a profile snapshot goes in here."""

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol

from tip_serving.scoring.online_store.port import OnlineStore, StoreError
from tip_serving.scoring.online_store.profile import Entry, Profile, entries
from tip_serving.scoring.online_store.sqlite import SqliteStore, SqliteWriter

_SQLITE = "sqlite:///"
_REDIS = ("redis://", "rediss://")
_SHOWN = 20
_BATCH = 500  # people; 14 features each keep a transaction or a pipeline below a few MB


class Writer(Protocol):
    """Whatever takes profile features by user."""

    def put(self, batch: Sequence[tuple[str, Sequence[Entry]]]) -> int:
        """Put the entries of each user, where they are not older than what is there; how many were put."""
        ...

    def erase(self, user: str) -> int:
        """Remove the features of a person; how many there were."""
        ...

    def expire(self, before: dt.datetime) -> int:
        """Remove what was computed before this moment; how many features there were."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Written(NamedTuple):
    """What became of a snapshot."""

    n_profiles: int
    n_features: int
    """Put, among them those that were there already."""
    n_newer: int
    """Left as they were: the store had newer ones."""


def open_store(url: str | None) -> OnlineStore | None:
    """The store at `url`, to be asked; None for no address. Connects when it is asked first.

    Raises:
        StoreError: the address is of another kind.
    """
    if url is None:
        return None
    if url.startswith(_SQLITE):
        return SqliteStore(Path(url.removeprefix(_SQLITE)))
    if url.startswith(_REDIS):
        from tip_serving.scoring.online_store.redis import RedisStore  # only here: most servers have no Redis

        return RedisStore(url)
    raise _unknown(url)


def open_writer(url: str) -> Writer:
    """The store at `url`, to be written; a SQLite file is made where there is none.

    Raises:
        StoreError: the address is of another kind.
    """
    if url.startswith(_SQLITE):
        return SqliteWriter(Path(url.removeprefix(_SQLITE)))
    if url.startswith(_REDIS):
        from tip_serving.scoring.online_store.redis import RedisWriter

        return RedisWriter(url)
    raise _unknown(url)


def write_profiles(url: str, profiles: Iterable[Profile]) -> Written:
    """Put profiles into the store at `url`: each person's in one step, again to no effect, never over newer ones.

    A feature that a profile does not name stays as it was; one that is null there is null from then on. Where two
    were computed at the same moment, the one that is put later stays: a day that was computed anew replaces itself.

    Args:
        url: `sqlite:///file`, `redis://` or `rediss://`.
        profiles: read as they are written, some hundred at once.

    Raises:
        StoreError: the address is of another kind.
        StoreDownError: nobody answers there; what came before is written.
        ProfileError: a feature is not as the contract declares; what came before its batch is written.
    """
    n_profiles = n_given = n_put = 0
    left = iter(profiles)
    with closing(open_writer(url)) as writer:
        while batch := [(one.user, entries(one)) for one in itertools.islice(left, _BATCH)]:
            n_put += writer.put(batch)
            n_profiles += len(batch)
            n_given += sum(len(found) for _, found in batch)
    return Written(n_profiles, n_put, n_given - n_put)


def _unknown(url: str) -> StoreError:
    scheme = url.partition("://")[0][:_SHOWN]  # what follows may hold a password
    return StoreError(
        f"No online feature store can be opened at an address that begins with {scheme!r}; expected "
        f"sqlite:///path/to/file, redis://host:port/db or rediss://host:port/db."
    )
