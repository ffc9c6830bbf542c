"""A person who asks to be deleted is gone from store, streams, files and lake, byte for byte, and stays gone."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from nats.js import JetStreamContext
from support.archive import archive, decision, took
from support.consumers import Site
from support.events import START, life, reaction, signals
from support.exposures import exposure
from support.terminal import wait_until

from tip_serving.cli import main
from tip_serving.events import export
from tip_serving.events.kinds import AnyEvent, encode
from tip_serving.events.signal import AppOpened
from tip_serving.events.store import EventStore, open_store
from tip_serving.events.wal import WriteAhead
from tip_serving.lake.storage import Lake
from tip_serving.privacy import places
from tip_serving.privacy.places import Cleared, lake_events
from tip_serving.settings import Settings
from tip_serving.training import profiles, training_set

ME = "person-who-leaves-é"
FORMS = (ME.encode(), json.dumps(ME)[1:-1].encode())
YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    for name in ("TIP_NATS_URL", "TIP_EVENT_STORE", "TIP_LAKE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def site(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(home)
    monkeypatch.setenv("TIP_NATS_URL", made.broker.url)
    try:
        yield made
    finally:
        made.stop()


def _tip(*arguments: str) -> Result:
    done = CliRunner().invoke(main, ["privacy", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def _mine() -> list[AnyEvent]:
    told = [reaction("d1", one, user=ME, at=YESTERDAY) for one in ("shown", "accepted")]  # type: ignore[arg-type]
    return [exposure(user=ME, at=YESTERDAY, decision_id="d1"), *told, *signals(ME, YESTERDAY, "s1")]


def _theirs() -> list[AnyEvent]:
    return [exposure(user="somebody", at=YESTERDAY, decision_id="d2"), reaction("d2", user="somebody", at=YESTERDAY)]


def _holding_me(home: Path) -> list[str]:
    """Files in which the person's name stands, in whichever form."""
    files = [path for path in home.rglob("*") if path.is_file() and not path.name.startswith("consumer-")]
    assert files
    return [str(path) for path in files if any(form in path.read_bytes() for form in FORMS)]


def _log(home: Path, events: list[AnyEvent]) -> WriteAhead:
    log = WriteAhead(home / "wal")
    log.append([encode(event) for event in events])
    return log


def _store() -> EventStore:
    return open_store(Settings())


def test_nothing_is_left_in_store_streams_files_and_lake(site: Site) -> None:
    site.set_up()
    site.publish([*_mine(), *_theirs()])
    poison = json.dumps({"user": ME, "type": "unheard-of"}).encode()
    site.ask(lambda context: context.publish("feedback.done", poison))
    consumer = site.start()
    site.wait_for(8)

    async def n_dead(context: JetStreamContext) -> int:
        return (await context.stream_info("TIP_DEAD")).state.messages

    wait_until(lambda: site.ask(n_dead) == 1)
    store = _store()
    store.keep([reaction("d2", user=ME, at=YESTERDAY, tip_id="t1")])
    assert store.n_conflicts() == 1
    list(export.export(store, Lake(str(site.home / "lake"))))
    store.close()
    for events in (_mine(), _theirs()):
        _log(site.home, events).close()
    CliRunner().invoke(main, ["streams", "import-wal", str(site.home / "wal")])
    log = _log(site.home, _mine())
    log.append([poison])
    log.close()
    assert len(_holding_me(site.home)) > 7

    done = _tip("delete", ME, "--yes")
    assert done.exit_code == 0, done.output
    assert re.findall(r"^(\S+) +\d+ removed", done.output, re.MULTILINE) == [
        "event-store", "lake-events", "streams", "write-ahead",
    ]  # fmt: skip
    consumer.kill()
    consumer.wait()
    site.broker.stop()
    assert _holding_me(site.home) == []
    store = _store()
    assert sum(store.counts().values()) == 3
    store.close()


def test_what_is_on_its_way_is_refused_when_it_comes_and_a_new_beginning_is_not(home: Path) -> None:
    assert _tip("delete", ME, "--yes").exit_code == 0
    store = _store()
    assert store.keep(_mine()).n_erased == 6
    assert store.keep([reaction("d9", user=ME, at=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))]).n_new == 1
    store.close()


def test_the_lake_stays_clean_when_days_are_exported_again(home: Path) -> None:
    store, lake = _store(), Lake(str(home / "lake"))
    store.keep([*_mine(), *_theirs()])
    list(export.export(store, lake))
    assert _tip("delete", ME, "--yes").exit_code == 0
    assert len(list(export.export(store, lake))) == 4
    store.close()
    assert _holding_me(home) == []
    left = export.read_day(lake, "feedback", YESTERDAY.date())
    assert left["user"].to_list() == ["somebody"]


def test_features_and_training_sets_let_go_of_a_person_even_of_what_was_replaced(home: Path) -> None:
    place = archive(home)
    now = YESTERDAY + dt.timedelta(days=3)
    mine = [decision("mine", YESTERDAY, ME), took("mine", at=YESTERDAY, user=ME), *signals(ME, YESTERDAY, "s1")]
    place.refresh([*mine, decision("theirs", YESTERDAY, "somebody")], now)
    place.refresh(signals(ME, YESTERDAY - dt.timedelta(hours=1), "late"), now)
    day = YESTERDAY.date()
    assert profiles.read_replaced(place.lake, day)["user"].to_list() == [ME]
    folders = ("features/profile", "features/replaced", "features/training", "events/signals")
    assert all(any(folder in path for path in _holding_me(home)) for folder in folders)
    assert _tip("delete", ME, "--yes").exit_code == 0
    assert _holding_me(home) == []
    assert profiles.read_snapshot(place.lake, day)["user"].to_list() == ["somebody"]
    assert training_set.read(place.lake, [day])["decision_id"].to_list() == ["theirs"]
    place.refresh(now=now)
    assert _holding_me(home) == []
    assert profiles.read_snapshot(place.lake, day)["user"].to_list() == ["somebody"]


def test_features_go_with_the_first_event_that_they_rest_on(home: Path) -> None:
    place = archive(home)
    ends = YESTERDAY + dt.timedelta(days=9)
    kept = [decision("kept", YESTERDAY, "somebody"), *signals("somebody", YESTERDAY, "s2")]
    over = AppOpened(event_id="o", at=YESTERDAY, user=ME, session_id="o", retain_until=ends)
    place.refresh([*kept, over, decision("over", YESTERDAY, ME, retain_until=ends)], YESTERDAY + dt.timedelta(days=3))
    assert _holding_me(home)
    assert lake_events(Settings()).expire(ends).n_removed == 0
    assert lake_events(Settings()).expire(ends + dt.timedelta(microseconds=1)).n_removed == 5
    day = YESTERDAY.date()
    assert profiles.read_snapshot(place.lake, day)["user"].to_list() == ["somebody"]
    assert training_set.read(place.lake, [day])["decision_id"].to_list() == ["kept"]


def test_a_file_that_a_server_writes_is_told_and_done_the_next_time(home: Path) -> None:
    log = _log(home, [*_mine(), *_theirs()])
    told = _tip("delete", ME, "--yes")
    assert told.exit_code == 1
    assert "6 left" in told.output
    log.close()
    assert _tip("delete", ME, "--yes").exit_code == 0
    assert _holding_me(home) == []
    (path,) = (home / "wal").glob("*.jsonl")
    assert len(path.read_bytes().splitlines()) == 2


def test_what_a_killed_deletion_left_half_done_does_not_outlive_the_next(home: Path) -> None:
    _log(home, [*_mine(), *_theirs()]).close()
    (written,) = (home / "wal").glob("*.jsonl")
    written.with_suffix(".aside").write_bytes(written.read_bytes())
    assert _tip("delete", ME, "--yes").exit_code == 0
    assert _holding_me(home) == []
    assert [path.suffix for path in (home / "wal").iterdir()] == [".jsonl"]


def test_a_place_that_cannot_be_reached_is_told_and_stops_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _store()
    store.keep(_mine())
    store.close()
    _log(home, _mine()).close()
    monkeypatch.setenv("TIP_NATS_URL", "nats://127.0.0.1:1")
    told = _tip("delete", ME, "--yes")
    assert told.exit_code == 1
    assert re.search(r"streams +\w+Error", told.output)
    assert "Not all could be removed" in told.output
    assert _holding_me(home) == []


def test_deleting_asks_first(home: Path) -> None:
    store = _store()
    store.keep(_mine())
    asked = CliRunner().invoke(main, ["privacy", "delete", ME], input="n\n")
    assert asked.exit_code == 1
    assert sum(store.counts().values()) == 6
    store.close()


def test_what_is_kept_too_long_goes_everywhere_and_the_rest_stays(site: Site) -> None:
    site.set_up()
    over = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    events = [reaction("d1", retain_until=over, at=YESTERDAY, user=ME), *_theirs()]
    site.publish(events)
    store, lake = _store(), Lake(str(site.home / "lake"))
    store.keep(events)
    list(export.export(store, lake))
    store.close()
    _log(site.home, events).close()
    done = _tip("expire")
    assert done.exit_code == 0, done.output
    assert re.findall(r"(\d) removed", done.output) == ["1", "1", "1", "1"]
    site.broker.stop()
    assert _holding_me(site.home) == []
    assert export.read_day(lake, "feedback", START.date()).is_empty()
    assert export.read_day(lake, "feedback", YESTERDAY.date()).height == 1


def test_another_package_adds_a_place_by_declaring_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    class Elsewhere:
        def erase(self, user: str, until: dt.datetime) -> Cleared:
            asked.append(("erase", user))
            assert until.tzinfo is not None
            return Cleared(4)

        def expire(self, now: dt.datetime) -> Cleared:
            raise NotImplementedError

    class Point:
        name = "tracker"

        def load(self) -> object:
            return lambda _: Elsewhere()

    declared = list(places.entry_points(group=places.GROUP))
    monkeypatch.setattr(places, "entry_points", lambda **_: [Point(), *declared])
    done = _tip("delete", ME, "--yes")
    assert "tracker          4 removed" in done.output
    assert done.output.splitlines()[0].startswith("event-store")
    assert asked == [("erase", ME)]


def test_lives_of_many_people_lose_only_the_one(home: Path) -> None:
    events = life(2_000, np.random.default_rng(9))
    store = _store()
    store.keep(events)
    gone = [event for event in events if event.user == "user-7"]
    assert gone
    assert store.erase("user-7", dt.datetime.now(dt.UTC)) == len(gone)
    assert sum(store.counts().values()) == 2_000 - len(gone)
    store.close()
