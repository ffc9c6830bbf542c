"""Whose an event is, and whether its time is over, read off its bytes: of what is no event that is known here too."""

import datetime as dt
import json
from collections.abc import Callable

from tip_serving.events.kinds import PoisonError, decode

Gone = Callable[[bytes], bool]


def belongs_to(user: str) -> Gone:
    """Tells of a body whether it is of this person; one that cannot be read is where it names the person anywhere."""
    written = user.encode(), json.dumps(user)[1:-1].encode()

    def is_theirs(body: bytes) -> bool:
        try:
            return decode(body).user == user
        except PoisonError:
            return any(form in body for form in written)

    return is_theirs


def over_at(now: dt.datetime) -> Gone:
    """Tells of a body whether it must be gone by `now`; one that cannot be read says nothing of that and stays."""

    def is_over(body: bytes) -> bool:
        try:
            retain_until = decode(body).retain_until
        except PoisonError:
            return False
        return retain_until is not None and retain_until < now

    return is_over
