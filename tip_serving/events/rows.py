"""An event as a row of the event store, and what no store can hold.

What is refused here would break a view or an export for all events that came right, and does so for ever.
"""

import datetime as dt
import hashlib
from typing import NamedTuple

import msgspec

from tip_serving.events.database import RefusedError
from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback
from tip_serving.events.kinds import AnyEvent, Kind, encode, kind_of

COLUMNS = 'event_id, kind, at_us, "user", decision_id, tip_id, reaction, rating, retain_until_us, body'

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US = dt.timedelta(microseconds=1)
_LAST_US = (dt.datetime(9999, 12, 31, tzinfo=dt.UTC) - _EPOCH) // _US
_LAST_INDEX = 2**31  # of a row or column of features


class Row(NamedTuple):
    """The columns of `events`; for an exposure `tip_id` is the tip that came first."""

    event_id: str
    kind: Kind
    at_us: int
    user: str
    decision_id: str | None
    tip_id: str | None
    reaction: str | None
    rating: float | None
    retain_until_us: int | None
    body: str


def row_of(event: AnyEvent) -> Row:
    """The row of an event.

    Raises:
        RefusedError: no store can hold it; says why.
    """
    body = encode(event).decode()
    if "\\u0000" in body and _holds_nul(msgspec.to_builtins(event)):
        raise RefusedError("It holds a NUL character, which PostgreSQL cannot keep in text.")
    decision_id = tip_id = reaction = rating = None
    if isinstance(event, Exposure):
        decision_id, tip_id = event.decision_id, _first_tip(event)
    elif isinstance(event, Feedback):
        decision_id, tip_id, reaction, rating = event.decision_id, event.tip_id, event.reaction, event.rating
    kind, at_us = kind_of(event), microseconds(event.at)
    retain_until_us = None if event.retain_until is None else microseconds(event.retain_until)
    if not 0 <= at_us <= _LAST_US or not 0 <= (retain_until_us or 0) <= _LAST_US:
        raise RefusedError(f"It happened or ends in a year beyond all calendars: {event.at:%Y}.")
    return Row(event.event_id, kind, at_us, event.user, decision_id, tip_id, reaction, rating, retain_until_us, body)


def _first_tip(event: Exposure) -> str | None:
    """The tip that came first, None where there were none."""
    n_tips = len(event.tip_ids)
    if len(set(event.tip_ids)) != n_tips or sorted(event.order) != list(range(n_tips)):
        raise RefusedError(f"Its order is not one of its {n_tips} tips.")
    if len(event.propensities) != n_tips or len(event.scores) not in {0, n_tips}:
        raise RefusedError(
            f"It has {n_tips} tips, {len(event.propensities)} propensities and {len(event.scores)} scores."
        )
    if event.vectors is not None and max(event.vectors.n_rows, *event.vectors.varying, 0) > _LAST_INDEX:
        raise RefusedError("Its feature vectors are larger than any table.")
    return event.tip_ids[event.order[0]] if n_tips else None


def _holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_nul, [*value, *value.values()]))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\0" in value


def microseconds(moment: dt.datetime) -> int:
    """Since 1970 UTC."""
    return (moment - _EPOCH) // _US


def moment(at_us: int) -> dt.datetime:
    """The moment so many microseconds after 1970 UTC."""
    return _EPOCH + at_us * _US


def day_of(at_us: int) -> str:
    """The UTC day of a moment, as ISO 8601."""
    return moment(at_us).date().isoformat()


def hash_of(text: str) -> str:
    """64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
