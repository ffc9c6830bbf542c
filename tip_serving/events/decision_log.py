"""The decision log: events leave a request at once and reach a broker or the disk from a thread of their own.

A request hands its event over and goes on; nothing that happens to the event afterwards can fail it. The thread
publishes in batches, and what the broker does not take goes into the write-ahead files (`wal`). Where the disk takes
nothing either, events wait in memory, and beyond a bound new ones are dropped and counted.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from tip_serving.events import wal
from tip_serving.events.event import Event

_LOG = logging.getLogger(__name__)

GATHER_S = 0.02  # a batch every 20 ms: what a kill -9 can cost, and 50 wake-ups a second
BATCH = 512
FEW = 16  # events of a batch that a busy server may be kept waiting for; beyond it the log must keep up
RETRY_S = 1.0  # after a disk that took nothing, or a broker that took nothing of what lay on the disk


class Message(NamedTuple):
    """An event as it travels."""

    event_id: str
    subject: str
    body: bytes


class Broker(Protocol):
    """Where events are published; used by one thread."""

    def publish(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Publish, wait until it is known what was stored, and return the messages that were not. Raises nothing."""

    def close(self) -> None:
        """Let go of the connection."""


class LogState(NamedTuple):
    """How the log fares; counts since it was opened."""

    waiting: int
    published: int
    written: int
    dropped: int
    is_disk_refusing: bool


class DecisionLog:
    """The log of one process; `append` from any thread.

    Args:
        directory: of the write-ahead files.
        capacity: events that may wait in memory.
        broker: takes events before the disk does; without one, the disk has them all.
        listener: hears of every event, in the thread of the log; raises nothing.
        rotate_after_s: how far an importer of the write-ahead files may be behind.
    """

    def __init__(
        self,
        directory: Path,
        capacity: int,
        broker: Broker | None = None,
        listener: Callable[[Event], None] = lambda _: None,
        rotate_after_s: float = wal.ROTATE_AFTER_S,
    ) -> None:
        self._capacity = capacity
        self._directory = directory
        self._broker = broker
        self._waiting: deque[Event] = deque()
        self._refused: list[Message] = []  # neither published nor written yet
        self._wal = wal.WriteAhead(directory, rotate_after_s)
        self._encoder = msgspec.json.Encoder()
        self._published = self._written = self._dropped = 0
        self._is_disk_refusing = False
        self._file_fault = ""
        self._listener = listener
        self._write_again_at = self._publish_again_at = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="decision-log", daemon=True)
        self._thread.start()

    def append(self, event: Event) -> None:
        """Hand over one event; returns at once and raises nothing. After `close` it is dropped and counted."""
        if len(self._waiting) + len(self._refused) >= self._capacity or self._ending.is_set():
            self._dropped += 1
            return
        self._waiting.append(event)

    @property
    def state(self) -> LogState:
        """How the log fares now."""
        waiting = len(self._waiting) + len(self._refused)
        return LogState(waiting, self._published, self._written, self._dropped, self._is_disk_refusing)

    def close(self, within_s: float = 10.0) -> LogState:
        """Bring everything that waits to the broker or the disk, and end.

        Args:
            within_s: seconds after which what still waits is given up, and counted as dropped.
        """
        self._ending.set()
        self._thread.join(within_s)
        if left := len(self._waiting) + len(self._refused):
            _LOG.error("%d events are lost: neither a broker nor %s took them.", left, self._directory)
        state = self.state
        return state._replace(waiting=0, dropped=state.dropped + left)

    def _work(self) -> None:
        while not self._ending.wait(GATHER_S):
            self._drain()
            self._on_disk(self._wal.tend)
            self._publish_files()
        self._write_again_at = 0.0
        self._drain()
        self._on_disk(self._wal.close)
        if self._broker is not None:
            self._broker.close()

    def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._refused += self._not_taken([message for event in batch if (message := self._told(event, len(batch)))])
        if self._refused and time.monotonic() >= self._write_again_at:
            lines = [message.body for message in self._refused]
            if self._on_disk(lambda: self._wal.append(lines)):
                self._written += len(lines)
                self._refused = []
                self._is_disk_refusing = False
            else:
                self._write_again_at = time.monotonic() + RETRY_S

    def _told(self, event: Event, n_beside: int) -> Message | None:
        """The message of an event that the listener has heard of."""
        self._listener(event)
        message = self._encoded(event)
        if n_beside <= FEW:
            time.sleep(0)  # lets go of the interpreter: a request that came meanwhile need not wait for the others
        return message

    def _encoded(self, event: Event) -> Message | None:
        try:
            return Message(event.event_id, event.subject, self._encoder.encode(event))
        except Exception as error:  # noqa: BLE001  one event that cannot be kept must not end the log
            self._dropped += 1
            # The error's own words may hold values, which are personal.
            _LOG.error("%s %s cannot be encoded: %s.", type(event).__name__, event.event_id, type(error).__name__)
            return None

    def _not_taken(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Publish, where there is a broker; the messages that it did not take."""
        if self._broker is None or not messages:
            return messages
        left = self._broker.publish(messages)
        self._published += len(messages) - len(left)
        return left

    def _on_disk(self, act: Callable[[], None]) -> bool:
        """Whether the disk did what was asked; a refusal is told once until events are written again."""
        try:
            act()
        except OSError as error:
            if not self._is_disk_refusing:
                _LOG.error("Events wait in memory: %s takes none (%s).", self._directory, error.strerror)
            self._is_disk_refusing = True
            return False
        return True

    def _publish_files(self) -> None:
        """Publish what lies on the disk, now that a broker may be there again; a file goes once it was taken whole."""
        if self._broker is None or self._refused or time.monotonic() < self._publish_again_at:
            return
        self._publish_again_at = time.monotonic() + RETRY_S
        if self._published and not self._on_disk(self._wal.close):
            return
        fault = ""
        try:
            for path in wal.finished(self._directory):
                try:
                    if not self._publish_file(path):
                        return
                except FileNotFoundError:
                    continue  # another worker was faster
                except OSError as error:  # one file that cannot be read, or no descriptor left, ends nothing
                    fault = f"{path} ({error.strerror})"
        except OSError as error:
            fault = f"{self._directory} ({error.strerror})"
        if fault and fault != self._file_fault:
            _LOG.error("Events stay on the disk: %s cannot be published.", fault)
        self._file_fault = fault

    def _publish_file(self, path: Path) -> bool:
        """Whether the broker took the file, which then goes; a damaged one is set aside. Raises OSError."""
        try:
            for events in wal.batches(path, BATCH):
                if self._not_taken([message for event in events if (message := self._encoded(event))]):
                    return False
        except ValueError as error:
            _LOG.error("%s; it is kept beside the others.", error)
            path.rename(path.with_suffix(".damaged"))
        else:
            path.unlink(missing_ok=True)
        return True
