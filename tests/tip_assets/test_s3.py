"""The same run on a lake in an object store: a real S3 server on loopback, a real process killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import object_store as object_stores
from support.object_store import ObjectStore
from support.openai_server import OpenAIServer
from support.terminal import Terminal, kill_tree, loopback, wait_until

from tip_serving.bench import leaderboard
from tip_serving.bench.identity import Cell
from tip_serving.bench.store import CandidateStore
from tip_serving.lake.storage import ConflictError, Lake

COMMAND = ("bench", "run", "--experiment", "tip-bench-s3", "--models", "openai/alpha", "--prompts", "v1,v2",
           "--n-scenarios", "40", "--concurrency", "8")  # fmt: skip


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with object_stores.running(monkeypatch) as running:
        yield running


def test_a_swap_on_an_object_store_lets_one_writer_win(object_store: ObjectStore) -> None:
    lake = Lake(object_store.url)
    version = lake.swap("a/lease.json", b"mine", None)
    with pytest.raises(ConflictError):
        lake.swap("a/lease.json", b"theirs", None)
    assert lake.read_versioned("a/lease.json") == (b"mine", version)
    lake.swap("a/lease.json", b"mine again", version)
    with pytest.raises(ConflictError):
        lake.swap("a/lease.json", b"theirs", version)
    assert [entry.path for entry in lake.find("a")] == ["a/lease.json"]


def test_a_killed_run_on_an_object_store_goes_on_where_it_was(
    tmp_path: Path, server: OpenAIServer, object_store: ObjectStore
) -> None:
    terminal: Terminal = loopback(tmp_path, server, TIP_LAKE=object_store.url, **object_store.environment)
    process = terminal.start(*COMMAND)
    wait_until(lambda: server.asked().total() >= 30)
    kill_tree(process)

    done = terminal.run(*COMMAND)

    assert done.returncode == 0, done.stderr + done.stdout
    asked = server.asked()
    assert len(asked) == 80
    assert asked.total() - 80 <= 8
    lake = Lake(object_store.url)
    for prompt in ("v1", "v2"):
        found = CandidateStore(lake, tmp_path / "spool").load(Cell("openai/alpha", prompt))
        assert found.height == found["candidate_id"].n_unique() == 40
    assert leaderboard.read(lake, "tip-bench-s3")["n_scored"].to_list() == [40, 40]
    assert not list((tmp_path / "spool").rglob("*.jsonl"))
    assert not (tmp_path / "lake").exists()
