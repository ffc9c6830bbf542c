"""The lake on a disk: atomic writes, compare-and-swap, and one place that builds paths."""

import re
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, LakeError, MissingError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_what_was_written_is_read_listed_and_deleted(lake: Lake) -> None:
    lake.write("bench/a/one.json", b"1")
    lake.write("bench/a/b/two.json", b"22")
    lake.write("bench/a/one.json", b"111")
    assert lake.read("bench/a/one.json") == b"111"
    assert [(entry.path, entry.size) for entry in lake.find("bench")] == [
        ("bench/a/b/two.json", 2),
        ("bench/a/one.json", 3),
    ]
    assert lake.folders("bench") == ["a"]
    assert lake.exists("bench/a/one.json")
    lake.delete("bench/a/one.json")
    lake.delete("bench/a/one.json")
    assert not lake.exists("bench/a/one.json")
    with pytest.raises(MissingError):
        lake.read("bench/a/one.json")
    assert lake.find("nowhere") == lake.folders("nowhere") == []


def test_what_the_disk_refuses_is_told_with_the_path_and_what_was_attempted(tmp_path: Path) -> None:
    (tmp_path / "lake").write_bytes(b"a file where the lake should be")
    lake = Lake(str(tmp_path / "lake"))
    attempts: dict[str, Callable[[], object]] = {
        "read": lambda: lake.read("a/b"),
        "write": lambda: lake.write("a/b", b""),
        "swap": lambda: lake.swap("a/b", b"", None),
        "list": lambda: lake.folders("a"),
    }
    for name, attempt in attempts.items():
        with pytest.raises(LakeError, match=rf"Cannot {'write' if name == 'swap' else name} .*lake/a.*tip doctor"):
            attempt()


def test_that_something_is_there_is_told_even_where_nothing_can_be_written(lake: Lake) -> None:
    lake.write("spec.json", b"{}")
    assert lake.directory is not None
    (lake.directory / ".lock").mkdir()  # the lock cannot be taken, by root neither
    with pytest.raises(ConflictError):
        lake.swap("spec.json", b"{}", None)
    with pytest.raises(LakeError, match="Cannot write"):
        lake.swap("other.json", b"{}", None)


def test_half_written_files_are_seen_by_nobody(lake: Lake) -> None:
    lake.write("bench/a.json", b"whole")
    assert lake.directory is not None
    (lake.directory / "bench/.a.json.0123abcd").write_bytes(b"ha")  # what a kill in the middle of a write leaves
    assert [entry.path for entry in lake.find("bench")] == ["bench/a.json"]


def test_readers_see_the_old_bytes_or_the_new_ones(lake: Lake) -> None:
    contents = {bytes([digit]) * 200_000 for digit in b"0123456789"}
    lake.write("a", next(iter(contents)))
    seen: set[bytes] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(lake.read("a"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(10):
        for content in contents:
            lake.write("a", content)
    ended.set()
    reader.join()
    assert seen <= contents


def test_a_swap_wins_only_on_the_version_that_was_read(lake: Lake) -> None:
    first = lake.swap("lease", b"a", None)
    with pytest.raises(ConflictError):
        lake.swap("lease", b"b", None)
    assert lake.read_versioned("lease") == (b"a", first)
    second = lake.swap("lease", b"b", first)
    with pytest.raises(ConflictError):
        lake.swap("lease", b"c", first)
    lake.delete("lease")
    with pytest.raises(ConflictError):
        lake.swap("lease", b"c", second)


def test_of_many_swaps_at_once_none_is_lost(lake: Lake) -> None:
    lake.swap("counter", b"0", None)

    def add() -> None:
        for _ in range(10):
            while True:
                data, version = lake.read_versioned("counter")
                try:
                    lake.swap("counter", str(int(data) + 1).encode(), version)
                except ConflictError:
                    continue
                break

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lake.read("counter") == b"60"


def test_a_store_without_conditional_writes_says_what_to_do() -> None:
    with pytest.raises(LakeError, match="Set TIP_LAKE"):
        Lake("memory://bucket").swap("lease", b"a", None)


@given(st.text(min_size=1, max_size=40))
def test_any_name_is_one_path_segment_that_is_read_back(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    segment = layout.encode(name)
    assert "/" not in segment
    assert not segment.startswith(".")
    assert layout.decode(segment) == name


def test_paths_stay_below_their_experiment() -> None:
    hostile = "../../etc/passwd"
    for path in (layout.cell_result("tip-bench-a", hostile, hostile), layout.export_rows("tip-bench-a", hostile, "b")):
        assert path.startswith("bench/experiments/tip-bench-a/")
        assert ".." not in path.split("/")


def test_different_cells_never_share_a_path() -> None:
    cells = sorted([("a", "b@c"), ("a@b", "c"), ("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c")])
    paths = sorted(layout.cell_result("tip-bench-a", *cell) for cell in cells)
    assert all(one != other for one, other in pairwise(paths))


def test_nobody_but_the_layout_writes_a_path_of_the_lake() -> None:
    literal = re.compile(r"lake\.(read|write|find|folders|exists|delete|swap|read_versioned|locate)\(\s*f?[\"']")
    tables = re.compile(r"(read|write)_table\([\w.]+,\s*f?[\"']")
    files = [path for package in ("tip_serving", "tip_assets") for path in (ROOT / package).rglob("*.py")]
    sources = {path: path.read_text(encoding="utf-8") for path in files}
    offenders = [path.name for path, text in sources.items() if literal.search(text) or tables.search(text)]
    assert offenders == []
