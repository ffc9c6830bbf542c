"""Ctrl-C that nobody loses: Dagster swallows one that comes while it ends a run or goes from one step to the next."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_noted() -> Iterator[Callable[[], None]]:
    """A function that raises KeyboardInterrupt if an interrupt came since it was called last, whoever handled it.

    The interpreter itself writes every signal's number into a pipe, whichever handler is set. Outside the main thread
    there are no signals, and the function does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def raise_noted() -> None:
        try:
            numbers = os.read(reading, 512)
        except BlockingIOError:
            return
        if signal.SIGINT in numbers or signal.SIGTERM in numbers:
            raise KeyboardInterrupt

    try:
        yield raise_noted
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
