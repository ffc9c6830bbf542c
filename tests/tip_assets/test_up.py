"""`tip up` as a user starts it, on free ports: what it serves, what it picks up, and that it leaves nothing behind."""

import json
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from support.openai_server import OpenAIServer
from support.terminal import Terminal, loopback, wait_until

from tip_serving.lake import layout

SPEC = {"experiment": "tip-bench-by-hand", "models": ["openai/alpha"], "prompts": ["v1", "v2"], "n_scenarios": 10}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _up(terminal: Terminal) -> Iterator[tuple[int, int]]:
    dagster, mlflow, serving, admin = (_free_port() for _ in range(4))
    ports = ("--port", str(dagster), "--mlflow-port", str(mlflow), "--serving-port", str(serving))
    ports += ("--admin-port", str(admin))
    process = terminal.start("up", *ports)
    try:
        wait_until(lambda: process.poll() is not None or all(map(_answers, (dagster, mlflow))), timeout=120)
        assert process.poll() is None, process.communicate()[0]
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        yield dagster, serving
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert "Everything has ended." in output
        assert not [member for member in family if member.is_running()]
    finally:
        process.kill()
        process.communicate()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _ask(port: int, query: str) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        found: dict[str, object] = json.loads(answer.read())["data"]
    return found


def _scored(port: int) -> dict[str, object]:
    body = json.dumps({"user": "u", "candidates": ["Call the dentist.", "Rest."]}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/score", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        found: dict[str, object] = json.loads(answer.read())
    return found


@pytest.mark.timeout(420)
def test_a_spec_written_by_hand_is_picked_up_once_and_shown(tmp_path: Path, server: OpenAIServer) -> None:
    terminal = loopback(tmp_path, server)
    with _up(terminal) as (dagster, serving):
        terminal.lake.write(layout.spec("tip-bench-by-hand"), json.dumps(SPEC).encode())
        wait_until(lambda: terminal.lake.exists(layout.ranked_mark("tip-bench-by-hand")), timeout=200)
        # The same experiment from a terminal beside it: everything is there.
        beside = terminal.run("bench", "run", "--experiment", "tip-bench-by-hand")
        assert beside.returncode == 0, beside.stderr
        assert "No call was needed" in beside.stdout
        partitions = _ask(
            dagster, '{assetNodeOrError(assetKey: {path: ["candidates"]}) {... on AssetNode {partitionKeys}}}'
        )
        assert partitions == {"assetNodeOrError": {"partitionKeys": ["openai/alpha|v1", "openai/alpha|v2"]}}
        collects = _ask(dagster, '{runsOrError(filter: {pipelineName: "collect"}) {... on Runs {results {status}}}}')
        assert collects == {"runsOrError": {"results": [{"status": "SUCCESS"}]}}
        assert _scored(serving)["order"]
    asked = server.asked()
    assert len(asked) == asked.total() == 20
    assert terminal.board("tip-bench-by-hand")["n_scored"].to_list() == [10, 10]


def test_a_port_that_is_taken_is_named_and_nothing_is_started(tmp_path: Path, server: OpenAIServer) -> None:
    terminal = loopback(tmp_path, server)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ended = terminal.run("up", "--port", str(port), "--mlflow-port", str(_free_port()))
    assert ended.returncode == 1
    assert f"needs port {port}, which is taken" in ended.stderr
    assert not (tmp_path / "logs").exists()
