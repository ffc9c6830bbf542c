"""What people had done before a moment: each term by hand, and nothing from the moment or after it."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.archive import NOON, archive, decision, took
from support.events import life

from tip_serving.events import export
from tip_serving.events.kinds import AnyEvent, Kind
from tip_serving.events.signal import (
    AccountSet,
    AppClosed,
    AppOpened,
    TaskAdded,
    TaskCompleted,
    TaskRemoved,
    TaskRescheduled,
)
from tip_serving.features.activity import Activity, profile_features
from tip_serving.training import history
from tip_serving.training.history import Known

PARIS = dt.timezone(dt.timedelta(hours=1))
HOUR, A_DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Diary:
    """Signals of one person, numbered as they are told."""

    def __init__(self, user: str = "u") -> None:
        self.user = user
        self.events: list[AnyEvent] = []

    def tell(self, kind: Any, ago: dt.timedelta, **fields: Any) -> None:
        at = (NOON - ago).astimezone(PARIS)
        self.events.append(kind(event_id=f"{self.user}-{len(self.events)}", at=at, user=self.user, **fields))


def known(tmp_path: Path, events: list[AnyEvent], moment: dt.datetime = NOON) -> dict[str, Known]:
    """By user, through the real store and lake."""
    place = archive(tmp_path)
    place.store.keep(events)
    list(export.export(place.store, place.lake))
    return {one.user: one for one in history.known(history.read_events(place.lake, moment), moment)}


def activity(tmp_path: Path, events: list[AnyEvent], moment: dt.datetime = NOON) -> Activity:
    return known(tmp_path, events, moment)["u"].activity


def test_settings_are_those_that_were_told_last_and_untold_ones_stay(tmp_path: Path) -> None:
    diary = Diary()
    signed_up = NOON - 100 * A_DAY
    diary.tell(AccountSet, 9 * A_DAY, signed_up_at=signed_up, language="de", time_zone="Europe/Berlin")
    diary.tell(AccountSet, 3 * A_DAY, language="fr", quiet_hours="21-6")
    diary.tell(AccountSet, -HOUR, language="en")
    found = known(tmp_path, diary.events)["u"]
    assert found.activity[-3:] == ("fr", "Europe/Berlin", "21-6")
    assert found.activity.signed_up == signed_up
    assert (found.now, found.now.utcoffset()) == (NOON, HOUR)


@pytest.mark.parametrize(("zone", "hours"), [(None, 1), ("Atlantis/Capital", 1), ("Asia/Tokyo", 9)])
def test_the_moment_is_local_by_time_zone_else_by_the_last_signal(tmp_path: Path, zone: str | None, hours: int) -> None:
    diary = Diary()
    diary.tell(AccountSet, A_DAY, time_zone=zone)
    diary.tell(AppOpened, HOUR, session_id="s")
    assert known(tmp_path, diary.events)["u"].now.utcoffset() == hours * HOUR


def test_done_tasks_are_in_local_time_and_of_the_last_90_days(tmp_path: Path) -> None:
    diary = Diary()
    for ago in (91 * A_DAY, 90 * A_DAY, 5 * HOUR, dt.timedelta(0)):
        diary.tell(TaskCompleted, ago, task_id=f"t{ago}")
    done = activity(tmp_path, diary.events).done
    assert list(done) == [NOON - 90 * A_DAY, NOON - 5 * HOUR]
    assert [moment.hour for moment in done] == [13, 8]


def test_labels_of_done_tasks_come_by_how_often_then_by_name(tmp_path: Path) -> None:
    diary = Diary()
    for place, labels in enumerate([("home", "b"), ("home",), ("a", "home"), ()]):
        diary.tell(TaskCompleted, HOUR, task_id=f"t{place}", labels=labels)
    diary.tell(TaskAdded, HOUR, task_id="t9", labels=("never", "done"))
    diary.tell(TaskCompleted, HOUR, task_id="t10", labels=tuple(f"z{n:03}" for n in range(80)))
    found = activity(tmp_path, diary.events).favourite_labels
    assert list(found[:3]) == ["home", "a", "b"]
    assert len(found) == history.MAX_LABELS


def test_a_due_task_counts_by_how_it_stood_when_it_fell_due(tmp_path: Path) -> None:
    diary, yesterday, soon = Diary(), NOON - A_DAY, NOON + HOUR

    def add(task: str, due: dt.datetime | None, ago: dt.timedelta = 10 * A_DAY) -> None:
        diary.tell(TaskAdded, ago, task_id=task, due_at=due)

    add("missed", yesterday)
    add("done late", yesterday)
    diary.tell(TaskCompleted, HOUR, task_id="done late", due_at=yesterday)
    add("done early", yesterday)
    diary.tell(TaskCompleted, 5 * A_DAY, task_id="done early", due_at=yesterday)
    add("moved in time", yesterday)
    diary.tell(TaskRescheduled, 2 * A_DAY, task_id="moved in time", due_at=soon)
    add("moved too late", yesterday)
    diary.tell(TaskRescheduled, HOUR, task_id="moved too late", due_at=soon)
    add("removed in time", yesterday)
    diary.tell(TaskRemoved, 2 * A_DAY, task_id="removed in time")
    add("no day", None)
    add("not yet", soon)
    add("long ago", NOON - 31 * A_DAY, 40 * A_DAY)
    diary.tell(TaskCompleted, HOUR, task_id="never told of", due_at=yesterday)
    diary.tell(TaskCompleted, HOUR, task_id="done with no day")
    add("its day taken away without a word", yesterday)
    diary.tell(TaskCompleted, HOUR, task_id="its day taken away without a word")
    add("done tomorrow", yesterday)
    diary.tell(TaskCompleted, -A_DAY, task_id="done tomorrow", due_at=yesterday)
    found = activity(tmp_path, diary.events)
    due = {"missed", "done late", "done early", "moved too late", "never told of", "done tomorrow"}
    assert (found.n_due_30d, found.n_done_of_due_30d) == (len(due), 3)
    # Open: missed, moved in time, moved too late, no day, not yet, long ago, done tomorrow. Overdue: 3 of them.
    assert (found.n_open, found.n_overdue) == (7, 3)


def test_a_task_that_comes_back_is_due_each_time(tmp_path: Path) -> None:
    diary = Diary()
    first, second, third = (NOON - n * A_DAY for n in (3, 2, 1))
    diary.tell(TaskAdded, 9 * A_DAY, task_id="t", due_at=first)
    diary.tell(TaskCompleted, 3 * A_DAY, task_id="t", due_at=first)
    diary.tell(TaskRescheduled, 3 * A_DAY - dt.timedelta(seconds=1), task_id="t", due_at=second)
    diary.tell(TaskCompleted, 2 * A_DAY, task_id="t", due_at=second)
    diary.tell(TaskRescheduled, 2 * A_DAY - dt.timedelta(seconds=1), task_id="t", due_at=third)
    found = activity(tmp_path, diary.events)
    assert (found.n_due_30d, found.n_done_of_due_30d, found.n_open, found.n_overdue) == (3, 2, 1, 1)


def test_a_session_counts_when_it_ended_and_one_left_open_does_not(tmp_path: Path) -> None:
    diary = Diary()
    for session, opened, closed in (
        ("usual", 2 * HOUR, HOUR),
        ("over midnight", 40 * HOUR, 35 * HOUR),
        ("left open", 60 * HOUR, HOUR),
        ("closed before it opened", HOUR, 2 * HOUR),
        ("before", 31 * A_DAY, 31 * A_DAY - HOUR),
        ("still on", HOUR, -HOUR),
    ):
        diary.tell(AppOpened, opened, session_id=session)
        diary.tell(AppClosed, closed, session_id=session)
    diary.tell(AppOpened, HOUR, session_id="never closed")
    diary.tell(AppClosed, HOUR, session_id="never opened")
    assert list(activity(tmp_path, diary.events).session_minutes) == [300.0, 60.0]


def test_shown_are_first_tips_and_those_that_got_a_reaction(tmp_path: Path) -> None:
    ago = NOON - A_DAY
    events: list[AnyEvent] = [
        decision("first", ago),
        decision("second taken", ago),
        took("second taken", after=-HOUR, tip="t2"),
        decision("done only", ago),
        took("done only", "done", after=-HOUR),
        decision("waved away", ago),
        took("waved away", "dismissed", after=-HOUR),
        decision("written", ago, kind="generate", n_tips=1),
        decision("written and taken", ago, kind="generate", n_tips=1),
        took("written and taken", after=-HOUR),
        decision("taken later", ago),
        took("taken later", after=HOUR),
        decision("long ago", NOON - 31 * A_DAY),
        took("long ago", after=-HOUR),
        decision("later", NOON),
        took("first", after=-HOUR, user="somebody else"),
    ]
    found = activity(tmp_path, events)
    # first; both tips of `second taken`; done only; waved away; written and taken; taken later.
    assert len(found.tips_shown) == 7
    assert (found.n_tips_accepted_30d, found.n_tips_dismissed_30d) == (3, 1)


def test_a_decision_asked_for_twice_was_shown_once(tmp_path: Path) -> None:
    again = decision("d", NOON - HOUR, event_id="again", first=1)
    found = activity(tmp_path, [decision("d", NOON - 2 * HOUR), again])
    assert list(found.tips_shown) == [NOON - 2 * HOUR]


def test_what_must_soon_be_gone_is_left_out_and_the_first_of_the_rest_says_until_when_it_may_be_kept(
    tmp_path: Path,
) -> None:
    diary = Diary()
    kept = history.VERIFIABLE + dt.timedelta(microseconds=1)
    for task, retained in (("a", 9 * A_DAY), ("b", kept), ("c", history.VERIFIABLE), ("d", None)):
        until = None if retained is None else NOON + retained
        diary.tell(TaskCompleted, HOUR, task_id=task, retain_until=until)
    found = known(tmp_path, diary.events)["u"]
    assert found.retain_until == NOON + kept
    assert len(found.activity.done) == 3


def test_features_are_those_that_a_caller_computes_from_its_own_database(tmp_path: Path) -> None:
    diary = Diary()
    diary.tell(AccountSet, 50 * A_DAY, signed_up_at=NOON - 50 * A_DAY, language="en", time_zone="Europe/Paris")
    for day in range(5):
        diary.tell(TaskAdded, day * A_DAY + 3 * HOUR, task_id=f"t{day}", due_at=NOON - day * A_DAY - HOUR)
    for day in (0, 1, 3):
        due = NOON - day * A_DAY - HOUR
        diary.tell(TaskCompleted, day * A_DAY + 2 * HOUR, task_id=f"t{day}", due_at=due, labels=("deep",))
    diary.events += [decision("d", NOON - HOUR), took("d", after=-dt.timedelta(minutes=9))]
    mine = Activity(
        signed_up=NOON - 50 * A_DAY,
        done=[(NOON - day * A_DAY - 2 * HOUR).astimezone(PARIS) for day in (0, 1, 3)],
        n_due_30d=5, n_done_of_due_30d=3, n_open=2, n_overdue=2, tips_shown=[NOON - HOUR], n_tips_accepted_30d=1,
        favourite_labels=["deep"], language="en", time_zone="Europe/Paris",
    )  # fmt: skip
    found = known(tmp_path, diary.events)["u"]
    features = profile_features(found.activity, found.now)
    assert features == profile_features(mine, NOON.astimezone(PARIS))
    values = {name: feature and feature["value"] for name, feature in features.items()}
    assert values["preferred_hour"] == 11
    assert (values["streak_days"], values["completion_rate"], values["account_age_days"]) == (2, 0.6, 50)


LIFE = life(150, np.random.default_rng(7), n_users=5)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), minutes=st.integers(0, 4 * 24 * 60))
def test_no_order_no_repetition_and_no_future_changes_what_is_known(
    seed: int, minutes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    moment = LIFE[0].at + dt.timedelta(minutes=minutes)
    rng = np.random.default_rng(seed)
    past = [event for event in LIFE if event.at < moment]
    mixed = [LIFE[place] for place in rng.permutation(np.r_[: len(LIFE), rng.integers(len(LIFE), size=80)])]
    whole = known(tmp_path_factory.mktemp("mixed"), mixed, moment)
    assert whole == known(tmp_path_factory.mktemp("past"), past, moment)
    assert set(whole) == {event.user for event in past}


def test_days_that_cannot_matter_are_not_read() -> None:
    day = dt.date(2026, 3, 2)
    end = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    assert [history.needed(Kind.SIGNAL, day + n * A_DAY, end) for n in (-400, 0, 1)] == [True, True, False]
    assert [history.needed(Kind.FEEDBACK, day + n * A_DAY, end) for n in (-32, -31, 0, 1)] == [False, True, True, False]
    assert history.needed(Kind.EXPOSURE, day + A_DAY, end + HOUR)
