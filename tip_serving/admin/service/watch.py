"""What changed on the bench: one thread looks at the lake for everybody who watches, and puts judgements into it.

Each change has a number. A watcher that was away asks for those after the last it saw; where they are forgotten, it is
told to look at everything anew.
"""

import asyncio
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import NamedTuple

from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.rows import Plain, experiment_row
from tip_serving.admin.service.scores import Scores
from tip_serving.admin.service.users import READERS, User, require
from tip_serving.bench.overview import Standing

LOOKS_S = 1.0
LOOKS_UNWATCHED_S = 5.0
_KEPT = 1_000
_LOG = logging.getLogger(__name__)


class Change(Plain):
    """An experiment that is not as it was: came, went on, was judged, or went."""

    experiment: str
    phase: str
    """`gone` where it is there no more."""
    n_cells: int
    n_cells_done: int
    n_cells_failed: int
    n_done: int
    n_needed: int
    is_ranked: bool
    n_waiting_files: int


class Numbered(NamedTuple):
    """A change with the id by which a watcher goes on after it; None as the change: look at everything anew."""

    event_id: str
    change: Change | None


class Watch:
    """Looks every second while somebody watches, less often otherwise; started and ended with the process.

    Args:
        bench: to look at.
        scores: takes what judges left in the drawer.
        clock: by which they left it; seconds since 1970.
    """

    def __init__(self, bench: Bench, scores: Scores, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bench = bench
        self._scores = scores
        self._life = uuid.uuid4().hex[:8]
        self._seen: dict[str, tuple[Standing, Change]] = {}
        self._changes: deque[tuple[int, Change]] = deque(maxlen=_KEPT)
        self._n_changes = 0
        self._wakers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tip-admin-watch", daemon=True)

    def start(self) -> None:
        """Look once, so that what is there is no change, and go on in a thread."""
        self.look(is_first=True)
        self._thread.start()

    def end(self) -> None:
        """End the thread and put what judges left into the lake."""
        self._ending.set()
        self._wake()
        self._thread.join()
        self._scores.settle_due(float("inf"))

    def look(self, *, is_first: bool = False) -> None:
        """Note what changed since the last look."""
        before, self._seen = self._seen, {}
        for standing in self._bench.overview.standings():
            seen = before.get(standing.experiment)
            is_same = seen is not None and seen[0] is standing
            self._seen[standing.experiment] = seen if seen and is_same else (standing, self._told(standing))
        gone = [old.model_copy(update={"phase": "gone"}) for name, (_, old) in before.items() if name not in self._seen]
        changed = [now for name, (_, now) in self._seen.items() if name not in before or before[name][1] != now]
        if is_first or not (gone or changed):
            return
        for change in (*gone, *changed):
            self._n_changes += 1
            self._changes.append((self._n_changes, change))
        self._wake()

    def _wake(self) -> None:
        for loop, waker in list(self._wakers):
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(waker.set)

    def _told(self, standing: Standing) -> Change:
        row = experiment_row(standing, self._bench.workshop.settings)
        return Change.model_validate(row.model_dump(include=set(Change.model_fields)))

    async def changes(self, user: User, after: str | None, patience_s: float) -> AsyncIterator[Numbered | None]:
        """Changes as they are noted, for ever; None whenever nothing changed for `patience_s`.

        Args:
            user: an admin or a viewer.
            after: id of the last change that the watcher saw; None to begin now.
            patience_s: so that the caller can look whether the watcher may still watch.
        """
        require(user, READERS, "watch experiments")
        waker = asyncio.Event()
        entry = (asyncio.get_running_loop(), waker)
        self._wakers.add(entry)
        try:
            last = self._n_changes if after is None else self._number(after)
            while not self._ending.is_set():
                waker.clear()
                if last is None:
                    last = self._n_changes
                    yield Numbered(self._id(last), None)
                for number, change in [entry for entry in self._changes if entry[0] > last]:
                    last = number
                    yield Numbered(self._id(number), change)
                try:
                    async with asyncio.timeout(patience_s):
                        await waker.wait()
                except TimeoutError:
                    yield None
        finally:
            self._wakers.discard(entry)

    def _id(self, number: int) -> str:
        return f"{self._life}-{number}"

    def _number(self, event_id: str) -> int | None:
        """The number behind an id; None where changes after it are not known any more."""
        life, _, number = event_id.partition("-")
        if life != self._life or not number.isdecimal():
            return None
        first = self._n_changes - len(self._changes)
        return int(number) if first <= int(number) <= self._n_changes else None

    def _work(self) -> None:
        looked_at = time.monotonic()
        while not self._ending.wait(LOOKS_S):
            try:
                self._scores.settle_due(self._clock())
                if self._wakers or time.monotonic() - looked_at >= LOOKS_UNWATCHED_S:
                    self.look()
                    looked_at = time.monotonic()
            except Exception:  # noqa: BLE001  whatever it was, the others who watch must not be left alone
                _LOG.exception("A look at the bench failed; the next one follows.")
