"""Feedback says something clear, or is refused."""

from datetime import UTC, datetime

import msgspec
import pytest

from tip_serving.events.feedback import Feedback

_WHEN = datetime(2026, 3, 1, 9, tzinfo=UTC)


def _given(**fields: object) -> bytes:
    whole = {"type": "feedback", "event_id": "e", "at": _WHEN.isoformat(), "user": "u", "decision_id": "d",
             "tip_id": "t", "reaction": "accepted", **fields}  # fmt: skip
    return msgspec.json.encode(whole)


def test_a_reaction_travels_under_its_own_subject() -> None:
    assert msgspec.json.decode(_given(), type=Feedback).subject == "feedback.accepted"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"reaction": "rated"}, "needs a rating"),
        ({"reaction": "done", "rating": 0.5}, "no other reaction has one"),
        ({"reaction": "rated", "rating": 1.5}, "<= 1"),
        ({"reaction": "liked"}, "Invalid enum value"),
        ({"at": "2026-03-01T09:00:00"}, "timezone"),
        ({"user": ""}, "length >= 1"),
    ],
)
def test_what_is_unclear_is_refused(fields: dict[str, object], fault: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=fault):
        msgspec.json.decode(_given(**fields), type=Feedback)
