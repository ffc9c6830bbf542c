"""What those who run the server rely on: probes, figures, tokens, logs, and that it ends without losing anything."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nats_server import free_port
from support.released import ask
from support.serving import Serving, is_ready, serving
from support.terminal import Terminal, wait_until

from tip_serving.api.auth import new_token
from tip_serving.settings import child_environment

TASK = "Return the borrowed zither to Ottilie"
TIP = "Put the zither next to the door, two minutes."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("serving")) as running:
        yield running


def test_the_probes_answer(server: Serving) -> None:
    assert server.get("/livez").json == {"status": "alive"}
    ready = server.get("/readyz")
    assert ready.status == 200
    assert ready.json["status"] == "ready"
    assert ready.json["manifest"] is None
    assert ready.json["events"]["dropped"] == 0


def test_figures_name_routes_and_count_requests_decisions_and_events(server: Serving) -> None:
    before = _figures(server)
    for _ in range(3):
        assert server.post("/score", ask()).status == 200
    assert server.get("/nowhere/secret-name").status == 404
    wait_until(lambda: _figures(server)['tip_events{outcome="written"}'] >= 3, timeout=10)
    after = _figures(server)
    key = 'tip_request_seconds_count{route="/score",status="200"}'
    assert after[key] - before.get(key, 0) == 3
    assert after['tip_request_seconds_count{route="other",status="404"}'] >= 1
    assert after['tip_decisions_total{arm="default",kind="score",manifest="none"}'] >= 3
    assert after["process_resident_memory_bytes"] > 1e7
    assert not [name for name in after if "secret" in name]


def _figures(server: Serving) -> dict[str, float]:
    lines = server.get("/metrics").body.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_a_request_keeps_its_callers_id_and_else_gets_one(server: Serving) -> None:
    given = server.get("/livez", **{"X-Request-Id": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    for odd in ("a b", "<script>", "x" * 65):
        assert re.fullmatch("[0-9a-f]{32}", server.get("/livez", **{"X-Request-Id": odd}).headers["x-request-id"])
    wait_until(lambda: any(line.get("request_id") == "abc-123" for line in server.log), timeout=5)


def test_feedback_becomes_an_event_and_what_is_unclear_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        told = {"user": "u", "decision_id": "d1", "tip_id": "t1", "reaction": "accepted", "event_id": "e1"}
        assert server.post("/feedback", json.dumps(told).encode()).json == {"event_id": "e1"}
        refused = server.post("/feedback", json.dumps({**told, "reaction": "rated", "surplus": 1}).encode())
        assert refused.status == 422
        assert any("surplus" in fault for fault in refused.json["faults"])
        assert server.end() == 0
        [event] = server.events
        assert (event.event_id, event.subject, event.user) == ("e1", "feedback.accepted", "u")
        assert event.retain_until is not None


def test_sigterm_under_load_loses_no_decision_that_was_answered(tmp_path: Path) -> None:
    answered: list[str] = []
    with serving(tmp_path) as server:
        threads = [threading.Thread(target=_ask_until_it_ends, args=(server, answered)) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answered) > 100, timeout=30)
        assert server.end() == 0
        for thread in threads:
            thread.join()
        decided = {event.decision_id for event in server.events}
        assert len(answered) > 100
        assert set(answered) <= decided
        assert server.log[-1]["message"].endswith("has ended.")


def _ask_until_it_ends(server: Serving, answered: list[str]) -> None:
    while True:
        try:
            answer = server.post("/score", ask())
        except OSError:
            return
        if answer.status == 200:
            answered.append(answer.json["decision_id"])


def test_one_killed_worker_is_replaced_while_the_others_serve(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        wait_until(lambda: len(server.workers) == 2, timeout=20)
        answered: list[str] = []
        first, second = server.workers
        first.kill()
        failed = 0
        end = time.monotonic() + 30
        while len(answered) < 20 and time.monotonic() < end:
            try:
                answered.append(server.post("/score", ask()).json["decision_id"])
            except OSError:
                failed += 1
        assert failed <= 1  # a connection that the dead one had taken
        assert len(answered) == 20
        wait_until(lambda: len(server.workers) == 2 and first.pid not in {w.pid for w in server.workers}, timeout=20)
        figures = _figures(server)
        assert figures['tip_request_seconds_count{route="/score",status="200"}'] >= len(answered)
        assert not list((tmp_path / "metrics").glob(f"*/gauge_live*_{first.pid}.db")), "it holds nothing any more"
        assert second.is_running()
        assert server.end() == 0
        decided = {event.decision_id for event in server.events}
        assert set(answered) <= decided
        assert not (tmp_path / "metrics").exists() or not list((tmp_path / "metrics").iterdir())


@pytest.mark.slow
def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        wait_until(lambda: len(server.workers) == 2, timeout=20)
        workers = server.workers
        wait_until(lambda: _n_serving(server) == 2, timeout=20)
        server.end(signal.SIGKILL)
        wait_until(lambda: not any(worker.is_running() for worker in workers), timeout=20)


def _n_serving(server: Serving) -> int:
    return sum(line["message"].endswith("serves.") for line in server.log if "message" in line)


def test_a_draining_worker_is_unready_and_still_answers(tmp_path: Path) -> None:
    with serving(tmp_path, TIP_DRAIN_S="2") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.get("/readyz").status == 503, timeout=2)
        assert server.get("/readyz").json["status"] == "draining"
        assert server.post("/score", ask()).status == 200
        assert server.process.wait(10) == 0


def test_callers_need_a_known_token_and_probes_none(tmp_path: Path) -> None:
    known, other = new_token("recommender"), new_token("stranger")
    with serving(tmp_path, TIP_SERVICE_TOKENS=known.entry) as server:
        refused = server.post("/score", ask())
        assert refused.status == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert server.post("/score", ask(), Authorization=f"Bearer {other.token}").status == 401
        assert server.post("/score", ask(), Authorization=known.token).status == 401
        assert server.post("/score", ask(), Authorization=f"bearer {known.token}").status == 200
        assert server.post("/feedback", b"{}").status == 401
        assert {server.get(path).status for path in ("/livez", "/readyz", "/metrics", "/openapi.json")} == {200}
        wait_until(lambda: any(line.get("caller") == "recommender" for line in server.log), timeout=5)
        assert known.token not in (tmp_path / "server.log").read_text()


def test_strangers_may_not_call_unless_somebody_says_so(tmp_path: Path) -> None:
    refused = Terminal(tmp_path).run("serve", "--host", "0.0.0.0", "--port", str(free_port()))  # noqa: S104
    assert refused.returncode == 1
    assert "no service token is set" in refused.stderr
    garbled = Terminal(tmp_path, {"TIP_SERVICE_TOKENS": "recommender:secret"}).run("serve")
    assert garbled.returncode == 1
    assert "entries 1 of 1" in garbled.stderr
    assert "secret" not in garbled.stderr


def test_a_taken_port_is_told_in_one_sentence(server: Serving, tmp_path: Path) -> None:
    ended = Terminal(tmp_path).run("serve", "--port", str(server.port))
    assert ended.returncode == 1
    assert f"port {server.port}: Address already in use" in ended.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_that_cannot_start_ends_and_says_so_by_its_exit_code(tmp_path: Path, workers: str) -> None:
    unknown = child_environment(TIP_HOME=str(tmp_path), TIP_ONLINE_STORE="mongodb://user:hunter2@somewhere")
    command = [sys.executable, "-m", "tip_serving", "--port", "0", "--routes", "score", "--workers", workers]
    done = subprocess.run(command, env=unknown, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "begins with 'mongodb'" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_made_token_opens_the_server_that_knows_its_entry(tmp_path: Path) -> None:
    made = Terminal(tmp_path).run("token", "app")
    token, entry = (line.split()[-1] for line in made.stdout.splitlines())
    with serving(tmp_path, TIP_SERVICE_TOKENS=entry) as server:
        assert server.post("/score", ask(), Authorization=f"Bearer {token}").status == 200
    assert Terminal(tmp_path).run("token", "a b").returncode == 1


def test_no_log_line_of_a_whole_session_holds_a_task_or_a_tip(tmp_path: Path) -> None:
    tasks = [{"id": "1", "content": TASK, "labels": ["zither-label"]}]
    with serving(tmp_path, "--workers", "2", routes="all", TIP_NATS_URL=f"nats://127.0.0.1:{free_port()}") as server:
        asked = [
            ("/score", ask(TIP, "Rest.", tasks=tasks)),
            ("/score", ask(TIP, tasks=[{"id": 1, "content": [TASK]}], profile_features={TASK: TIP})),
            ("/score", ask(TIP, TIP)),
            ("/score", json.dumps({TASK: TIP}).encode()),
            ("/score", TASK.encode()),
            (f"/{TASK.replace(' ', '%20')}?tip=zither", b"{}"),
            ("/generate", json.dumps({"user": "u", "tasks": tasks}).encode()),
            ("/generate", json.dumps({"user": "u", "tasks": tasks, "stream": True}).encode()),
            ("/generate", json.dumps({"user": "u", "tasks": tasks, "prompt_version": TIP}).encode()),
            ("/feedback", json.dumps({"user": "u", "decision_id": "d", "tip_id": TIP, "reaction": TASK}).encode()),
        ]
        statuses = [server.post(path, body).status for path, body in asked]
        assert 500 not in statuses
        assert statuses[0] == statuses[6] == 200
        server.end()
    said = (tmp_path / "server.log").read_text().lower()
    assert len(said.splitlines()) > len(asked)
    assert "zither" not in said
    assert "ottilie" not in said


def test_a_full_disk_fails_no_request(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (tmp_path / "wal").write_text("a file where the folder should be")
        assert {server.post("/score", ask()).status for _ in range(5)} == {200}
        wait_until(lambda: server.get("/readyz").json["events"]["is_disk_refusing"], timeout=10)
        assert server.get("/readyz").json["events"]["waiting"] == 5
        (tmp_path / "wal").unlink()
        wait_until(lambda: server.get("/readyz").json["events"]["written"] == 5, timeout=10)
        assert server.end() == 0
        assert len(server.events) == 5


def test_the_command_still_has_its_subcommands_and_a_bare_start_serves(tmp_path: Path) -> None:
    assert "serve" in Terminal(tmp_path).run("--help").stdout
    wrong = Terminal(tmp_path).run("--port", "x")
    assert wrong.returncode == 2
    assert "'x' is not a valid integer" in wrong.stderr


def test_is_ready_says_no_where_nobody_listens(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        assert not is_ready(server)
