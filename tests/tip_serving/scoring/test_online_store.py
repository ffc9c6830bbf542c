"""The online store: within its budget or not at all, and no request fails of it."""

import asyncio
import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tip_serving.scoring.online_store import (
    Fetched,
    OnlineStore,
    Profiles,
    ProfileSource,
    SqliteStore,
    StoreError,
    open_store,
    write_profiles,
)

AT = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def ask(store: OnlineStore | None, user: str, shipped: dict[str, Any] | None = None, budget_s: float = 5.0) -> Fetched:
    async def main() -> Fetched:
        profiles = Profiles(store, budget_s)
        try:
            return await profiles.of(user, shipped)
        finally:
            await profiles.aclose()

    return asyncio.run(main())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "profiles.db"
    write_profiles(file, {"ann": {"completion_rate": 0.7, "favourite_labels": ["home"]}, "bob": {"tips_7d": 2}}, AT)
    return file


def test_a_store_answers_with_values_and_their_moments(path: Path) -> None:
    found = ask(open_store(f"sqlite:///{path}"), "ann")
    assert found == (
        {
            "completion_rate": {"value": 0.7, "computed_at": "2026-03-02T00:00:00+00:00"},
            "favourite_labels": {"value": ["home"], "computed_at": "2026-03-02T00:00:00+00:00"},
        },
        ProfileSource.STORE,
    )


def test_a_later_value_replaces_the_one_of_the_same_name(path: Path) -> None:
    write_profiles(path, {"ann": {"completion_rate": 0.9}}, AT + dt.timedelta(hours=1))
    features = ask(SqliteStore(path), "ann").features
    assert features is not None
    assert features["completion_rate"] == {"value": 0.9, "computed_at": "2026-03-02T01:00:00+00:00"}
    assert "favourite_labels" in features


def test_what_was_shipped_is_taken_and_the_store_is_not_asked(path: Path) -> None:
    assert ask(SqliteStore(path), "ann", {}) == ({}, ProfileSource.REQUEST)


def test_where_the_features_come_from_is_told_apart(path: Path, tmp_path: Path) -> None:
    assert ask(None, "ann") == (None, ProfileSource.NO_STORE)
    assert ask(SqliteStore(path), "nobody") == (None, ProfileSource.UNKNOWN_USER)
    assert ask(SqliteStore(tmp_path / "absent.db"), "ann") == (None, ProfileSource.FAILED)
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    assert ask(SqliteStore(tmp_path / "broken.db"), "ann") == (None, ProfileSource.FAILED)


@pytest.mark.parametrize(
    "features", [{"colour": 1}, {"completion_rate": 7}, {"tips_7d": "many"}, {"completion_rate": 0.1, "stray": None}]
)
def test_features_of_a_store_that_are_not_as_declared_are_its_fault_not_the_callers(
    path: Path, features: dict[str, Any]
) -> None:
    write_profiles(path, {"ann": features}, AT)
    assert ask(SqliteStore(path), "ann") == (None, ProfileSource.UNUSABLE)


class Slow:
    """A store that takes its time."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s
        self.n_asked = 0

    async def features(self, _: str) -> dict[str, Any] | None:
        self.n_asked += 1
        await asyncio.sleep(self._takes_s)
        return {}

    async def aclose(self) -> None:
        pass


def test_a_slow_store_costs_its_budget_and_no_more() -> None:
    async def main() -> tuple[Fetched, float]:
        profiles = Profiles(Slow(60.0), 0.005)
        started = asyncio.get_running_loop().time()
        return await profiles.of("ann", None), asyncio.get_running_loop().time() - started

    found, took_s = asyncio.run(main())
    assert found == (None, ProfileSource.LATE)
    assert took_s < 2  # of the 60 that the store would have taken


def test_a_store_that_hangs_is_asked_by_a_bounded_number_at_once() -> None:
    async def main() -> tuple[list[Fetched], Fetched, int]:
        store = Slow(60.0)
        profiles = Profiles(store, 0.05)
        found = await asyncio.gather(*(profiles.of(f"u{n}", None) for n in range(100)))
        # Nobody waits for the 64 any more, but the store still has them.
        return found, await profiles.of("later", None), store.n_asked

    found, later, n_asked = asyncio.run(main())
    sources = [answer.source for answer in found]
    assert n_asked == sources.count(ProfileSource.LATE) == 64
    assert sources.count(ProfileSource.BUSY) == 36
    assert later.source is ProfileSource.BUSY


def test_a_writer_at_work_keeps_no_reader_waiting(path: Path) -> None:
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM profile_features")
    try:
        assert ask(SqliteStore(path), "bob").source is ProfileSource.STORE
    finally:
        writer.close()


def test_an_address_of_another_kind_is_refused_when_the_server_starts() -> None:
    assert open_store(None) is None
    with pytest.raises(StoreError, match="expected sqlite:///"):
        open_store("redis://localhost")
