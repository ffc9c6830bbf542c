"""What a server says of itself: one JSON object per line, written by a thread, so that no full pipe holds a request.

Nothing personal is in it above debug level. Our own messages hold ids, numbers and kinds; of an error, its kind and the
lines of code it passed are shown; what a library says is withheld, for nobody knows what it may quote.
"""

import logging
import os
import sys
import threading
import traceback
from collections import deque
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)

_OURS = ("tip_serving", "tip_experiments", "uvicorn")
_CAPACITY = 20_000  # lines that wait for a reader who does not read; further ones are counted
_GATHER_S = 0.1
_FRAMES = 12

_LOG = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class LineWriter:
    """Writes lines to a descriptor from a thread of its own; lines beyond a bound are dropped and counted."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque()
        self._n_dropped = 0
        self._writing = threading.Lock()
        self._ending = threading.Event()
        threading.Thread(target=self._work, name="log-lines", daemon=True).start()

    def write(self, entry: dict[str, Any]) -> None:
        """Hand over one entry; returns at once."""
        if len(self._lines) >= _CAPACITY:
            self._n_dropped += 1
        else:
            self._lines.append(_encode(entry))

    def flush(self) -> None:
        """Write what waits, now."""
        with self._writing:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if self._n_dropped:
                lines.append(_encode({"level": "warning", "message": f"{self._n_dropped} lines were dropped."}))
                self._n_dropped = 0
            rest = memoryview(b"\n".join([*lines, b""]) if lines else b"")
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except OSError:
                    return  # nobody reads any more

    def close(self) -> None:
        """Write what waits, and end."""
        self._ending.set()
        self.flush()

    def _work(self) -> None:
        while not self._ending.wait(_GATHER_S):
            self.flush()


class JsonHandler(logging.Handler):
    """Log records as entries; `shows_all` at debug level lets errors and libraries speak in their own words."""

    def __init__(self, writer: LineWriter, *, shows_all: bool) -> None:
        super().__init__()
        self._writer = writer
        self._shows_all = shows_all

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; errors at once, for the process may be about to end."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if (request_id := REQUEST_ID.get()) is not None:
            entry["request_id"] = request_id
        if self._shows_all or record.name.partition(".")[0] in _OURS:
            entry["message"] = record.getMessage().strip()
        else:
            entry["message"] = f"withheld; said at {record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            entry |= described(record.exc_info[1], shows_all=self._shows_all)
        self._writer.write(entry)
        if record.levelno >= logging.ERROR:
            self._writer.flush()


def described(error: BaseException, *, shows_all: bool) -> dict[str, Any]:
    """The kind of an error and the lines it passed, the last ones; its words only where all may be shown."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    found: dict[str, Any] = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if shows_all:
        found["error_message"] = str(error)
    return found


def configure(level: str) -> LineWriter:
    """Send all log records of this process as JSON lines to its standard error; libraries from warnings upwards."""
    writer = LineWriter(sys.stderr.fileno())
    handler = JsonHandler(writer, shows_all=level == "debug")
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    threading.excepthook = _tell_of_a_thread
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level.upper())
    return writer


def _tell_of_a_thread(died: threading.ExceptHookArgs) -> None:
    """What ended a thread, as a line of the log: Python's own words for it quote whatever the error holds."""
    name = "" if died.thread is None else died.thread.name
    error = None if died.exc_value is None else (died.exc_type, died.exc_value, died.exc_traceback)
    _LOG.error("The thread %s has died: %s.", name, died.exc_type.__name__, exc_info=error)
