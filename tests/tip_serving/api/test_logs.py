"""What log lines show, and what they withhold."""

import json
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tip_serving.api import logs
from tip_serving.api.logs import JsonHandler, LineWriter

QUOTED = "call Ottilie"


class Log:
    """A logger of its own that writes into a pipe."""

    def __init__(self, *, shows_all: bool) -> None:
        self._reading, self._writing = os.pipe()
        self.writer = LineWriter(self._writing)
        self.handler = JsonHandler(self.writer, shows_all=shows_all)

    def of(self, name: str) -> logging.Logger:
        logger = logging.Logger(name, logging.DEBUG)  # noqa: LOG001  one of its own, in no registry
        logger.addHandler(self.handler)
        return logger

    def lines(self) -> list[dict[str, Any]]:
        self.writer.close()
        os.close(self._writing)
        with os.fdopen(self._reading, "rb") as file:
            return [json.loads(line) for line in file]


@pytest.fixture
def log() -> Log:
    return Log(shows_all=False)


def _fail() -> None:
    raise ValueError(QUOTED)


def test_our_own_messages_are_shown_with_level_and_time(log: Log) -> None:
    log.of("tip_serving.api.x").info("Worker %d serves.", 7)
    [line] = log.lines()
    assert (line["level"], line["logger"], line["message"]) == ("info", "tip_serving.api.x", "Worker 7 serves.")
    assert line["at"].endswith("Z")


def test_of_an_error_kind_and_lines_are_shown_and_its_words_are_not(log: Log) -> None:
    try:
        _fail()
    except ValueError:
        log.of("tip_serving.api.x").exception("POST /score failed.")
    [line] = log.lines()
    assert line["error"] == "builtins.ValueError"
    assert line["frames"][-1].endswith(" _fail")
    assert QUOTED not in json.dumps(line)


def test_of_a_thread_that_dies_no_word_of_its_error_is_shown(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_LOG", log.of("tip_serving.api.logs"))
    monkeypatch.setattr(threading, "excepthook", logs._tell_of_a_thread)
    dying = threading.Thread(target=_fail, name="errand")
    dying.start()
    dying.join()
    [line] = log.lines()
    assert line["message"] == "The thread errand has died: ValueError."
    assert (line["level"], line["error"]) == ("error", "builtins.ValueError")
    assert QUOTED not in json.dumps(line)


def test_what_a_library_says_is_withheld_but_where_it_said_it_is_not(log: Log) -> None:
    log.of("litellm").warning("The prompt was %s", QUOTED)
    [line] = log.lines()
    assert line["message"].startswith("withheld; said at test_logs:")
    assert QUOTED not in json.dumps(line)


def test_at_debug_level_everything_is_said() -> None:
    log = Log(shows_all=True)
    log.of("litellm").warning("The prompt was %s", QUOTED)
    try:
        _fail()
    except ValueError:
        log.of("tip_serving").exception("failed")
    said, failed = log.lines()
    assert QUOTED in said["message"]
    assert failed["error_message"] == QUOTED


def test_a_message_of_several_lines_is_one_line(log: Log) -> None:
    log.of("tip_serving").info("first\nsecond")
    assert [line["message"] for line in log.lines()] == ["first\nsecond"]


@pytest.fixture
def full_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    yield writing
    os.close(reading)
    os.close(writing)


def test_a_reader_who_does_not_read_holds_up_nobody_and_lines_beyond_the_bound_are_counted(
    full_pipe: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tip_serving.api.logs._CAPACITY", 100)
    writer = LineWriter(full_pipe)
    for number in range(5_000):
        writer.write({"message": "x" * 1000, "n": number})  # 5 MB, of which a pipe takes 64 kB
    assert writer._n_dropped > 4_000
    writer._ending.set()
