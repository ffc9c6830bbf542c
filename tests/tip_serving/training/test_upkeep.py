"""Exactly the days whose sources changed are made again: late feedback opens one, and nothing is forgotten."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from support.archive import DAY, LATER, NOON, Archive, archive, decision, took
from support.events import life

from tip_serving.events.kinds import Kind
from tip_serving.events.signal import AccountSet, AppOpened
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.training import profiles, training_set, upkeep
from tip_serving.training.upkeep import Table, lacking

A_DAY = dt.timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path) -> Archive:
    return archive(tmp_path)


def made(place: Archive, now: dt.datetime = LATER) -> set[tuple[str, dt.date]]:
    return {(one.table, one.day) for one in place.refresh(now=now)}


def wanted(place: Archive, now: dt.datetime = LATER) -> set[tuple[str, dt.date]]:
    return {(one, lack.day) for lack in lacking(place.store, place.lake, now) for one in (*lack.kinds, *lack.tables)}


def fill(place: Archive, n_days: int = 6) -> None:
    place.refresh([
        event
        for n in range(n_days)
        for event in (
            decision(f"d{n}", NOON + n * A_DAY),
            AppOpened(event_id=f"s{n}", at=NOON + n * A_DAY, user="u", session_id=f"s{n}"),
        )
    ])  # fmt: skip


def test_everything_is_made_once_and_then_nothing_lacks(place: Archive) -> None:
    place.store.keep([decision("d"), AppOpened(event_id="s", at=NOON + A_DAY, user="u", session_id="s")])
    expected = {
        (Kind.EXPOSURE, DAY), (TIP_SCORES, DAY), (Kind.SIGNAL, DAY + A_DAY), (Table.PROFILE, DAY),
        (Table.PROFILE, DAY + A_DAY), (Table.TRAINING, DAY),
    }  # fmt: skip
    assert wanted(place) == expected
    assert made(place) == expected
    assert wanted(place) == set()
    assert profiles.read_snapshot(place.lake, DAY)["tips_30d"].to_list() == [1]


def test_late_feedback_opens_exactly_the_day_of_its_decision_and_the_profiles_that_saw_it(place: Archive) -> None:
    fill(place)
    before = training_set.read(place.lake, [DAY + A_DAY])
    assert before["reward"].to_list() == [0]
    place.store.keep([took("d1", after=A_DAY + dt.timedelta(hours=3))])
    told = DAY + A_DAY
    assert {(table, day) for table, day in wanted(place) if table == Table.TRAINING} == {(Table.TRAINING, told)}
    assert {day for table, day in wanted(place) if table == Table.PROFILE} == {DAY + n * A_DAY for n in range(1, 6)}
    made(place)
    assert wanted(place) == set()
    assert training_set.read(place.lake, [told])["reward"].to_list() == [1]
    assert profiles.read_snapshot(place.lake, told)["acceptance_rate"].to_list() == [0.5]
    assert profiles.read_snapshot(place.lake, DAY)["acceptance_rate"].to_list() == [0]


def test_a_late_signal_opens_the_profiles_from_its_day_on_and_no_training_set(place: Archive) -> None:
    fill(place)
    place.store.keep([AccountSet(event_id="late", at=NOON + 3 * A_DAY, user="u", language="de")])
    days = {DAY + n * A_DAY for n in range(3, 6)}
    assert wanted(place) == {(Kind.SIGNAL, DAY + 3 * A_DAY)} | {(Table.PROFILE, day) for day in days}


def test_what_is_written_again_as_it_was_opens_nothing(place: Archive) -> None:
    fill(place)
    place.store._database.change("UPDATE days SET exported_version = 0")
    kinds = {kind for kind, _ in made(place)}
    assert kinds >= {Kind.EXPOSURE, Kind.SIGNAL}
    assert wanted(place) == set()


def test_a_profile_is_made_once_its_day_is_over_and_a_training_set_anew_once_all_is_settled(place: Archive) -> None:
    place.store.keep([decision("d")])
    end = profiles.end_of(DAY)
    assert made(place, end - dt.timedelta(seconds=1)) == {
        (Kind.EXPOSURE, DAY),
        (TIP_SCORES, DAY),
        (Table.TRAINING, DAY),
    }
    assert made(place, end) == {(Table.PROFILE, DAY)}
    assert made(place, end + A_DAY) == set()
    assert made(place, end + A_DAY + dt.timedelta(seconds=1)) == {(Table.TRAINING, DAY)}
    assert made(place, end + 2 * A_DAY) == set()


def test_profiles_of_a_day_that_is_not_over_are_refused(place: Archive) -> None:
    fill(place, 1)
    with pytest.raises(upkeep.TooEarlyError, match=r"2026-03-02 cannot be made at 2026-03-02 23:59 UTC"):
        upkeep.make(place.lake, Table.PROFILE, DAY, profiles.end_of(DAY) - dt.timedelta(seconds=1))


def test_an_old_profile_is_not_opened_again_and_one_that_was_never_made_is_made(place: Archive) -> None:
    fill(place)
    much_later = profiles.end_of(DAY + A_DAY) + upkeep.REOPENED_FOR
    place.store.keep([AccountSet(event_id="late", at=NOON, user="u", language="de")])
    days = {day for table, day in wanted(place, much_later) if table == Table.PROFILE}
    assert days == {DAY + n * A_DAY for n in range(1, 6)}
    place.lake.delete(layout.feature_mark(Table.PROFILE, DAY.isoformat()))
    assert (Table.PROFILE, DAY) in wanted(place, much_later)


@pytest.mark.parametrize("at", ["before", "while"])
def test_whoever_dies_while_a_day_is_made_leaves_it_lacking(
    place: Archive, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    fill(place, 1)
    place.store.keep([took("d0")])

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    target = (training_set, "write") if at == "before" else (type(place.lake), "write")
    with monkeypatch.context() as patched:
        patched.setattr(*target, dies)
        with pytest.raises(KeyboardInterrupt):
            upkeep.make(place.lake, Table.TRAINING, DAY, LATER)
    assert (Table.TRAINING, DAY) in wanted(place)


def test_events_that_arrive_while_a_day_is_made_leave_it_lacking(
    place: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place, 1)
    place.store.keep([took("d0")])
    write = training_set.write

    def slowly(*arguments: object) -> object:
        built = write(*arguments)  # type: ignore[arg-type]
        place.store.keep([took("d0", "done")])
        return built

    monkeypatch.setattr(training_set, "write", slowly)
    list(upkeep.bring_up_to_date(place.store, place.lake, LATER))
    monkeypatch.undo()
    assert (Table.TRAINING, DAY) in wanted(place)
    assert (Table.TRAINING, DAY) in made(place)
    assert wanted(place) == set()


def test_a_day_whose_events_are_gone_goes_too(place: Archive) -> None:
    fill(place, 1)
    place.store.erase("u", LATER)
    made(place)
    assert wanted(place) == set()
    assert not place.lake.find(layout.TRAINING)
    assert not place.lake.find(layout.PROFILES)


def test_days_made_piece_by_piece_are_those_made_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    events = [
        *life(120, rng, n_users=9),
        *(decision(f"d{n}", NOON + n * A_DAY / 9, f"user-{n % 9}") for n in range(20)),
    ]
    events += [took(f"d{n}", after=n * A_DAY / 5, user=f"user-{n % 9}") for n in range(20)]
    once, often = archive(tmp_path / "once"), archive(tmp_path / "often")
    once.refresh(events)
    shuffled = [events[at] for at in rng.permutation(len(events))]
    for start in range(0, len(shuffled), 60):
        often.refresh(shuffled[start : start + 60])
    for folder in (layout.PROFILES, layout.TRAINING):
        found = [
            {entry.path: place.lake.read(entry.path) for entry in place.lake.find(folder)} for place in (once, often)
        ]
        assert found[0] == found[1]
        assert len(found[0]) > 2
