"""The write-ahead files: events that no broker has taken, on the local disk until they are imported or published.

    <directory>/<time>-<random>.open     being written, held by a lock of the process that writes it
                <time>-<random>.jsonl    finished: one event per line, the oldest file first by name

A process that dies leaves an open file whose lock is gone; `finished` counts it as finished. Such a file may end in
half a line, which was never acknowledged and is skipped.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO

from tip_serving.events.kinds import AnyEvent, PoisonError, decode

ROTATE_BYTES = 64 * 1024 * 1024
ROTATE_AFTER_S = 300.0  # so that an importer is never further behind
SYNC_EVERY_S = 0.2  # what a power cut can cost; the death of the process costs nothing that was written


class WriteAhead:
    """The open end of one process, used by one thread.

    Args:
        directory: of the files.
        rotate_after_s: how far an importer may be behind.
    """

    def __init__(self, directory: Path, rotate_after_s: float = ROTATE_AFTER_S) -> None:
        self._directory = directory
        self._rotate_after_s = rotate_after_s
        self._file: IO[bytes] | None = None
        self._size = 0
        self._opened_at = 0.0
        self._synced_at = 0.0
        self._is_dirty = False

    def append(self, lines: Sequence[bytes]) -> None:
        """Hand the encoded events to the operating system, all of them or none.

        Raises:
            OSError: the disk took no more; what it took of the lines is taken back.
        """
        file = self._opened()
        rest = memoryview(b"".join(line + b"\n" for line in lines))
        size = self._size + len(rest)
        try:
            while rest:  # a disk that is nearly full takes a part
                rest = rest[file.write(rest) :]
        except OSError:
            with suppress(OSError):
                file.truncate(self._size)
                file.seek(self._size)
            raise
        self._size = size
        self._is_dirty = True

    def tend(self) -> None:
        """Sync and rotate where it is time. Raises OSError."""
        now = time.monotonic()
        if self._is_dirty and self._file is not None and now - self._synced_at >= SYNC_EVERY_S:
            os.fsync(self._file.fileno())
            self._is_dirty, self._synced_at = False, now
        if self._size >= ROTATE_BYTES or (self._size and now - self._opened_at >= self._rotate_after_s):
            self.close()

    def close(self) -> None:
        """Finish the open file; one that holds nothing is removed. Raises OSError."""
        if self._file is None:
            return
        file, self._file = self._file, None
        path = Path(file.name)
        with file:  # closing frees the lock
            if self._size == 0:
                path.unlink(missing_ok=True)
                return
            os.fsync(file.fileno())
            path.rename(path.with_suffix(".jsonl"))

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # events are personal
            name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:12]}.open"
            file = (self._directory / name).open("xb", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file, self._size, self._opened_at = file, 0, time.monotonic()
        return self._file


def finished(directory: Path) -> list[Path]:
    """The files that nobody writes to any more, the oldest first."""
    if not directory.is_dir():
        return []
    for path in directory.glob("*.open"):
        with suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            path.rename(path.with_suffix(".jsonl"))
    return sorted(directory.glob("*.jsonl"))


def lines(path: Path) -> Iterator[bytes]:
    """The lines of one file without their ends; half a line at the very end is not one."""
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield line.removesuffix(b"\n")


def read(path: Path) -> Iterator[AnyEvent]:
    """The events of one file.

    Raises:
        ValueError: a line is no event; says where.
    """
    for number, line in enumerate(lines(path), 1):
        try:
            yield decode(line)
        except PoisonError as error:
            raise ValueError(f"{path}, line {number} is no event: {error}") from None


def batches(path: Path, size: int) -> Iterator[list[AnyEvent]]:
    """The events of one file, `size` at a time. Raises as `read`."""
    events = read(path)
    while batch := list(islice(events, size)):
        yield batch
