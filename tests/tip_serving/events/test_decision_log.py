"""The decision log on a real disk, a full one, with brokers that come and go, and under many threads."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from support.exposures import exposure
from support.terminal import ROOT, wait_until

from tip_serving.events import decision_log, wal
from tip_serving.events.decision_log import DecisionLog, Message
from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback


def _kept(directory: Path) -> list[wal.AnyEvent]:
    return [event for path in wal.finished(directory) for event in wal.read(path)]


class SwitchedBroker:
    """A broker that can be off; keeps each message id once, as a stream does."""

    def __init__(self, *, is_up: bool) -> None:
        self.is_up = is_up
        self.stored: dict[str, Message] = {}
        self.is_closed = False

    def publish(self, messages: Sequence[Message]) -> Sequence[Message]:
        if not self.is_up:
            return messages
        self.stored.update({message.event_id: message for message in messages})
        return []

    def close(self) -> None:
        self.is_closed = True


def test_what_was_appended_is_read_back_equal_and_in_order(tmp_path: Path) -> None:
    events = [exposure(n_tips=3), Feedback(
        event_id="f", at=datetime.now(UTC), user="u", decision_id="d", tip_id="t", reaction="rated", rating=0.5
    )]  # fmt: skip
    log = DecisionLog(tmp_path / "wal", 100)
    for event in events:
        log.append(event)
    state = log.close()
    assert _kept(tmp_path / "wal") == events
    assert (state.written, state.published, state.dropped, state.waiting) == (2, 0, 0, 0)


def test_every_event_of_many_threads_is_kept_once(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path, 100_000)
    events = [[exposure(user=f"u{thread}") for _ in range(300)] for thread in range(8)]
    threads = [threading.Thread(target=lambda mine=mine: [log.append(event) for event in mine]) for mine in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    found = _kept(tmp_path)
    assert len(found) == 8 * 300
    for mine in events:  # one thread's events keep their order
        assert [event.event_id for event in found if event.user == mine[0].user] == [event.event_id for event in mine]


def test_a_broker_takes_events_before_the_disk_does(tmp_path: Path) -> None:
    broker = SwitchedBroker(is_up=True)
    log = DecisionLog(tmp_path, 100, broker)
    events = [exposure() for _ in range(5)]
    for event in events:
        log.append(event)
    assert log.close().published == 5
    assert list(broker.stored) == [event.event_id for event in events]
    assert {message.subject for message in broker.stored.values()} == {"exposures.score"}
    assert broker.is_closed
    assert _kept(tmp_path) == []


def test_what_an_absent_broker_did_not_take_lies_on_the_disk_and_reaches_it_later(tmp_path: Path) -> None:
    broker = SwitchedBroker(is_up=False)
    log = DecisionLog(tmp_path, 1_000, broker)
    events = [exposure() for _ in range(20)]
    for event in events[:10]:
        log.append(event)
    wait_until(lambda: log.state.written == 10, timeout=5)
    assert broker.stored == {}
    broker.is_up = True
    for event in events[10:]:
        log.append(event)
    wait_until(lambda: len(broker.stored) == 20, timeout=5)
    log.close()
    assert set(broker.stored) == {event.event_id for event in events}
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_dead_process_are_published_by_the_next_one(tmp_path: Path) -> None:
    before = DecisionLog(tmp_path, 10)
    before.append(event := exposure())
    before.close()
    broker = SwitchedBroker(is_up=True)
    after = DecisionLog(tmp_path, 10, broker)
    wait_until(lambda: event.event_id in broker.stored, timeout=5)
    after.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_fails_no_append_and_what_waits_is_written_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, is_full = wal.WriteAhead.append, True

    def append(self: wal.WriteAhead, lines: Sequence[bytes]) -> None:
        if is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, lines)

    monkeypatch.setattr(wal.WriteAhead, "append", append)
    log = DecisionLog(tmp_path, 10)
    for _ in range(15):
        log.append(exposure())
    wait_until(lambda: log.state.is_disk_refusing, timeout=5)
    assert log.state.dropped == 5
    is_full = False
    wait_until(lambda: log.state.written == 10, timeout=5)
    state = log.close()
    assert (state.dropped, state.is_disk_refusing) == (5, False)
    assert len(_kept(tmp_path)) == 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_what_a_full_disk_took_of_a_line_is_taken_back(tmp_path: Path) -> None:
    ahead = wal.WriteAhead(tmp_path)
    ahead.append([b'{"whole":1}'])
    path = next(tmp_path.glob("*.open"))
    half_full = _TakesAFew(path, 5)
    ahead._file, real = half_full, ahead._file  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):  # the second time that it is asked
        ahead.append([b'{"torn":1}'])
    half_full.close()
    ahead._file = real
    ahead.append([b'{"next":1}'])
    ahead.close()
    assert wal.finished(tmp_path)[0].read_bytes() == b'{"whole":1}\n{"next":1}\n'


class _TakesAFew:
    """A file that has room for some bytes more."""

    def __init__(self, path: Path, room: int) -> None:
        self._file = path.open("r+b", buffering=0)
        self._file.seek(0, os.SEEK_END)
        self._room = room

    def write(self, data: bytes) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken, self._room = self._file.write(data[: self._room]) or 0, 0
        return taken

    def close(self) -> None:
        self._file.close()

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def seek(self, place: int) -> None:
        self._file.seek(place)


def test_a_directory_that_cannot_be_written_fails_no_append_and_is_told_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "wal").write_text("a file stands where the folder should be")
    log = DecisionLog(tmp_path / "wal", 10)
    log.append(exposure())
    state = log.close()
    assert (state.written, state.dropped) == (0, 1)
    assert "1 events are lost" in caplog.text


def test_an_event_that_cannot_be_encoded_harms_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = DecisionLog(tmp_path, 10)
    log.append(exposure(scores=tuple(np.ones(2)), tip_ids=("sweep the floor", "b")))  # numpy's floats are no JSON
    log.append(good := exposure())
    assert log.close().dropped == 1
    assert _kept(tmp_path) == [good]
    assert "cannot be encoded" in caplog.text
    assert "sweep" not in caplog.text


def test_a_closed_log_counts_what_comes_late(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path, 10)
    log.close()
    log.append(exposure())
    assert log.state.dropped == 1


def test_a_file_in_use_is_not_finished_and_one_of_a_dead_process_is(tmp_path: Path) -> None:
    ahead = wal.WriteAhead(tmp_path)
    ahead.append([b"{}"])
    assert wal.finished(tmp_path) == []
    ahead._file.close()  # type: ignore[union-attr]  as the end of a process does
    assert [path.suffix for path in wal.finished(tmp_path)] == [".jsonl"]


def test_half_a_last_line_is_skipped_and_a_broken_one_within_is_named(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path, 10)
    log.append(event := exposure())
    log.close()
    path = wal.finished(tmp_path)[0]
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    assert list(wal.read(path)) == [event]
    path.write_bytes(b"{broken\n" + whole)
    with pytest.raises(ValueError, match="line 1 is no event"):
        list(wal.read(path))


def test_a_damaged_file_is_set_aside_and_the_next_is_published(tmp_path: Path) -> None:
    (tmp_path / "0.jsonl").write_bytes(b"{broken\n")
    before = DecisionLog(tmp_path, 10)
    before.append(event := exposure())
    before.close()
    broker = SwitchedBroker(is_up=True)
    log = DecisionLog(tmp_path, 10, broker)
    wait_until(lambda: event.event_id in broker.stored, timeout=5)
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["0.damaged"]


def test_a_file_that_cannot_be_read_keeps_no_other_event_from_the_broker_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(decision_log, "RETRY_S", 0.05)
    (tmp_path / "0.jsonl").mkdir()
    before = DecisionLog(tmp_path, 10)
    before.append(on_disk := exposure())
    before.close()
    broker = SwitchedBroker(is_up=True)
    log = DecisionLog(tmp_path, 10, broker)
    wait_until(lambda: on_disk.event_id in broker.stored, timeout=5)
    time.sleep(0.2)  # further attempts
    log.append(later := exposure())
    wait_until(lambda: later.event_id in broker.stored, timeout=5)
    assert log.close().dropped == 0
    assert caplog.text.count("cannot be published") == 1


def test_a_folder_that_cannot_be_listed_ends_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_log, "RETRY_S", 0.05)
    attempts = []

    def finished(directory: Path) -> list[Path]:
        attempts.append(directory)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(wal, "finished", finished)
    broker = SwitchedBroker(is_up=True)
    log = DecisionLog(tmp_path, 10, broker)
    wait_until(lambda: len(attempts) > 1, timeout=5)
    log.append(event := exposure())
    assert log.close().dropped == 0
    assert event.event_id in broker.stored


def test_files_rotate_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "ROTATE_BYTES", 10)
    log = DecisionLog(tmp_path, 10)
    for n in range(3):
        log.append(exposure())
        wait_until(lambda: log.state.written == n + 1, timeout=5)  # noqa: B023  called at once
        wait_until(lambda: len(wal.finished(tmp_path)) == n + 1, timeout=5)  # noqa: B023
    log.close()
    assert len(_kept(tmp_path)) == 3


_WRITER = """
import sys, time
from pathlib import Path
from support.exposures import exposure
from tip_serving.events.decision_log import DecisionLog
log = DecisionLog(Path(sys.argv[1]), 100_000)
for _ in range(1_000_000):
    log.append(event := exposure(n_tips=20))
    print(event.event_id, flush=True)
    time.sleep(0.001)
"""


def test_a_killed_process_loses_at_most_what_was_appended_in_its_last_moments(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    )  # fmt: skip
    wait_until(lambda: any(tmp_path.glob("*.open")), timeout=20)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    said = process.communicate()[0].split()
    kept = [event.event_id for event in _kept(tmp_path)]
    assert kept == said[: len(kept)]
    assert len(kept) > 0
    assert len(said) - len(kept) < 200  # 20 ms of them, on a machine that may be ten times as slow


def test_an_exposure_names_its_subject_and_keeps_vectors_bit_for_bit() -> None:
    event = exposure(n_tips=4)
    assert isinstance(event, Exposure)
    assert event.subject == "exposures.score"
    assert event.vectors is not None
    assert event.vectors.n_rows == 4
