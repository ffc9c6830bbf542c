"""The event store keeps every event once, on SQLite and on PostgreSQL, and shows tips with their reactions."""

import datetime as dt
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import postgres_server
from support.events import START, life, reaction, signals
from support.exposures import exposure

from tip_serving.events import schema
from tip_serving.events.database import EventStoreError, Postgres, RefusedError, Sqlite
from tip_serving.events.exposure import Authorship
from tip_serving.events.kinds import AnyEvent, Kind
from tip_serving.events.store import EventStore, Kept, keep_each, open_store
from tip_serving.settings import Settings

DAY = START.date()
Opened = Callable[[], EventStore]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens connections to one empty store."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/events.db"
    else:
        import psycopg

        url = request.getfixturevalue("postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    stores: list[EventStore] = []

    def open_one() -> EventStore:
        stores.append(open_store(Settings(tip_event_store=url)))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opened) -> EventStore:
    return opened()


def _decision(decision_id: str = "d1", **changes: Any) -> AnyEvent:
    fields = {"event_id": f"e-{decision_id}", "at": START, "decision_id": decision_id, "propensities": (0.2, 0.8),
              "order": (1, 0), "scores": (0.1, 0.9), "prompt_version": "v2", "model": "embedded/planner"}  # fmt: skip
    return exposure(**{**fields, **changes})


def _shown(store: EventStore, day: dt.date = DAY) -> list[dict[str, Any]]:
    return [dict(zip(schema.TIP_SCORES, row, strict=True)) for row in store.tip_scores(day)]


def test_the_first_event_of_an_id_stands_and_another_one_is_noted(store: EventStore) -> None:
    first, other = reaction("d1"), reaction("d1", tip_id="t1")
    assert store.keep([first, first]) == Kept(n_new=1, n_repeated=1)
    assert store.keep([other, first, other]) == Kept(n_repeated=1, n_conflicting=2)
    assert store.event(first.event_id) == first
    assert store.n_conflicts() == 1
    assert store.counts() == {Kind.EXPOSURE: 0, Kind.FEEDBACK: 1, Kind.SIGNAL: 0}


def test_an_event_that_an_earlier_build_kept_without_later_fields_is_the_same_event(store: EventStore) -> None:
    told = exposure(event_id="e", at=START, decision_id="d")
    store.keep([told])
    (body,) = store._database.rows("SELECT body FROM events")[0]
    shorter = json.dumps({name: value for name, value in json.loads(body).items() if name not in {"error", "written"}})
    store._database.change("UPDATE events SET body = ?", shorter)
    assert store.keep([told]) == Kept(n_repeated=1)
    assert store.keep([exposure(event_id="e", at=START, decision_id="d", error="TimeoutError")]) == Kept(
        n_conflicting=1
    )


def test_every_kind_comes_back_as_it_went_in_by_moment_and_id(store: EventStore) -> None:
    events = life(400, np.random.default_rng(3))
    store.keep(events)
    days = [DAY + dt.timedelta(days=n) for n in range(4)]
    back = [event for kind in Kind for day in days for event in store.events(kind, day)]
    assert sorted(back, key=lambda event: event.event_id) == sorted(events, key=lambda event: event.event_id)
    first = list(store.events(Kind.SIGNAL, DAY))
    assert first == sorted(first, key=lambda event: (event.at, event.event_id))


def test_pages_of_a_day_neither_repeat_nor_leave_out_events_of_one_moment(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tip_serving.events.store.PAGE", 7)
    events = [event for n in range(20) for event in signals("u", START + dt.timedelta(seconds=n // 9), f"s{n:02}")]
    store.keep(events)
    assert sorted(event.event_id for event in store.events(Kind.SIGNAL, DAY)) == sorted(e.event_id for e in events)


def test_a_shown_tip_has_what_chose_it_and_how_it_was_taken(store: EventStore) -> None:
    late = START + dt.timedelta(days=9)
    store.keep([_decision(), reaction("d1", "shown", tip_id="t1"), reaction("d1", "accepted", tip_id="t1", at=late)])
    (tip,) = _shown(store)
    expected = {"decision_id": "d1", "tip_id": "t1", "prompt_version": "v2", "model": "embedded/planner",
                "policy_version": "p3", "model_version": "m2", "rank": 0, "n_reactions": 2, "rating": None}  # fmt: skip
    assert {name: tip[name] for name in expected} == expected
    assert (tip["propensity"], tip["score"]) == (pytest.approx(0.8), pytest.approx(0.9))
    assert tip["accepted_at_us"] - tip["at_us"] == 9 * 86_400_000_000
    assert tip["dismissed_at_us"] is None


def test_a_tip_is_credited_to_what_wrote_it_unless_its_own_decision_did(store: EventStore) -> None:
    written = (Authorship(decision_id="g", prompt_version="v3", model="m/3"), None)
    store.keep([
        _decision("d1", prompt_version=None, model=None, written=written, order=(0, 1)),
        _decision("d2", prompt_version=None, model=None, written=written, event_id="e2"),
        _decision("d3", prompt_version="v1", model=None, written=written, order=(0, 1), event_id="e3"),
    ])  # fmt: skip
    found = {tip["decision_id"]: (tip["tip_id"], tip["prompt_version"], tip["model"]) for tip in _shown(store)}
    assert found == {"d1": ("t0", "v3", "m/3"), "d2": ("t1", None, None), "d3": ("t0", "v1", "m/3")}


def test_a_store_of_an_earlier_version_gains_the_view_and_loses_nothing(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(Sqlite, "migrations", schema.SQLITE[:1])
        earlier.setattr(Postgres, "migrations", schema.POSTGRES[:1])
        store = opened()
        written = (Authorship(decision_id="g", prompt_version="v3"),)
        store.keep([exposure(1, at=START, decision_id="d1", written=written), reaction("d1")])
        assert [tip["prompt_version"] for tip in _shown(store)] == [None]
        store.close()
    again = opened()
    assert [(tip["prompt_version"], tip["n_reactions"]) for tip in _shown(again)] == [("v3", 1)]


def test_a_tip_that_came_second_counts_as_shown_once_somebody_reacts_to_it(store: EventStore) -> None:
    store.keep([_decision(), reaction("d1", "dismissed", tip_id="t0")])
    assert [(tip["tip_id"], tip["rank"], tip["n_reactions"]) for tip in _shown(store)] == [("t0", 1, 1), ("t1", 0, 0)]


def test_reactions_of_another_person_and_to_unknown_decisions_make_no_row(store: EventStore) -> None:
    store.keep([_decision(), reaction("d1", tip_id="t1", user="somebody else"), reaction("d2", event_id="x")])
    assert [(tip["tip_id"], tip["n_reactions"]) for tip in _shown(store)] == [("t1", 0)]


def test_of_several_ratings_the_last_counts_and_of_other_reactions_the_first(store: EventStore) -> None:
    def told(what: str, number: int, rating: float | None = None) -> AnyEvent:
        at = START + dt.timedelta(minutes=number)
        return reaction("d1", what, tip_id="t1", event_id=f"{what}{number}", at=at, rating=rating)  # type: ignore[arg-type]

    store.keep([told("rated", 3, 0.9), told("rated", 2, 0.1), told("snoozed", 7), told("snoozed", 4), _decision()])
    (tip,) = _shown(store)
    assert tip["rating"] == pytest.approx(0.9)
    assert (tip["snoozed_at_us"] - tip["at_us"]) / 60e6 == 4
    assert (tip["rated_at_us"] - tip["at_us"]) / 60e6 == 2


def test_a_decision_asked_for_twice_is_shown_once_as_it_was_first(store: EventStore) -> None:
    again = _decision(event_id="again", at=START + dt.timedelta(seconds=1), arm="other")
    store.keep([again, _decision()])
    assert [(tip["tip_id"], tip["arm"]) for tip in _shown(store)] == [("t1", "champion")]


def test_no_order_of_arrival_changes_what_is_shown(opened: Opened) -> None:
    store = opened()
    events = [_decision(), *(reaction("d1", told, tip_id="t1") for told in ("shown", "accepted", "rated"))]
    pictures = []
    for n, order in enumerate(itertools.permutations(range(4))):
        user = f"user-{n}"
        for position in order:
            told = events[position]
            changed = {"user": user, "event_id": f"{told.event_id}-{n}"}
            store.keep([type(told)(**{name: getattr(told, name) for name in told.__struct_fields__} | changed)])
        pictures.append([{**tip, "user": ""} for tip in _shown(store) if tip["user"] == user])
    assert len(pictures[0]) == 1
    assert pictures == [pictures[0]] * 24


def test_what_no_store_can_hold_is_told_apart_and_the_rest_is_kept(store: EventStore) -> None:
    good = [event for n in range(4) for event in signals("u", START, f"s{n}")]
    bad = [
        reaction("d\0", event_id="nul"),
        _decision("d5", order=(0, 0)),
        _decision("d6", scores=(0.5,)),
        _decision("d7", at=dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14)))),
    ]
    kept, refused = keep_each(store, [*good[:5], *bad, *good[5:]])
    assert kept == Kept(n_new=12)
    assert [event for event, _ in refused] == bad
    assert ["NUL" in refused[0][1], "order" in refused[1][1], "1 scores" in refused[2][1]] == [True] * 3
    with pytest.raises(RefusedError):
        store.keep([good[0], bad[0]])


def test_a_batch_is_held_whole_or_not_at_all(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise EventStoreError("the disk is gone")

    monkeypatch.setattr(store, "_count_changes", broken)
    with pytest.raises(EventStoreError, match="the disk is gone"):
        store.keep([reaction("d1")])
    monkeypatch.undo()
    assert sum(store.counts().values()) == 0
    assert store.keep([reaction("d1")]).n_new == 1


def test_two_writers_of_the_same_events_keep_each_once(opened: Opened) -> None:
    from concurrent.futures import ThreadPoolExecutor

    events = life(600, np.random.default_rng(4))
    stores = [opened() for _ in range(3)]
    batches = [events[n : n + 100] for n in range(0, 600, 100)]

    def write(store: EventStore, seed: int) -> Kept:
        total = Kept()
        for number in np.random.default_rng(seed).permutation(len(batches)):
            total = total.plus(store.keep(batches[number]))
        return total

    with ThreadPoolExecutor(3) as threads:
        totals = list(threads.map(write, stores, range(3)))
    assert sum(total.n_new for total in totals) == 600
    assert sum(total.n_repeated for total in totals) == 1200
    assert sum(stores[0].counts().values()) == 600


def test_what_was_shown_on_a_day_is_looked_up_by_decision_and_read_off_no_other_day(tmp_path: Path) -> None:
    store = open_store(Settings(tip_event_store=f"sqlite:///{tmp_path}/events.db"))
    store.keep(life(300, np.random.default_rng(6)))
    plan = store._database.rows("EXPLAIN QUERY PLAN SELECT * FROM tip_scores WHERE at_us >= ? AND at_us < ?", 0, 1)
    steps = [step for *_, step in plan if "VIRTUAL TABLE" not in step and re.match(r"(SEARCH|SCAN) [rxy]\b", step)]
    assert len(steps) == 11
    by_day, by_decision = "events_by_day (kind=? AND at_us>? AND at_us<?)", "events_by_decision (decision_id=?"
    assert [step for step in steps if (by_day if step[7] == "x" else by_decision) not in step] == []
    store.close()


def test_late_feedback_opens_the_day_of_its_decision_again(store: EventStore) -> None:
    store.keep([_decision()])
    for day in store.changed_days():
        store.mark_exported(day)
    assert store.changed_days() == []
    store.keep([reaction("d1", at=START + dt.timedelta(days=2))])
    changed = [(day.kind, day.day) for day in store.changed_days()]
    assert changed == [("feedback", DAY + dt.timedelta(days=2)), ("tip_scores", DAY)]


def test_a_change_while_a_day_is_written_leaves_it_open(store: EventStore) -> None:
    store.keep([reaction("d1")])
    (seen,) = store.changed_days()
    store.keep([reaction("d2")])
    store.mark_exported(seen)
    assert [day.version for day in store.changed_days()] == [2]


def test_a_deleted_person_is_gone_and_stays_gone_while_others_stay(store: EventStore) -> None:
    mine, theirs = reaction("d1", user="me"), reaction("d2", user="them")
    store.keep([mine, theirs, reaction("d2", user="me", rating=None, tip_id="t1")])
    assert store.n_conflicts() == 1
    assert store.erase("me", START + dt.timedelta(hours=1)) == 1
    assert store.n_conflicts() == 0
    late = reaction("d3", user="me", at=START - dt.timedelta(days=1))
    assert store.keep([mine, late, theirs]) == Kept(n_repeated=1, n_erased=2)
    assert store.keep([reaction("d4", user="me", at=START + dt.timedelta(days=1))]).n_new == 1


def test_an_event_is_kept_until_its_time_and_no_longer(store: EventStore) -> None:
    ends = START + dt.timedelta(days=30)
    store.keep([reaction("d1", retain_until=ends), reaction("d2")])
    assert store.expire(ends) == 0
    assert store.expire(ends + dt.timedelta(microseconds=1)) == 1
    assert [event.event_id for event in store.events(Kind.FEEDBACK, DAY)] == ["d2-accepted"]


def test_opening_again_changes_nothing_and_a_newer_store_is_not_touched(opened: Opened) -> None:
    opened().keep([reaction("d1")])
    again = opened()
    assert again.counts()[Kind.FEEDBACK] == 1
    again._database.change("INSERT INTO migrations (version) VALUES (?)", 99)
    with pytest.raises(EventStoreError, match="version 99"):
        opened()


def test_an_address_that_no_store_has_is_told() -> None:
    with pytest.raises(EventStoreError, match=r"TIP_EVENT_STORE='redis://x'"):
        open_store(Settings(tip_event_store="redis://x"))


def test_a_database_that_is_away_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no database, but long enough to look like one" * 100)
    for url in (f"sqlite:///{tmp_path}/file", f"sqlite:///{tmp_path}/file/events.db", "postgresql://t@127.0.0.1:1/x"):
        with pytest.raises(EventStoreError, match="event store"):
            open_store(Settings(tip_event_store=url))
