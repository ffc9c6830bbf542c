"""The asset `online_features`: a day's profiles in the store that the server asks, and a check that asks it."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from support import redis_server
from support.profiles import ask

from tip_assets.features import online
from tip_assets.features.online import online_features
from tip_assets.resources.archive import Archive
from tip_serving.events.store import EventStore, open_store
from tip_serving.features.contract import contract_hash
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.scoring.online_store import Profile, ProfileSource, write_profiles
from tip_serving.settings import Settings
from tip_serving.training.profiles import FEATURES, end_of, schema

FIRST, SECOND = dt.date(2026, 3, 1), dt.date(2026, 3, 2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with closing(open_store(Settings(tip_home=tmp_path))) as opened:
        yield opened


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(str(tmp_path / "lake"))
    for place, day in enumerate((FIRST, SECOND)):
        rows = [
            (
                f"u{n}",
                end_of(day),
                *(n + place if name == "tips_7d" else None for name in FEATURES),
                contract_hash(),
                None,
            )
            for n in range(250)
        ]
        write_table(made, layout.profile_features(day.isoformat()), pl.DataFrame(rows, schema(), orient="row"))
    return made


def materialized(store: EventStore, lake: Lake, url: str | None, *days: dt.date, now: dt.datetime | None = None) -> Any:
    """The metadata of the materialization and the evaluation of its check."""
    archive = Archive(store, lake, now or end_of(SECOND), url)
    tags = {"dagster/asset_partition_range_start": days[0].isoformat(),
            "dagster/asset_partition_range_end": days[-1].isoformat()}  # fmt: skip
    done = dg.materialize([online_features], resources={"archive": archive}, tags=tags)
    assert done.success
    (check,) = done.get_asset_check_evaluations()
    told = done.asset_materializations_for_node("online_features")[-1].metadata
    return {name: value.value for name, value in told.items()}, check


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_the_last_day_of_a_run_is_what_the_server_is_told(
    store: EventStore, lake: Lake, tmp_path: Path, kind: str
) -> None:
    def told(url: str) -> None:
        put, check = materialized(store, lake, url, FIRST, SECOND)
        assert (put["profiles_put"], put["features_newer_there"], put["store"]) == (250, 0, kind)
        assert check.passed
        assert check.metadata["asked"].value >= 100
        found = ask(url, "u7")
        assert found.source is ProfileSource.STORE
        assert found.features is not None
        assert found.features["tips_7d"] == {"value": 8, "computed_at": "2026-03-03T00:00:00.000000+00:00"}
        put, check = materialized(store, lake, url, FIRST)  # a day before it, made anew
        assert put["features_newer_there"] == 250 * len(FEATURES)
        assert check.passed
        assert ask(url, "u7") == found

    if kind == "sqlite":
        told(f"sqlite:///{tmp_path}/profiles.db")
    else:
        with redis_server.running() as server:
            told(server.url)


def test_without_a_store_and_for_a_day_that_is_not_over_nothing_is_put(
    store: EventStore, lake: Lake, tmp_path: Path
) -> None:
    assert materialized(store, lake, None, SECOND)[0]["profiles_put"] == 0
    url = f"sqlite:///{tmp_path}/profiles.db"
    put, check = materialized(store, lake, url, SECOND, now=end_of(FIRST))
    assert put["profiles_put"] == 0
    assert check.passed
    assert not (tmp_path / "profiles.db").exists()


def test_a_store_that_loses_what_was_written_is_found_by_the_check(
    store: EventStore, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/profiles.db"

    def forgetful(address: str, rows: list[Profile]) -> object:
        written = write_profiles(address, rows)
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute("UPDATE profile_features SET value = '0' WHERE name = 'tips_7d' AND user = 'u0'")
        return written

    monkeypatch.setattr(online, "write_profiles", forgetful)
    _, check = materialized(store, lake, url, SECOND)
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata["wrong"].value == 1
    assert check.metadata["faults"].value == ["other than written: tips_7d"]
