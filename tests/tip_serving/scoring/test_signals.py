"""Signals are read as the events that they are, strictly, and every fault of a body is told at once."""

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from tip_serving.events.signal import AccountSet, AppOpened, TaskAdded, TaskCompleted
from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.signals import MAX_SIGNALS, read_signals

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
WEEK = dt.timedelta(days=7)
TYPES = "task_added, task_completed, task_rescheduled, task_removed, app_opened, app_closed, account_set"


def told(number: int = 0, **fields: Any) -> dict[str, Any]:
    opened = {"type": "app_opened", "event_id": f"s-{number}", "at": AT.isoformat(), "user": "u", "session_id": "x"}
    return {name: value for name, value in {**opened, **fields}.items() if value is not ...}


def faults(*signals: Any) -> tuple[str, ...]:
    with pytest.raises(RequestError) as refused:
        read_signals(json.dumps(signals).encode(), WEEK)
    return refused.value.faults


def test_what_a_caller_sends_is_what_is_logged_and_keeps_the_persons_own_hour() -> None:
    sent = [
        TaskAdded(event_id="a", at=AT, user="u", task_id="1", due_at=AT + WEEK, priority=4, labels=("home",)),
        TaskCompleted(event_id="b", at=AT, user="u", task_id="1"),
        AppOpened(event_id="c", at=AT, user="u", session_id="x"),
        AccountSet(event_id="d", at=AT, user="u", time_zone="Europe/Paris"),
    ]
    found = read_signals(msgspec.json.encode(sent), WEEK)
    assert found == [msgspec.structs.replace(signal, retain_until=AT + WEEK) for signal in sent]
    assert found[0].at.hour == 9


def test_a_signal_may_be_kept_for_less_than_the_server_keeps_things_and_never_for_longer() -> None:
    day = dt.timedelta(days=1)
    sent = [told(1, retain_until=(AT + day).isoformat()), told(2, retain_until=(AT + 9 * day).isoformat())]
    first, second = read_signals(json.dumps(sent).encode(), WEEK)
    assert (first.retain_until, second.retain_until) == (AT + day, AT + WEEK)


def test_all_faults_of_all_signals_are_told_at_once() -> None:
    assert faults(
        told(0, at="2026-03-02T09:00:00", user="", shoe_size=43),
        told(1),
        told(2, type="app_hugged"),
        told(3, session_id=...),
        7,
        told(1),
    ) == (
        "signal 0.'shoe_size': is no field of app_opened",
        "signal 0.at: Expected `datetime` with a timezone component",
        "signal 0.user: Expected `str` of length >= 1",
        f"signal 2.type: 'app_hugged' is none; expected one of {TYPES}",
        "signal 3.session_id: is missing",
        "signal 4 is int; expected a signal",
        "event_id 's-1' stands there more than once",
    )


@pytest.mark.parametrize("event_id", ["a\r\nNats-Expected-Stream: x", "a\n", "", " a", "é", "a" * 201])
def test_an_id_that_could_not_travel_in_a_head_is_refused(event_id: str) -> None:
    assert faults(told(event_id=event_id))[0].startswith("signal 0.event_id: ")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "no JSON"),
        (b"[1", "no JSON"),
        (b'["\xff"]', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"{}", "found dict"),
        (b"[]", "found 0 of them"),
        (json.dumps([told(n) for n in range(MAX_SIGNALS + 1)]).encode(), "found 1001 of them"),
    ],
)
def test_a_body_that_is_no_list_of_signals_is_refused(body: bytes, fault: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_signals(body, WEEK)
    assert fault in refused.value.faults[0]


def test_no_more_than_a_hundred_faults_are_listed() -> None:
    assert len(faults(*(told(n, user="") for n in range(500)))) == 100


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
def test_a_moment_at_which_nothing_can_have_happened_is_refused(at: str) -> None:
    assert faults(told(at=at))[0].startswith("signal 0.at: lies in the year")
