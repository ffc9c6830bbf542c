"""The candidate store: nothing lost, nothing doubled, wherever a kill falls."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bench import create, workshop, write_candidates

from tip_serving.bench.identity import Cell, Need, needs
from tip_serving.bench.store import CANDIDATE_SCHEMA, CandidateStore
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, LakeError
from tip_serving.prompts import registry

CELL = Cell("embedded/first", "v1")


@pytest.fixture
def store(tmp_path: Path) -> CandidateStore:
    return CandidateStore(Lake(str(tmp_path / "lake")), tmp_path / "spool")


@pytest.fixture
def wanted(tmp_path: Path) -> list[Need]:
    place = workshop(tmp_path)
    asked = create(place)
    return needs(asked, CELL, registry.get("v1"), place.scenarios(asked.experiment))


def _segments(store: CandidateStore) -> list[Path]:
    assert store.lake.directory is not None
    return sorted((store.lake.directory / layout.segments(*CELL)).glob("*.jsonl"))


def test_a_candidate_can_be_read_before_its_segment_is_closed(store: CandidateStore, wanted: list[Need]) -> None:
    segment = store.open_segment(CELL)
    assert store.load(CELL).is_empty()
    segment.append({**_row(store, wanted[0])})
    assert store.load(CELL)["candidate_id"].to_list() == [wanted[0].candidate_id]
    segment.close()


def _row(store: CandidateStore, need: Need) -> dict[str, object]:
    """One row as a worker writes it, through a store of its own."""
    aside = CandidateStore(Lake(store.lake.url + "-aside"), Path(store.lake.url + "-spool"))
    write_candidates(aside, CELL, [need])
    assert aside.lake.directory is not None
    line = next((aside.lake.directory / layout.segments(*CELL)).glob("*.jsonl")).read_text()
    row: dict[str, object] = json.loads(line.splitlines()[-1])
    return row


def test_half_a_line_never_was_a_candidate(store: CandidateStore, wanted: list[Need]) -> None:
    write_candidates(store, CELL, wanted)
    path = _segments(store)[0]
    whole = path.read_bytes()
    for cut in (1, 20, len(whole.splitlines()[-1])):
        path.write_bytes(whole[:-cut])
        assert store.load(CELL)["candidate_id"].to_list() == [need.candidate_id for need in wanted[:-1]]


def test_a_candidate_written_twice_counts_once_and_the_first_stays(store: CandidateStore, wanted: list[Need]) -> None:
    write_candidates(store, CELL, wanted, experiment="tip-bench-one")
    store.compact(CELL)
    write_candidates(store, CELL, wanted, experiment="tip-bench-two")
    found = store.load(CELL)
    assert found.height == len(wanted)
    store.compact(CELL)
    assert store.load(CELL).height == len(wanted)


def test_compacting_changes_no_value_and_leaves_one_file(store: CandidateStore, wanted: list[Need]) -> None:
    write_candidates(store, CELL, wanted[:2])
    write_candidates(store, CELL, wanted[2:])
    before = store.load(CELL).sort("candidate_id")
    store.compact(CELL)
    assert store.load(CELL).sort("candidate_id").equals(before)
    assert _segments(store) == []
    assert len([entry for entry in store.lake.find(layout.cell_store(*CELL)) if entry.path.endswith(".parquet")]) == 1
    assert dict(before.schema) == CANDIDATE_SCHEMA


def test_a_compaction_killed_before_it_deleted_doubles_nothing(store: CandidateStore, wanted: list[Need]) -> None:
    write_candidates(store, CELL, wanted)
    segment = _segments(store)[0]
    content = segment.read_bytes()
    store.compact(CELL)
    segment.write_bytes(content)  # as if the kill had come between writing the part and deleting this
    assert store.load(CELL).height == len(wanted)
    store.compact(CELL)
    assert store.load(CELL).height == len(wanted)
    assert _segments(store) == []


def test_what_was_appended_survives_kill_9(store: CandidateStore, wanted: list[Need]) -> None:
    row = json.dumps(_row(store, wanted[0]))
    lines = [
        "import json, os, signal",
        "from pathlib import Path",
        "from tip_serving.bench.identity import Cell",
        "from tip_serving.bench.store import CandidateStore",
        "from tip_serving.lake.storage import Lake",
        f"store = CandidateStore(Lake({store.lake.url!r}), Path({store.lake.url + '-spool'!r}))",
        f"store.open_segment(Cell(*{tuple(CELL)!r})).append(json.loads({row!r}))",
        "os.kill(os.getpid(), signal.SIGKILL)",
    ]
    ended = subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False)
    assert ended.returncode == -9
    assert store.load(CELL)["candidate_id"].to_list() == [wanted[0].candidate_id]


def test_a_disk_that_takes_no_more_loses_only_the_row_it_refused(store: CandidateStore, wanted: list[Need]) -> None:
    lines = [
        "import json, resource",
        "from pathlib import Path",
        "from tip_serving.bench.identity import Cell",
        "from tip_serving.bench.store import CandidateStore",
        "from tip_serving.lake.storage import Lake, LakeError",
        f"row = json.loads({json.dumps(_row(store, wanted[0]))!r})",
        f"store = CandidateStore(Lake({store.lake.url!r}), Path({store.lake.url + '-spool'!r}))",
        f"segment = store.open_segment(Cell(*{tuple(CELL)!r}))",
        "segment.append(row)",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (segment._size + 40, -1))",
        "try:",
        "    segment.append(row | {'candidate_id': 'refused'})",
        "except LakeError as error:",
        "    print(error)",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))",
        "segment.append(row | {'candidate_id': 'after'})",
    ]
    ended = subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True)
    assert "Cannot keep a candidate" in ended.stdout
    assert store.load(CELL)["candidate_id"].to_list() == [wanted[0].candidate_id, "after"]


class _Hooked(Lake):
    """A lake in memory, as an object store; `before_write` runs at each write and may raise."""

    before_write: Callable[[], None] = staticmethod(lambda: None)

    def write(self, path: str, data: bytes) -> None:
        self.before_write()
        super().write(path, data)


@pytest.fixture
def shipped(tmp_path: Path) -> CandidateStore:
    return CandidateStore(_Hooked("memory://bucket/" + tmp_path.name), tmp_path / "spool")


def test_a_row_that_comes_while_others_are_shipped_is_shipped_at_the_end(
    shipped: CandidateStore, store: CandidateStore, wanted: list[Need]
) -> None:
    lake = shipped.lake
    assert isinstance(lake, _Hooked)
    row = _row(store, wanted[0])
    segment = shipped.open_segment(CELL)
    segment.append(row)
    lake.before_write = lambda: segment.append(row | {"candidate_id": "meanwhile"})
    segment.sync()
    lake.before_write = lambda: None
    segment.close()
    assert shipped.load(CELL)["candidate_id"].to_list() == [wanted[0].candidate_id, "meanwhile"]


def test_a_failed_shipment_is_shipped_again(shipped: CandidateStore, store: CandidateStore, wanted: list[Need]) -> None:
    lake = shipped.lake
    assert isinstance(lake, _Hooked)

    def refuse() -> None:
        raise LakeError("the object store has a bad second")

    segment = shipped.open_segment(CELL)
    segment.append(_row(store, wanted[0]))
    lake.before_write = refuse
    with pytest.raises(LakeError):
        segment.sync()
    lake.before_write = lambda: None
    segment.close()
    assert shipped.load(CELL)["candidate_id"].to_list() == [wanted[0].candidate_id]


def test_a_spool_that_a_dead_worker_left_is_shipped_by_the_next(tmp_path: Path, wanted: list[Need]) -> None:
    """On an object store; the memory file system stands for one as far as writing goes."""
    store = CandidateStore(Lake("memory://bucket/" + tmp_path.name), tmp_path / "spool")
    segment = store.open_segment(CELL)
    segment.append(_row(CandidateStore(Lake(str(tmp_path / "lake")), tmp_path / "spool2"), wanted[0]))
    segment._file.close()  # as the death of the worker does: neither shipped nor removed
    assert store.load(CELL).is_empty()
    store.recover(CELL)
    assert store.load(CELL)["candidate_id"].to_list() == [wanted[0].candidate_id]
    assert list((tmp_path / "spool").rglob("*.jsonl")) == []


def test_models_with_slashes_and_colons_keep_apart(store: CandidateStore, wanted: list[Need]) -> None:
    cells = [Cell("ollama/a:b", "v1"), Cell("ollama/a%3Ab", "v1"), Cell("ollama/a", "b/v1")]
    paths = {layout.cell_store(*cell) for cell in cells}
    assert len(paths) == 3
    assert all(path.count("/") == 3 for path in paths)
