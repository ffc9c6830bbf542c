"""When the events of a request happened and what they are called: by this server's clock, or by the request itself.

By the request itself, a replay of the same requests makes the same events byte for byte, at whatever speed it runs.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from tip_serving.events.event import new_id
from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.request import Asking, FeedbackRequest

_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_NO_MOMENT = "this server takes the clock of its requests (TIP_EVENT_CLOCK=request), and this one has none"


def impossible(moment: dt.datetime) -> list[str]:
    """The fault of a moment at which nothing can have happened; none for any other."""
    if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return []
    return [f"lies in the year {moment.year}; expected {_FIRST_YEAR} to {_LAST_YEAR}"]


def utc_now() -> dt.datetime:
    """This server's clock."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class EventClock:
    """The moments and ids of events.

    Args:
        is_of_requests: an event happens when its request says, and its id follows from what it is about.
        now: of this server, aware.
    """

    is_of_requests: bool = False
    now: Callable[[], dt.datetime] = utc_now

    def of_decision(self, asking: Asking) -> dt.datetime:
        """The moment of a decision.

        Raises:
            RequestError: events happen on the requests' clock, and this one has no moment or no decision id.
        """
        if not self.is_of_requests:
            return self.now()
        faults = [
            f"{field}: {_NO_MOMENT}"
            for field, found in (("now", asking.now), ("decision_id", asking.decision_id))
            if found is None
        ]
        if asking.now is None or faults or (faults := [f"now: {fault}" for fault in impossible(asking.now)]):
            raise RequestError(faults)
        return asking.now

    def of_report(self, told: FeedbackRequest) -> dt.datetime:
        """The moment of a reaction: as told, else now.

        Raises:
            RequestError: events happen on the requests' clock, and this one has no moment; or it has one at which
                nothing can have happened.
        """
        if told.at is None:
            if self.is_of_requests:
                raise RequestError([f"at: {_NO_MOMENT}"])
            return self.now()
        if faults := impossible(told.at):
            raise RequestError([f"at: {fault}" for fault in faults])
        return told.at

    def event_id(self, *about: str) -> str:
        """A new id; on the requests' clock the one that follows from what the event is about."""
        if not self.is_of_requests:
            return new_id()
        return hashlib.blake2b("\0".join(about).encode(), digest_size=16).hexdigest()

    def latency_ms(self, began: float) -> float | None:
        """Milliseconds since `began`, of `time.perf_counter`; None on the requests' clock, where no time passes."""
        return None if self.is_of_requests else (time.perf_counter() - began) * 1e3
