"""Calls through a worker process: what survives its death, and that it survives nobody."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
from support.openai_server import OpenAIServer
from support.terminal import wait_until

from tip_serving.generation.gateway import Gateway
from tip_serving.generation.model import Completion, CompletionRequest, FailureKind, GenerationError, Message, Usage
from tip_serving.generation.remote import WorkerGateway, WorkerPool
from tip_serving.generation.worker import _Worker


def _request(text: str, model: str = "openai/alpha") -> CompletionRequest:
    return CompletionRequest(model, (Message("user", text),), temperature=0.7, max_tokens=60, seed=1)


@pytest.fixture(autouse=True)
def _loopback(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {**server.environment, "TIP_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)


def _process(gateway: WorkerGateway) -> psutil.Process:
    return psutil.Process(gateway._worker.process.pid)


def test_calls_made_before_the_worker_is_ready_are_answered(server: OpenAIServer) -> None:
    async def run() -> list[Completion]:
        gateway = WorkerPool(4).open()
        found = await asyncio.gather(*(gateway.complete(_request(str(number))) for number in range(8)))
        await gateway.aclose()
        return found

    found = asyncio.run(run())
    assert len({completion.text for completion in found}) == 8
    assert server.asked().total() == 8


def test_a_worker_that_dies_is_replaced_once_and_asked_again(server: OpenAIServer) -> None:
    async def run() -> tuple[list[Completion | BaseException], int]:
        gateway = WorkerPool(4).open()
        await gateway.complete(_request("warm"))
        first = _process(gateway)
        calls = [asyncio.create_task(gateway.complete(_request(str(number), "openai/slow"))) for number in range(3)]
        await asyncio.sleep(0.2)
        first.kill()
        found = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)
        _process(gateway).kill()
        with pytest.raises(GenerationError) as caught:
            await asyncio.wait_for(gateway.complete(_request("after the second death")), 30)
        assert caught.value.kind is FailureKind.UPSTREAM
        assert "ended with exit code -9" in str(caught.value)
        await gateway.aclose()
        return list(found), first.pid

    found, _ = asyncio.run(run())
    assert all(isinstance(completion, Completion) for completion in found)


def test_a_failure_tells_the_same_through_the_pipe(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIP_CALL_ATTEMPTS", "1")

    async def run() -> GenerationError:
        gateway = WorkerPool(2).open()
        with pytest.raises(GenerationError) as caught:
            await gateway.complete(_request("x", "openai/denied"))
        await gateway.aclose()
        return caught.value

    error = asyncio.run(run())
    assert (error.kind, error.model, len(error.attempts)) == (FailureKind.DENIED, "openai/denied", 1)


def test_what_a_refused_call_took_is_told_through_the_pipe(server: OpenAIServer) -> None:
    async def run() -> GenerationError:
        gateway = WorkerPool(2).open()
        with pytest.raises(GenerationError) as caught:
            await gateway.complete(_request("x", "openai/refuse"))
        await gateway.aclose()
        return caught.value

    error = asyncio.run(run())
    assert (error.kind, error.usage) == (FailureKind.REFUSED, Usage(100, 20, None))


def test_no_worker_outlives_a_caller_that_was_killed() -> None:
    script = (
        "import time; from tip_serving.generation.remote import WorkerPool; pool = WorkerPool(2); pool.prepare();"
        "print(pool._prepared.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        worker = psutil.Process(int(caller.stdout.readline()))
        caller.kill()
    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, timeout=30)


def test_a_prepared_worker_that_nobody_used_is_ended() -> None:
    pool = WorkerPool(2)
    pool.prepare()
    assert pool._prepared is not None
    process = pool._prepared.process
    pool.close()
    assert process.poll() is not None


def test_a_defect_of_the_gateway_answers_its_call_instead_of_leaving_it_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(self: Gateway, request: CompletionRequest) -> Completion:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(Gateway, "complete", broken)
    reading, writing = os.pipe()

    async def run() -> None:
        worker = _Worker(Gateway.__new__(Gateway), writing)
        worker.heed(json.dumps({"id": 7, "request": asdict(_request("x"))}).encode())
        await asyncio.wait_for(asyncio.gather(*worker._calls.values()), 5)

    asyncio.run(run())
    os.close(writing)
    with os.fdopen(reading) as answers:
        answer = json.loads(answers.read())
    assert answer["id"] == 7
    assert answer["error"]["kind"] == FailureKind.UPSTREAM.value
    assert "nobody thought of this" in answer["error"]["attempts"][0]
