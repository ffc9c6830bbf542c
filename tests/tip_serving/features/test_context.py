"""Context features: counted by hand at the edges of hours, days and lists."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.situations import MONDAY_NOON, situation, task

from tip_serving.features.context import (
    CONTEXT_FEATURES,
    MAX_DAYS,
    ContextError,
    Source,
    context_features,
    part_of_day,
    resolve_context,
)
from tip_serving.features.profile import FellBack
from tip_serving.scenarios.model import Due


@pytest.mark.parametrize(
    ("clock", "part"),
    [
        ("00:00", "late night"),
        ("04:59", "late night"),
        ("05:00", "early morning"),
        ("07:59", "early morning"),
        ("08:00", "morning"),
        ("12:00", "midday"),
        ("14:00", "afternoon"),
        ("18:00", "evening"),
        ("22:00", "late night"),
        ("23:59", "late night"),
    ],
)
def test_each_hour_belongs_to_one_part_of_the_day(clock: str, part: str) -> None:
    assert part_of_day(dt.time.fromisoformat(clock)) == part


def test_an_empty_list_falls_back_as_declared() -> None:
    found = context_features(situation())
    for feature in CONTEXT_FEATURES:
        if feature.source is Source.TASKS:
            assert found[feature.name] == feature.fallback


def test_the_task_list_is_counted_by_hand() -> None:
    found = context_features(
        situation(
            task("a", due_in_days=-3, added_at=MONDAY_NOON - dt.timedelta(days=40)),
            task("b", due=Due(date=MONDAY_NOON.date(), time=dt.time(11, 59))),
            task("c", due=Due(date=MONDAY_NOON.date(), time=dt.time(12, 1)), priority=4),
            task("d", due_in_days=6),
            task("e", due_in_days=7),
            task("f"),
            task("g", due=Due(string="every day", is_recurring=True)),
        )
    )
    assert found["n_tasks"] == 7
    assert found["n_overdue"] == 2
    assert found["n_due_today"] == 1
    assert found["n_due_this_week"] == 3
    assert found["n_urgent"] == 1
    assert found["n_without_due"] == 2
    assert found["n_due_later"] == 1
    assert found["n_recurring"] == 1
    assert found["n_added_this_week"] == 0
    assert found["longest_open_task"] == "a"
    assert found["next_deadline_hours"] == pytest.approx(1 / 60)
    assert found["next_deadline_days"] == 0
    assert found["oldest_overdue_days"] == 3
    assert found["oldest_open_days"] == 40


def test_hour_and_weekday_are_those_of_the_person_not_of_the_server() -> None:
    tokyo = dt.datetime(2026, 3, 2, 0, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    same_instant = tokyo.astimezone(dt.UTC)
    there, here = (context_features(situation(now=now)) for now in (tokyo, same_instant))
    assert (there["hour"], there["weekday"], there["part_of_day"]) == (0, 1, "late night")
    assert (here["hour"], here["weekday"], here["is_weekend"]) == (15, 7, True)


@given(st.lists(st.integers(-60, 60), max_size=60), st.integers(0, 23))
def test_counts_never_exceed_the_list_and_overdue_excludes_due_today(days: list[int], hour: int) -> None:
    now = MONDAY_NOON.replace(hour=hour)
    found = context_features(situation(*(task(str(i), due_in_days=day) for i, day in enumerate(days)), now=now))
    assert found["n_overdue"] == sum(day < 0 for day in days)
    assert found["n_due_today"] == days.count(0)
    assert found["n_overdue"] + found["n_due_this_week"] <= found["n_tasks"] == len(days)


@given(st.lists(st.integers(-60, 60) | st.none(), max_size=40), st.integers(0, 23))
def test_every_task_is_in_just_one_state(days: list[int | None], hour: int) -> None:
    now = MONDAY_NOON.replace(hour=hour)
    found = context_features(situation(*(task(str(i), due_in_days=day) for i, day in enumerate(days)), now=now))
    n_soon = found["n_due_this_week"]  # whole days are never overdue on their day
    assert found["n_overdue"] + n_soon + found["n_due_later"] + found["n_without_due"] == found["n_tasks"]


def test_values_come_in_the_declared_order_with_and_without_tasks() -> None:
    for about in (situation(), situation(task(due_in_days=1))):
        assert list(context_features(about)) == [feature.name for feature in CONTEXT_FEATURES]


def test_tasks_that_are_all_ahead_are_overdue_by_no_day() -> None:
    assert context_features(situation(task(due_in_days=5)))["oldest_overdue_days"] == 0


@pytest.mark.parametrize(
    ("due", "hours"),
    [
        (Due(date=MONDAY_NOON.date()), 12),
        (Due(date=MONDAY_NOON.date(), time=dt.time(18, 30)), 6.5),
        (Due(date=MONDAY_NOON.date() + dt.timedelta(days=1), time=dt.time(1)), 13),
        (Due(date=MONDAY_NOON.date(), time=dt.time(11)), None),
        (Due(date=MONDAY_NOON.date() - dt.timedelta(days=1)), None),
        (Due(string="every day"), None),
    ],
)
def test_a_whole_day_is_due_when_it_ends_and_what_has_passed_is_no_deadline(due: Due, hours: float | None) -> None:
    assert context_features(situation(task(due=due)))["next_deadline_hours"] == hours


def test_a_due_time_that_names_an_offset_counts_as_local() -> None:
    due = Due(date=MONDAY_NOON.date(), time=dt.time(13, tzinfo=dt.UTC))
    assert context_features(situation(task(due=due)))["next_deadline_hours"] == 1


def test_the_longest_open_task_is_the_first_of_those_added_first() -> None:
    old = MONDAY_NOON - dt.timedelta(days=9)
    listed = (task("new", added_at=MONDAY_NOON), task("old", added_at=old), task("as old", added_at=old), task("?"))
    found = context_features(situation(*listed))
    assert (found["longest_open_task"], found["oldest_open_days"]) == ("old", 9)
    assert found["n_added_this_week"] == 1


def test_what_lies_centuries_away_counts_as_one() -> None:
    due = Due(date=dt.date(9999, 1, 1))
    ancient = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
    found = context_features(situation(task(due=due, added_at=ancient), task("b", due=Due(date=dt.date(1, 1, 1)))))
    assert (found["next_deadline_days"], found["oldest_open_days"], found["oldest_overdue_days"]) == (MAX_DAYS,) * 3


def test_what_a_caller_ships_goes_before_what_is_derived() -> None:
    about = situation(task(due_in_days=1))
    found = resolve_context({"n_tasks": 40.0, "hour": None, "is_weekend": True}, about)
    assert found.values == context_features(about) | {"n_tasks": 40, "is_weekend": True}
    assert type(found.values["n_tasks"]) is int
    assert found.fell_back == {}


def test_shipped_features_without_a_task_list_leave_the_others_to_their_fallbacks() -> None:
    found = resolve_context({"n_tasks": 40, "n_overdue": None}, situation())
    assert found.values == context_features(situation()) | {"n_tasks": 40}
    of_tasks = {feature.name for feature in CONTEXT_FEATURES if feature.source is Source.TASKS}
    assert set(found.fell_back) == of_tasks - {"n_tasks"}
    assert found.fell_back["n_overdue"] is FellBack.NULL
    assert found.fell_back["n_due_today"] is FellBack.MISSING


def test_all_faults_of_a_shipped_context_are_named_at_once() -> None:
    shipped = {"mood": 1, "hour": 24, "is_weekend": 1, "part_of_day": "brunch", "n_tasks": -1, "n_urgent": 2}
    with pytest.raises(ContextError) as caught:
        resolve_context(shipped, situation())
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "'mood'", "hour", "part_of_day", "is_weekend", "n_tasks",
    ]  # fmt: skip
