"""Write-ahead files come into the store whole, once, and whatever stops the import."""

from pathlib import Path

import numpy as np
import pytest
from support.events import life, reaction

from tip_serving.events import importing
from tip_serving.events.database import EventStoreError
from tip_serving.events.importing import import_files
from tip_serving.events.kinds import AnyEvent, encode
from tip_serving.events.store import EventStore, Kept, open_store
from tip_serving.events.wal import WriteAhead
from tip_serving.settings import Settings


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    return open_store(Settings(tip_event_store=f"sqlite:///{tmp_path}/events.db"))


def _written(directory: Path, *lines: bytes) -> Path:
    log = WriteAhead(directory)
    log.append(lines)
    log.close()
    return max(directory.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


def _total(store: EventStore) -> int:
    return sum(store.counts().values())


def test_files_are_imported_once_and_move(store: EventStore, tmp_path: Path) -> None:
    events = life(300, np.random.default_rng(1))
    for start in range(0, 300, 100):
        _written(tmp_path / "wal", *map(encode, events[start : start + 100]))
    done = list(import_files(store, tmp_path / "wal"))
    assert [one.kept for one in done] == [Kept(n_new=100)] * 3
    assert {one.path.parent.name for one in done} == {"imported"}
    assert list(import_files(store, tmp_path / "wal")) == []
    assert _total(store) == 300


def test_lines_that_are_no_event_are_set_aside_and_can_be_put_back_mended(store: EventStore, tmp_path: Path) -> None:
    good, unfit = reaction("d1"), reaction("d\0")
    path = _written(tmp_path / "wal", b"{}", encode(good), b"\xff\xfe", encode(unfit))
    (done,) = import_files(store, tmp_path / "wal")
    assert (done.kept, done.n_refused) == (Kept(n_new=1), 3)
    refused = tmp_path / "wal" / "refused" / path.name
    assert refused.read_bytes().splitlines() == [b"{}", b"\xff\xfe", encode(unfit)]
    reasons = refused.with_suffix(".txt").read_text().splitlines()
    assert [reason.split(" of ")[0] for reason in reasons] == ["line 1", "line 3", "line 4"]
    assert "NUL" in reasons[2]
    refused.write_bytes(encode(reaction("d2")) + b"\n")
    refused.rename(path)
    (again,) = import_files(store, tmp_path / "wal")
    assert (again.kept, again.n_refused) == (Kept(n_new=1), 0)


def test_a_file_that_a_server_writes_waits_and_half_a_line_of_a_dead_one_is_no_event(
    store: EventStore, tmp_path: Path
) -> None:
    server = WriteAhead(tmp_path / "wal")
    server.append([encode(reaction("d1"))])
    assert list(import_files(store, tmp_path / "wal")) == []
    server.close()
    dead = tmp_path / "wal" / "20260101T000000-dead.open"
    dead.write_bytes(encode(reaction("d2")) + b"\n" + encode(reaction("d3"))[:40])
    assert [(one.kept.n_new, one.n_refused) for one in import_files(store, tmp_path / "wal")] == [(1, 0), (1, 0)]


@pytest.mark.parametrize("n_batches", range(5))
def test_an_import_that_is_interrupted_goes_on_where_it_was(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_batches: int
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    events = life(60, np.random.default_rng(2))
    for start in (0, 30):
        _written(tmp_path / "wal", *map(encode, events[start : start + 30]))
    left = iter(range(n_batches))
    keep = store.keep

    def failing(batch: list[AnyEvent]) -> Kept:
        if next(left, None) is None:
            raise EventStoreError("the disk is full")
        return keep(batch)

    monkeypatch.setattr(store, "keep", failing)
    with pytest.raises(EventStoreError, match="full"):
        list(import_files(store, tmp_path / "wal"))
    assert _total(store) == 10 * n_batches
    monkeypatch.setattr(store, "keep", keep)
    assert sum(one.kept.n_new for one in import_files(store, tmp_path / "wal")) == 60 - 10 * n_batches
    assert _total(store) == 60


def test_a_folder_that_is_not_there_holds_nothing(store: EventStore, tmp_path: Path) -> None:
    assert list(import_files(store, tmp_path / "nowhere")) == []
