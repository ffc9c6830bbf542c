"""The port to the online store: within its budget or not at all, each failure told apart, and no request fails."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.profiles import AT, ask

from tip_serving.scoring.online_store import (
    Fetched,
    Profile,
    Profiles,
    ProfileSource,
    StoreError,
    open_store,
    write_profiles,
)

_STRAY = "INSERT OR REPLACE INTO profile_features VALUES ('ann', ?, ?, '2026-03-02T00:00:00.000000+00:00')"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "50% of #all? profiles.db"
    known = [
        Profile("ann", AT, {"completion_rate": 0.7, "favourite_labels": ["home"]}),
        Profile("bob", AT, {"tips_7d": 2}),
    ]
    write_profiles(f"sqlite:///{file}", known)
    return file


def test_what_was_shipped_is_taken_and_the_store_is_not_asked(path: Path) -> None:
    assert ask(f"sqlite:///{path}", "ann", {}) == ({}, ProfileSource.REQUEST)


def test_where_the_features_come_from_is_told_apart(path: Path, tmp_path: Path) -> None:
    assert ask(None, "ann") == (None, ProfileSource.NO_STORE)
    assert ask(f"sqlite:///{path}", "ann").source is ProfileSource.STORE
    assert ask(f"sqlite:///{path}", "nobody") == (None, ProfileSource.UNKNOWN_USER)
    assert ask(f"sqlite:///{tmp_path}/absent.db", "ann") == (None, ProfileSource.DOWN)
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    assert ask(f"sqlite:///{tmp_path}/broken.db", "ann") == (None, ProfileSource.FAILED)


@pytest.mark.parametrize(
    ("name", "value"),
    [("completion_rate", "7"), ("tips_7d", '"many"'), ("tips_7d", "{"), ("tips_7d", "")],
)
def test_features_of_a_store_that_are_not_as_declared_are_its_fault_not_the_callers(
    path: Path, name: str, value: str
) -> None:
    with sqlite3.connect(path) as stray:
        stray.execute(_STRAY, (name, value))
    stray.close()
    assert ask(f"sqlite:///{path}", "ann") == (None, ProfileSource.UNUSABLE)
    assert ask(f"sqlite:///{path}", "bob").source is ProfileSource.STORE


def test_a_feature_that_the_contract_does_not_have_any_more_harms_no_other(path: Path) -> None:
    with sqlite3.connect(path) as stray:
        stray.execute(_STRAY, ("colour", '"red"'))
    stray.close()
    found = ask(f"sqlite:///{path}", "ann")
    assert found.source is ProfileSource.STORE
    assert found.features is not None
    assert found.features.keys() == {"completion_rate", "favourite_labels"}


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
        assert ask(f"sqlite:///{path}", "bob").source is ProfileSource.STORE
    finally:
        writer.close()


def test_a_file_that_a_program_holds_for_itself_is_busy(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA journal_mode = DELETE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        assert ask(f"sqlite:///{path}", "bob") == (None, ProfileSource.BUSY)
    finally:
        holder.close()


def test_an_address_of_another_kind_is_refused_when_the_server_starts_and_its_password_is_not_told() -> None:
    assert open_store(None) is None
    with pytest.raises(StoreError, match="begins with 'mysql'; expected sqlite:///") as refusal:
        open_store("mysql://tip:hush@localhost")
    with pytest.raises(StoreError, match="expected sqlite:///"):
        write_profiles("mysql://tip:hush@localhost", [])
    assert "hush" not in str(refusal.value)
    with pytest.raises(StoreError, match="cannot be read") as refusal:
        open_store("redis://:hush/hush@localhost")
    assert "hush" not in str(refusal.value)


_SCORES = """
import sys
from pathlib import Path
from tip_serving.api.app import create_app
from tip_serving.api.routes import Routes
from tip_serving.scoring.online_store import open_store
open_store(sys.argv[1])
create_app
print("redis" in sys.modules)
"""


@pytest.mark.parametrize(("url", "is_loaded"), [("sqlite:///profiles.db", "False"), ("redis://localhost", "True")])
def test_redis_is_imported_where_a_redis_is_configured_and_nowhere_else(url: str, is_loaded: str) -> None:
    done = subprocess.run([sys.executable, "-c", _SCORES, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == is_loaded
