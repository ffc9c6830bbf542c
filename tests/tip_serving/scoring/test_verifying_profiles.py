"""Whether a store answers with what was put there: what is lost, garbled or older is found, what is newer will do."""

import datetime as dt
import sqlite3
from pathlib import Path

import pytest
from support.profiles import AT

from tip_serving.scoring.online_store import Profile, StoreError, write_profiles
from tip_serving.scoring.online_store.verifying import verify

PUT = [Profile(f"u{n}", AT, {"tips_7d": n, "favourite_labels": ["家事"], "language": None}) for n in range(20)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/profiles.db"
    write_profiles(address, PUT)
    return address


def changed(url: str, statement: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as stray:
        stray.execute(statement)
    stray.close()


def test_a_store_that_answers_with_what_was_put_there_is_right(url: str) -> None:
    found = verify(url, PUT)
    assert (found.n_asked, found.n_wrong, found.faults) == (20, 0, ())
    assert found.latency_p50_ms is not None
    assert verify(url, []) == (0, 0, (), None)


def test_what_is_newer_there_is_as_good(url: str) -> None:
    write_profiles(url, [Profile("u3", AT + dt.timedelta(hours=1), {"tips_7d": 99})])
    assert verify(url, PUT).n_wrong == 0


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM profile_features WHERE user = 'u3'", "store does not know the user"),
        ("DELETE FROM profile_features WHERE user = 'u3' AND name = 'tips_7d'", "other than written: tips_7d"),
        (
            "UPDATE profile_features SET value = '4' WHERE user = 'u3' AND name = 'tips_7d'",
            "other than written: tips_7d",
        ),
        ("UPDATE profile_features SET value = 'x' WHERE user = 'u3'", "store has features that are not as declared"),
        ("UPDATE profile_features SET computed_at = '2026' WHERE user = 'u3'", "store has features"),
    ],
)
def test_what_is_lost_or_garbled_is_found_and_no_person_named(url: str, statement: str, fault: str) -> None:
    changed(url, statement)
    found = verify(url, PUT)
    assert found.n_wrong == 1
    assert found.faults[0].startswith(fault)


def test_what_is_older_there_is_found(url: str) -> None:
    later = [profile._replace(computed_at=AT + dt.timedelta(hours=1)) for profile in PUT]
    found = verify(url, later)
    assert (found.n_wrong, len(found.faults)) == (20, 10)


def test_a_store_that_is_gone_is_found_for_everybody(tmp_path: Path) -> None:
    assert verify(f"sqlite:///{tmp_path}/absent.db", PUT).faults == ("store cannot be reached",) * 10
    with pytest.raises(StoreError):
        verify("mysql://x", PUT)
