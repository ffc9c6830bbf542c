"""Time limits of many tasks, kept by one timer: two of `asyncio.timeout` a request cost as much as reading its body.

A task that is late is cancelled within a tick, and learns of it as a TimeoutError at the end of its block.
"""

import asyncio
from types import TracebackType
from typing import Self

TICK_S = 0.05


class Deadlines:
    """The limits of the tasks of one event loop."""

    def __init__(self) -> None:
        self._limits: set[Limit] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Limit":
        """A block of this task that ends within so many seconds."""
        return Limit(self, seconds)

    def add(self, limit: "Limit") -> None:
        """Watch over a limit."""
        self._limits.add(limit)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def discard(self, limit: "Limit") -> None:
        """Watch over it no more."""
        self._limits.discard(limit)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for limit in [limit for limit in self._limits if limit.at <= now]:
            self._limits.discard(limit)
            limit.expire()
        self._timer = loop.call_later(TICK_S, self._tick) if self._limits else None


class Limit:
    """Around a block; raises TimeoutError where the block was ended because it was late.

    Args:
        deadlines: watches over it.
        seconds: that the block has.
    """

    __slots__ = ("_deadlines", "_n_cancelling", "_seconds", "_task", "at", "has_expired")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self.has_expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A limit stands in a task.")
        self._task, self._n_cancelling = task, task.cancelling()
        self.extend(self._seconds)
        self._deadlines.add(self)
        return self

    def extend(self, seconds: float) -> None:
        """From now on the block has so many seconds."""
        self.at = asyncio.get_running_loop().time() + seconds

    def expire(self) -> None:
        """End the block."""
        self.has_expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.discard(self)
        # As `asyncio.timeout` tells our own cancellation from one that came from elsewhere meanwhile.
        if self.has_expired and self._task.uncancel() <= self._n_cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
