"""Releases that change under load: no request fails, and no answer mixes two of them."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.released import Shelf, ask
from support.serving import Serving, serving
from support.terminal import wait_until

from tip_serving.events.exposure import Exposure
from tip_serving.lake.storage import Lake


def _keep_asking(server: Serving, answers: list[dict[str, Any]], statuses: set[int], over: threading.Event) -> None:
    while not over.is_set():
        answer = server.post("/score", ask())
        statuses.add(answer.status)
        answers.append(answer.json)


def _swap_under_load(home: Path, n_swaps: int, *arguments: str) -> tuple[list[dict[str, Any]], list[Exposure]]:
    """The answers of four callers, and what was logged, while releases with two models in turn follow one another."""
    shelf = Shelf(Lake(str(home / "lake")))
    arms = [shelf.arm("champion", seed=seed) for seed in (1, 2)]
    shelf.publish("0", arms[0])
    answers: list[dict[str, Any]] = []
    statuses: set[int] = set()
    over = threading.Event()
    with serving(home, *arguments, TIP_MANIFEST_POLL_S="0.01") as server:
        callers = [threading.Thread(target=_keep_asking, args=(server, answers, statuses, over)) for _ in range(4)]
        for caller in callers:
            caller.start()
        for version in range(1, n_swaps + 1):
            shelf.publish(str(version), arms[version % 2])
            _wait_for(str(version), answers)
        over.set()
        for caller in callers:
            caller.join()
        assert server.end() == 0
        events = [event for event in server.events if isinstance(event, Exposure)]
        assert [line for line in server.log if line["level"] == "error"] == []
    assert statuses == {200}
    return answers, events


def _wait_for(version: str, answers: list[dict[str, Any]]) -> None:
    wait_until(lambda: bool(answers) and answers[-1]["manifest_version"] == version, timeout=20)


def _assert_unmixed(answers: list[dict[str, Any]], events: list[Exposure]) -> None:
    by_seed: dict[int, set[str]] = {0: set(), 1: set()}
    policies: dict[int, set[str]] = {0: set(), 1: set()}
    for answer in answers:
        parity = int(answer["manifest_version"]) % 2
        by_seed[parity].add(json.dumps([found["score"] for found in answer["candidates"]]))
        policies[parity].add(answer["policy_version"])
        assert answer["model_version"] == f"reward-{parity + 1}"
    for found in (by_seed, policies):
        assert len(found[0]) == len(found[1]) == 1  # the same request under the same model has the same scores
        assert found[0] != found[1]
    logged = {event.decision_id: event for event in events}
    assert len(logged) == len(answers)
    for answer in answers:
        event = logged[answer["decision_id"]]
        assert (event.manifest_version, event.model_version) == (answer["manifest_version"], answer["model_version"])
        assert list(event.scores) == [found["score"] for found in answer["candidates"]]


def test_ten_swaps_under_load_fail_no_request_and_mix_no_answer(tmp_path: Path) -> None:
    answers, events = _swap_under_load(tmp_path, 10)
    _assert_unmixed(answers, events)
    assert {answer["manifest_version"] for answer in answers} == {str(version) for version in range(11)}


@pytest.mark.slow
def test_two_hundred_swaps_under_load_fail_no_request_and_mix_no_answer(tmp_path: Path) -> None:
    answers, events = _swap_under_load(tmp_path, 200)
    _assert_unmixed(answers, events)
    assert {answer["manifest_version"] for answer in answers} == {str(version) for version in range(201)}


def test_a_broken_release_is_refused_with_its_reason_while_the_old_one_serves(tmp_path: Path) -> None:
    shelf = Shelf(Lake(str(tmp_path / "lake")))
    shelf.publish("good", shelf.arm("champion", seed=1))
    with serving(tmp_path, TIP_MANIFEST_POLL_S="0.05") as server:
        shelf.publish("bad", shelf.arm("champion", seed=2, model=shelf.model(2, sha256="0" * 64)))
        wait_until(lambda: server.get("/readyz").json["refused_release"] is not None, timeout=10)
        ready = server.get("/readyz").json
        assert ready["status"] == "ready"
        assert ready["manifest"] == "good"
        assert "bad" in ready["refused_release"]
        assert server.post("/score", ask()).json["manifest_version"] == "good"
        began = time.monotonic()
        shelf.publish("mended", shelf.arm("champion", seed=2))
        wait_until(lambda: server.get("/readyz").json["manifest"] == "mended", timeout=10)
        assert time.monotonic() - began < 5
        assert server.get("/readyz").json["refused_release"] is None
