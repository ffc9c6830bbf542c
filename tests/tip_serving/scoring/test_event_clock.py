"""When events happened: by the server's clock, or by that of the requests, and what they are called then."""

import datetime as dt

import pytest
from support.released import NOON

from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.event_clock import EventClock
from tip_serving.scoring.request import FeedbackRequest, ScoreRequest

LATER = NOON + dt.timedelta(hours=1)
SERVERS = EventClock(now=lambda: LATER)
REQUESTS = EventClock(is_of_requests=True, now=lambda: LATER)
ASKED = ScoreRequest(user="u", candidates=("Rest.",), now=NOON, decision_id="d")
TOLD = FeedbackRequest(user="u", decision_id="d", tip_id="t", reaction="done")


def test_a_decision_is_made_when_the_server_makes_it_whatever_moment_it_is_for() -> None:
    assert SERVERS.of_decision(ASKED) == LATER


def test_on_the_requests_clock_a_decision_is_made_when_the_request_says() -> None:
    assert REQUESTS.of_decision(ASKED) == NOON


def test_a_reaction_happens_when_it_is_told_to_have() -> None:
    at = TOLD.model_copy(update={"at": NOON})
    assert SERVERS.of_report(at) == REQUESTS.of_report(at) == NOON
    assert SERVERS.of_report(TOLD) == LATER


def test_on_the_requests_clock_a_reaction_without_a_moment_is_refused() -> None:
    with pytest.raises(RequestError) as refused:
        REQUESTS.of_report(TOLD)
    assert refused.value.faults[0].startswith("at: ")


def test_ids_are_new_each_time_and_on_the_requests_clock_follow_from_what_they_are_about() -> None:
    assert SERVERS.event_id("d", "t") != SERVERS.event_id("d", "t")
    assert REQUESTS.event_id("d", "t") == REQUESTS.event_id("d", "t")
    assert len({REQUESTS.event_id(*about) for about in [("d", "t"), ("d", "u"), ("dt",), ("d", "t", "")]}) == 4


def test_time_passes_on_the_servers_clock_alone() -> None:
    assert REQUESTS.latency_ms(0.0) is None
    assert (SERVERS.latency_ms(0.0) or 0) > 0


@pytest.mark.parametrize("clock", [SERVERS, REQUESTS])
def test_a_reaction_at_the_end_of_time_is_refused(clock: EventClock) -> None:
    with pytest.raises(RequestError, match="1 fault"):
        clock.of_report(TOLD.model_copy(update={"at": dt.datetime.max.replace(tzinfo=dt.UTC)}))


def test_on_the_requests_clock_a_decision_at_the_beginning_of_time_is_refused() -> None:
    with pytest.raises(RequestError) as refused:
        REQUESTS.of_decision(ASKED.model_copy(update={"now": dt.datetime.min.replace(tzinfo=dt.UTC)}))
    assert refused.value.faults == ("now: lies in the year 1; expected 2000 to 2100",)
