"""Arms in the shadow: they score what others have answered, one request at a time, and are dropped before they hinder.

A decision is handed over with its event. The arms of the shadow add what they would have said and the event is logged
then, once; where the queue is full or the server ends, it is logged as it is.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from tip_serving.events.event import Event
from tip_serving.events.exposure import Exposure, ShadowResult
from tip_serving.scoring import scorer
from tip_serving.scoring.arms import ReadyArm
from tip_serving.scoring.event_clock import EventClock
from tip_serving.scoring.scorer import Question


class Log(Protocol):
    """Where events go; returns at once and raises nothing."""

    def append(self, event: Event) -> None:
        """Hand over one event."""
        ...


class ShadowState(NamedTuple):
    """What became of the decisions that were offered; counts since the start."""

    scored: int
    dropped: int


class _Job(NamedTuple):
    exposure: Exposure
    asked: Question
    arms: Sequence[ReadyArm]


class Shadow:
    """The queue of one process and who works on it, in the event loop that calls `run`.

    Args:
        log: takes every event that was offered, once.
        capacity: requests that may wait; beyond it they are dropped.
        clock: of the events.
    """

    def __init__(self, log: Log, capacity: int, clock: EventClock) -> None:
        self._log = log
        self._capacity = capacity
        self._clock = clock
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self.n_scored = 0
        self.n_dropped = 0

    def offer(self, exposure: Exposure, asked: Question, arms: Sequence[ReadyArm]) -> None:
        """Hand over a decision that was made; returns at once."""
        if len(self._waiting) >= self._capacity:
            self.n_dropped += 1
            self._log.append(exposure)
            return
        self._waiting.append(_Job(exposure, asked, arms))
        self._arrived.set()

    @property
    def state(self) -> ShadowState:
        """How the shadow fares now."""
        return ShadowState(self.n_scored, self.n_dropped)

    @property
    def n_waiting(self) -> int:
        """Decisions in the queue."""
        return len(self._waiting)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._arrived.wait()
            while self._waiting:
                await asyncio.sleep(0)  # requests that came in meanwhile go first, and answers are sent
                job = self._waiting.popleft()
                self._log.append(msgspec.structs.replace(job.exposure, shadow=_results(job, self._clock)))
                self.n_scored += 1
            self._arrived.clear()

    def close(self) -> None:
        """Log what waits as it is. Not a part of `run`: a task that is cancelled before its first turn never runs."""
        while self._waiting:
            self._log.append(self._waiting.popleft().exposure)


def _results(job: _Job, clock: EventClock) -> tuple[ShadowResult, ...]:
    return tuple(_result(arm, job, clock) for arm in job.arms)


def _result(arm: ReadyArm, job: _Job, clock: EventClock) -> ShadowResult:
    started = time.perf_counter()
    result = ShadowResult(arm=arm.name, model_version=arm.model_version, policy_version=arm.policy_version)
    try:
        scored = scorer.score(arm, job.asked, job.exposure.decision_id)
    except Exception as error:  # noqa: BLE001  whatever fails in the shadow stays there
        return msgspec.structs.replace(result, error=type(error).__name__)
    return msgspec.structs.replace(
        result,
        scores=tuple(scored.scores),
        propensities=scored.order.propensities,
        latency_ms=clock.latency_ms(started),
    )
