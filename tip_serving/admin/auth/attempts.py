"""How often somebody may try to sign in: the limits hold for names that nobody has, too."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

WINDOW_S = 300.0
PER_NAME_AND_ADDRESS = 5
PER_NAME = 25
PER_ADDRESS = 50
_MAX_KEPT = 10_000


class TooManyError(Exception):
    """Too many attempts; says after how many seconds another one counts.

    Args:
        retry_after_s: whole seconds.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many attempts to sign in; try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


@dataclass
class Attempts:
    """The failed attempts of the last minutes, of one process."""

    clock: Callable[[], float] = time.monotonic
    _failed: dict[Hashable, deque[float]] = field(default_factory=dict)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str, address: str) -> None:
        """Count one attempt as failed before it is checked, so that many at once get no further than many in a row.

        Raises:
            TooManyError: one of the limits is reached; the attempt is not checked then.
        """
        now = self.clock()
        limits = {(name, address): PER_NAME_AND_ADDRESS, (name,): PER_NAME, ("", address): PER_ADDRESS}
        with self._counting:
            waits = [self._wait(key, limit, now) for key, limit in limits.items()]
            if max(waits) > 0:
                raise TooManyError(int(max(waits)) + 1)
            for key in limits:
                self._failed.setdefault(key, deque()).append(now)
            if len(self._failed) > _MAX_KEPT:
                self._failed = {key: times for key, times in self._failed.items() if times[-1] > now - WINDOW_S}

    def forgive(self, name: str, address: str) -> None:
        """The attempt was good: forget those of this name from there."""
        with self._counting:
            forgiven = self._failed.pop((name, address), ())
            for key in ((name,), ("", address)):
                times = self._failed.get(key)
                for _ in range(min(len(forgiven), len(times or ()))):
                    assert times is not None  # noqa: S101  it has a length
                    times.pop()
                if times is not None and not times:
                    del self._failed[key]

    def _wait(self, key: Hashable, limit: int, now: float) -> float:
        times = self._failed.get(key)
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        if times is not None and not times:
            del self._failed[key]
        return times[-limit] + WINDOW_S - now if times and len(times) >= limit else 0.0
