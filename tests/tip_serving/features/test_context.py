"""Context features: counted by hand at the edges of hours, days and lists."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.situations import MONDAY_NOON, situation, task

from tip_serving.features.context import CONTEXT_FEATURES, Source, context_features, part_of_day
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
