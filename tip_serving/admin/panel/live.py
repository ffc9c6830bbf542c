"""Answers that many open pages share: fifty of them looking at one experiment make the work of one.

An answer is worked out in a thread, once at a time, and again only when somebody asks after it has aged.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Answer = TypeVar("Answer")
MAX_KEPT = 256


@dataclass
class _Kept:
    """The last answer to one question, and the asking that is under way."""

    answered_at: float = float("-inf")
    answer: Any = None
    asking: "asyncio.Task[Any] | None" = None


@dataclass
class Live:
    """Questions and their last answers; belongs to one event loop."""

    _kept: dict[Hashable, _Kept] = field(default_factory=dict)

    async def ask(self, question: Hashable, find: Callable[[], Answer], lasts_s: float) -> Answer:
        """What `find` returns or raises, at most `lasts_s` old.

        Args:
            question: names the answer; holds the role of whoever asks, since the service answers roles.
            find: runs in a thread.
            lasts_s: seconds; an answer that took long lasts five times as long as it took.
        """
        kept = self._kept.pop(question, None) or _Kept()
        self._kept[question] = kept  # at the end: the first are those that nobody asked for longest
        if time.monotonic() - kept.answered_at < lasts_s:
            found: Answer = kept.answer
            return found
        if kept.asking is None or kept.asking.done():
            kept.asking = asyncio.create_task(self._find(kept, find))
            self._forget()
        # One page that is closed meanwhile must not take the answer away from the others.
        shared: Answer = await asyncio.shield(kept.asking)
        return shared

    async def _find(self, kept: _Kept, find: Callable[[], Answer]) -> Answer:
        began = time.monotonic()
        answer = await asyncio.to_thread(find)
        ended = time.monotonic()
        kept.answer, kept.answered_at = answer, ended + 4 * (ended - began)
        return answer

    def _forget(self) -> None:
        for question in list(self._kept)[:-MAX_KEPT]:
            del self._kept[question]
