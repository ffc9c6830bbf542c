"""Snapshots in an online store, SQLite and Redis alike: whole per person, again to no effect, never over newer ones."""

import asyncio
import datetime as dt
import itertools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import redis_server
from support.profiles import AT, ask

from tip_serving.features.profile import ProfileError
from tip_serving.scoring.online_store import Profile, Profiles, ProfileSource, open_store, write_profiles
from tip_serving.scoring.online_store.erasing import online_store
from tip_serving.settings import Settings

HOUR = dt.timedelta(hours=1)
WHOLE: dict[str, Any] = {
    "completion_rate": 0.1 + 0.2, "preferred_hour": 23, "tips_7d": 0, "tips_30d": 12, "acceptance_rate": 5e-324,
    "dismissal_rate": None, "streak_days": 4, "account_age_days": 100_000, "session_minutes": 12.5, "overdue_share": 1,
    "language": "ja", "time_zone": "Asia/Tokyo", "quiet_hours": "22-7",
    "favourite_labels": ["家事", 'n\u00e9 "x"', "", "🙂"],
}  # fmt: skip


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server.running() as server:
        yield server.url


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty store; those of Redis lie in one server, apart by database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/made/profiles.db"
    address = str(request.getfixturevalue("redis_url"))
    return f"{address[:-1]}{next(_DATABASES)}"


_DATABASES = itertools.count()


def values(url: str, user: str) -> dict[str, Any]:
    features = ask(url, user).features
    assert features is not None
    return {name: aged["value"] for name, aged in features.items()}


def test_a_store_answers_with_the_very_values_and_their_moments(url: str) -> None:
    written = write_profiles(url, [Profile("ann", AT, WHOLE), Profile("家/é:🙂 ", AT, {"tips_7d": 2})])
    assert written == (2, len(WHOLE) + 1, 0)
    found = ask(url, "ann")
    assert found.source is ProfileSource.STORE
    moment = "2026-03-02T00:00:00.000000+00:00"
    assert found.features == {name: {"value": value, "computed_at": moment} for name, value in WHOLE.items()}
    assert values(url, "家/é:🙂 ") == {"tips_7d": 2}
    assert ask(url, "nobody") == (None, ProfileSource.UNKNOWN_USER)


def test_the_same_snapshot_again_changes_nothing(url: str) -> None:
    for _ in range(3):
        write_profiles(url, [Profile("ann", AT, WHOLE)])
    assert values(url, "ann") == WHOLE


def test_an_older_snapshot_overwrites_nothing_and_a_newer_one_all_that_it_names(url: str) -> None:
    write_profiles(url, [Profile("ann", AT, {"tips_7d": 5, "streak_days": 1})])
    late = write_profiles(url, [Profile("ann", AT - HOUR, {"tips_7d": 4, "language": "de"})])
    assert late == (1, 1, 1)
    assert values(url, "ann") == {"tips_7d": 5, "streak_days": 1, "language": "de"}
    write_profiles(url, [Profile("ann", AT + HOUR, {"tips_7d": None})])
    assert values(url, "ann") == {"tips_7d": None, "streak_days": 1, "language": "de"}


def test_moments_are_compared_as_moments_whatever_their_offset(url: str) -> None:
    tokyo = dt.timezone(dt.timedelta(hours=9))
    write_profiles(url, [Profile("ann", dt.datetime(2026, 3, 2, 9, 0, 0, 1, tokyo), {"tips_7d": 5})])
    write_profiles(url, [Profile("ann", AT, {"tips_7d": 4})])  # a microsecond earlier
    assert values(url, "ann") == {"tips_7d": 5}


def test_in_whatever_order_snapshots_arrive_the_newest_stays(url: str) -> None:
    snapshots = [Profile(f"u{n % 7}", AT + n // 7 * HOUR, {"tips_7d": n, "streak_days": n}) for n in range(70)]
    write_profiles(url, (snapshots[place] for place in np.random.default_rng(5).permutation(70)))
    assert [values(url, f"u{n}") for n in range(7)] == [{"tips_7d": 63 + n, "streak_days": 63 + n} for n in range(7)]


def test_a_reader_never_sees_half_a_snapshot(url: str) -> None:
    write_profiles(url, [Profile("ann", AT, {"tips_7d": 0, "tips_30d": 0, "streak_days": 0})])
    is_done = threading.Event()

    def write() -> None:
        for n in range(1, 200):
            write_profiles(url, [Profile("ann", AT + n * HOUR, {"tips_7d": n, "tips_30d": n, "streak_days": n})])
        is_done.set()

    async def read() -> set[tuple[int, ...]]:
        profiles = Profiles(open_store(url), 5.0)
        seen = set()
        while not is_done.is_set():
            features = (await profiles.of("ann", None)).features
            assert features is not None
            seen.add(tuple(aged["value"] for aged in features.values()))
        await profiles.aclose()
        return seen

    writer = threading.Thread(target=write)
    writer.start()
    seen = asyncio.run(read())
    writer.join()
    assert len(seen) > 1
    assert [half for half in seen if len(set(half)) > 1] == []


def test_more_people_than_a_batch_holds_are_all_there(url: str) -> None:
    written = write_profiles(url, (Profile(f"u{n}", AT, {"tips_7d": n}) for n in range(1203)))
    assert written == (1203, 1203, 0)
    assert [values(url, f"u{n}")["tips_7d"] for n in (0, 499, 500, 1202)] == [0, 499, 500, 1202]


def test_what_no_server_would_take_is_refused_before_it_is_written(url: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        write_profiles(url, [Profile("ann", AT, {"colour": 1, "completion_rate": 7})])
    assert len(refusal.value.faults) == 2
    with pytest.raises(ValueError, match="has no offset"):
        write_profiles(url, [Profile("ann", AT.replace(tzinfo=None), {"tips_7d": 1})])
    write_profiles(url, [])
    assert ask(url, "ann").source is ProfileSource.UNKNOWN_USER


def test_a_person_who_asks_to_be_forgotten_is(url: str) -> None:
    write_profiles(url, [Profile("ann", AT, WHOLE), Profile("bob", AT, WHOLE)])
    place = online_store(Settings(tip_online_store=url))
    assert place is not None
    assert place.erase("ann", AT).n_removed == len(WHOLE)
    assert place.erase("ann", AT).n_removed == 0
    assert ask(url, "ann").source is ProfileSource.UNKNOWN_USER
    assert values(url, "bob") == WHOLE
    assert online_store(Settings()) is None


def test_what_is_stale_whatever_it_is_does_not_stay(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/profiles.db"
    write_profiles(url, [Profile("ann", AT, {"language": "de"}), Profile("bob", AT + HOUR, {"language": "de"})])
    place = online_store(Settings(tip_online_store=url))
    assert place is not None
    assert place.expire(AT + dt.timedelta(days=30, minutes=1)).n_removed == 1
    assert ask(url, "ann").source is ProfileSource.UNKNOWN_USER
    assert values(url, "bob") == {"language": "de"}


def test_while_a_server_reads_no_byte_is_left_of_who_was_deleted(tmp_path: Path) -> None:
    chosen = Settings(tip_home=tmp_path, tip_online_store=f"sqlite:///{tmp_path}/profiles.db")
    with closing(sqlite3.connect(tmp_path / "profiles.db")) as reader:
        write_profiles(str(chosen.tip_online_store), [Profile(name, AT, WHOLE) for name in ("ann", "someone-who-left")])
        reader.execute("SELECT count(*) FROM profile_features").fetchall()
        place = online_store(chosen)
        assert place is not None
        assert place.erase("someone-who-left", AT).n_removed == len(WHOLE)
        holding = [path.name for path in tmp_path.iterdir() if b"someone-who-left" in path.read_bytes()]
        assert holding == []
