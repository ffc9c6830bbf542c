"""The caller against a running server: one tip from what is known of a person to what became of it."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.serving import Serving, serving
from support.terminal import wait_until

from tip_experiments.assignment.rotation import rotated_prompt
from tip_serving.client import Activity, ServerError, TipClient, profile_features
from tip_serving.events import kinds
from tip_serving.events.exposure import Authorship, Exposure
from tip_serving.events.feedback import Feedback
from tip_serving.events.signal import TaskCompleted
from tip_serving.features.profile import resolve
from tip_serving.scenarios.model import Due, Task
from tip_serving.scoring.request import Candidate, FeedbackRequest, ScoreRequest
from tip_serving.scoring.signals import MAX_SIGNALS

NOW = dt.datetime(2026, 3, 2, 12, 15, tzinfo=dt.timezone(dt.timedelta(hours=1)))
TASKS = (
    Task(id="1", content="Call the dentist", due=Due(date=dt.date(2026, 2, 27)), priority=4),
    Task(id="2", content="Write the report", due=Due(date=dt.date(2026, 3, 3))),
)
KNOWN = (Candidate(id="walk", text="Take a walk of ten minutes."), Candidate(text="Drink a glass of water."))


def _hours_ago(*hours: float) -> tuple[dt.datetime, ...]:
    return tuple(NOW - dt.timedelta(hours=ago) for ago in hours)


ACTIVITY = Activity(
    signed_up=NOW - dt.timedelta(days=100, hours=5),
    done=_hours_ago(1, 2, 25, 26, 50, 26 + 24 * 40),
    n_due_30d=8,
    n_done_of_due_30d=5,
    n_open=10,
    n_overdue=3,
    tips_shown=_hours_ago(1, 24 * 6, 24 * 8, 24 * 20),
    n_tips_accepted_30d=1,
    n_tips_dismissed_30d=2,
    session_minutes=(2.0, 9.0, 4.0),
    favourite_labels=("deep",),
    language="en",
    time_zone="Europe/Paris",
    quiet_hours="22-7",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("client"), routes="all") as running:
        yield running


def test_features_follow_from_activity_as_computed_by_hand() -> None:
    found = {name: feature and feature["value"] for name, feature in profile_features(ACTIVITY, NOW).items()}
    assert found == {
        "completion_rate": 5 / 8, "preferred_hour": 10, "tips_7d": 2, "tips_30d": 4, "acceptance_rate": 0.25,
        "dismissal_rate": 0.5, "streak_days": 3, "account_age_days": 100, "session_minutes": 4.0,
        "overdue_share": 0.3, "favourite_labels": ["deep"], "language": "en", "time_zone": "Europe/Paris",
        "quiet_hours": "22-7",
    }  # fmt: skip


def test_computed_features_are_what_the_contract_declares_and_none_falls_back() -> None:
    assert resolve(profile_features(ACTIVITY, NOW), None, NOW).fell_back == {}


def test_of_somebody_new_what_cannot_be_known_falls_back() -> None:
    found = profile_features(Activity(signed_up=NOW), NOW)
    fell_back = resolve(found, None, NOW).fell_back
    assert set(fell_back) == {name for name, feature in found.items() if feature is None}
    assert fell_back["completion_rate"] == "null"
    assert found["tips_7d"] == {"value": 0, "computed_at": NOW.isoformat()}


def test_a_day_without_a_task_done_ends_a_streak_unless_it_is_today() -> None:
    yesterday = Activity(signed_up=NOW, done=_hours_ago(24, 48))
    assert profile_features(yesterday, NOW)["streak_days"]["value"] == 2
    gap = Activity(signed_up=NOW, done=_hours_ago(48, 72))
    assert profile_features(gap, NOW)["streak_days"]["value"] == 0


def test_one_tip_goes_from_a_persons_tasks_to_their_feedback(tmp_path: Path) -> None:
    with serving(tmp_path, routes="all") as running:
        with TipClient(running.url, prompts="v1,v2,v3") as client:
            shown = client.recommend("user-7", NOW, TASKS, profile_features(ACTIVITY, NOW), KNOWN)
            reported = client.react(shown, "rated", 0.75)
        assert running.end() == 0
        written = shown.written
        assert written is not None
        assert written.prompt_version == rotated_prompt("v1,v2,v3", "user-7")
        texts = {written.tip_id: written.tip, "walk": KNOWN[0].text, shown.scored.order[-1]: KNOWN[1].text}
        assert shown.tip_id == shown.scored.order[0]
        assert shown.text in {written.tip, KNOWN[0].text, KNOWN[1].text}
        assert texts.get(shown.tip_id, shown.text) == shown.text
        assert shown.is_new == (shown.text == written.tip)
        by_kind = {type(event): event for event in running.events if event.event_id == reported.event_id}
        feedback = by_kind[Feedback]
        assert isinstance(feedback, Feedback)
        assert (feedback.decision_id, feedback.tip_id, feedback.rating) == (shown.decision_id, shown.tip_id, 0.75)
        exposures = {event.decision_id: event for event in running.events if isinstance(event, Exposure)}
        assert exposures[shown.decision_id].tip_ids == tuple(found.id for found in shown.scored.candidates)
        assert exposures[written.decision_id].prompt_version == written.prompt_version
        author = Authorship(
            decision_id=written.decision_id, prompt_version=written.prompt_version, model=written.model
        )  # fmt: skip
        assert exposures[shown.decision_id].written == (None, None, author)


def test_a_known_tip_that_is_written_once_more_stands_there_once_and_is_credited_anew(server: Serving) -> None:
    with TipClient(server.url) as client:
        first = client.recommend("user-9", NOW, TASKS, None)
        assert first.written is not None
        again = client.recommend("user-9", NOW, TASKS, None, (Candidate(text=first.written.tip), *KNOWN))
    assert again.written is not None
    assert again.written.tip_id == first.written.tip_id
    assert [found.id for found in again.scored.candidates].count(first.written.tip_id) == 1
    assert len(again.scored.candidates) == 3


def test_signals_are_logged_each_once_by_its_id_and_more_than_a_body_holds_go_in_several(tmp_path: Path) -> None:
    sent = [
        TaskCompleted(event_id=f"s-{number}", at=NOW, user="u", task_id=str(number))
        for number in range(MAX_SIGNALS + 1)
    ]
    with serving(tmp_path) as running:
        with TipClient(running.url) as client:
            assert client.signals(sent) == MAX_SIGNALS + 1
            assert client.signals([]) == 0
            with pytest.raises(ServerError) as refused:
                client.signals([sent[0], sent[0]])
        assert running.end() == 0
        logged = [event for event in running.events if isinstance(event, TaskCompleted)]
    assert [event.event_id for event in logged] == [signal.event_id for signal in sent]
    assert logged[0].at.isoformat() == NOW.isoformat()
    assert "more than once" in refused.value.faults[0]


def test_a_replay_on_the_requests_clock_logs_the_same_bytes_again(tmp_path: Path) -> None:
    def replay(home: Path) -> list[bytes]:
        numbers = iter(range(100))
        with serving(home, routes="all", TIP_EVENT_CLOCK="request") as running:
            with TipClient(running.url, ids=lambda: f"id-{next(numbers)}") as client:
                for day in range(3):
                    at = NOW + dt.timedelta(days=day)
                    shown = client.recommend("user-7", at, TASKS, profile_features(ACTIVITY, at), KNOWN)
                    client.react(shown, "accepted", at=at + dt.timedelta(minutes=4))
                with pytest.raises(ServerError, match="TIP_EVENT_CLOCK"):
                    client.react(shown, "done")
            assert running.end() == 0
            return [kinds.encode(event) for event in running.events]

    first, second = replay(tmp_path / "one"), replay(tmp_path / "two")
    assert len(first) == 9
    assert first == second


def test_a_caller_may_rank_known_tips_alone(server: Serving) -> None:
    with TipClient(server.url) as client:
        shown = client.recommend("user-8", NOW, TASKS, None, KNOWN, write=False)
    assert shown.written is None
    assert not shown.is_new
    assert shown.text in {KNOWN[0].text, KNOWN[1].text}


def test_a_refusal_names_every_fault(server: Serving) -> None:
    with TipClient(server.url) as client, pytest.raises(ServerError) as refused:
        client.score(ScoreRequest(user="u", candidates=("a",), profile_features={"tips_7d": "many", "shoe_size": 43}))
    assert refused.value.status == 422
    assert len(refused.value.faults) == 2
    assert "shoe_size" in str(refused.value)


def test_another_contract_is_a_conflict(server: Serving) -> None:
    with TipClient(server.url) as client, pytest.raises(ServerError) as refused:
        client.score(ScoreRequest(user="u", candidates=("a",), contract_hash="0" * 16))
    assert refused.value.status == 409


def test_a_server_that_is_not_there_is_told_after_the_last_attempt() -> None:
    waits: list[float] = []
    with TipClient("http://127.0.0.1:9", sleep=waits.append) as client, pytest.raises(ServerError) as failed:
        client.score(ScoreRequest(user="u", candidates=("a",)))
    assert failed.value.status is None
    assert len(waits) == 2


class _Busy(BaseHTTPRequestHandler):
    """Says twice that it is busy, then takes the report; keeps the bodies."""

    bodies: list[dict[str, Any]] = []  # noqa: RUF012  one server, one list

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.bodies.append(body)
        is_busy = len(self.bodies) < 3
        self.send_response(503 if is_busy else 200)
        if is_busy:
            self.send_header("Retry-After", "2")
        self.end_headers()
        self.wfile.write(json.dumps({"event_id": body["event_id"]}).encode())

    def log_message(self, *_: object) -> None: ...


class _Stranger(BaseHTTPRequestHandler):
    """Answers everything with a page, as a proxy in between does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Sign in first</html>")

    def log_message(self, *_: object) -> None: ...


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL of a server that answers so."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_busy_server_is_asked_again_when_it_says_so_under_the_same_id() -> None:
    waits: list[float] = []
    with _running(_Busy) as url, TipClient(url, sleep=waits.append) as client:
        told = client.feedback(FeedbackRequest(user="u", decision_id="d", tip_id="t", reaction="done"))
    assert waits == [2.0, 2.0]
    assert {body["event_id"] for body in _Busy.bodies} == {told.event_id}


def test_an_answer_that_is_none_of_the_servers_is_an_error_like_any_other() -> None:
    with (
        _running(_Stranger) as url,
        TipClient(url) as client,
        pytest.raises(ServerError, match="cannot be read") as met,
    ):
        client.score(ScoreRequest(user="u", candidates=("a",)))
    assert met.value.status == 200


def test_prompts_that_cannot_be_rotated_are_refused_before_anything_is_called() -> None:
    with pytest.raises(ValueError, match="entry 2 is empty"):
        TipClient("http://127.0.0.1:9", prompts="v1,,v2")


def test_a_token_opens_the_server(tmp_path: Path) -> None:
    from tip_serving.api.auth import new_token

    made = new_token("recommender")
    with serving(tmp_path, TIP_SERVICE_TOKENS=made.entry) as running:
        with TipClient(running.url) as client, pytest.raises(ServerError, match="service token"):
            client.score(ScoreRequest(user="u", candidates=("a",)))
        with TipClient(running.url, made.token) as client:
            client.score(ScoreRequest(user="u", candidates=("a",)))
        wait_until(lambda: any(line.get("caller") == "recommender" for line in running.log), timeout=5)
