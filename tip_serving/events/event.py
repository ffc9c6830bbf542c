"""What every event has. Grain: one thing that happened, kept once per event id wherever events are gathered.

An event is a JSON object whose `type` says which; the types stand in `exposure` and `feedback`.
"""

import os
import random
from datetime import datetime
from functools import lru_cache
from typing import Annotated

import msgspec

_AT_ONCE = 256  # ids are made; one by one they would cost three times as much

EventId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
UserId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """One thing that happened to one user.

    Attributes:
        retain_until: when it must be gone; null for an event about no real person.
    """

    event_id: EventId
    at: Moment
    user: UserId
    retain_until: Moment | None = None

    @property
    def subject(self) -> str:
        """The subject under which a broker carries it."""
        raise NotImplementedError


def new_id() -> str:
    """A fresh id for an event or a decision: 32 hex digits, random, and no secret."""
    dice, ids = _dice(os.getpid())
    while True:
        try:
            return ids.pop()
        except IndexError:  # empty, or another thread was faster
            digits = dice.randbytes(16 * _AT_ONCE).hex()
            ids += [digits[32 * place : 32 * (place + 1)] for place in range(_AT_ONCE)]


@lru_cache(maxsize=1)
def _dice(process: int) -> tuple[random.Random, list[str]]:  # noqa: ARG001  a forked process has dice of its own
    # Asking the system for each id lets go of the interpreter, and another thread may keep it for milliseconds.
    return random.Random(int.from_bytes(os.urandom(32))), []  # noqa: S311  no secret
