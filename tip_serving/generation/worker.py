"""The gateway in a process of its own: LiteLLM's import (seconds) and its CPU run on another core than the caller.

`python -m tip_serving.generation.worker` is the worker; its caller's side is `remote`. One JSON object a line:
requests, cancellations and stops come in on standard input, answers go out on what was standard output. The worker
ends when its input ends, so it never outlives its caller, however that dies.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Any

from tip_serving import settings
from tip_serving.generation.catalog import Catalog
from tip_serving.generation.gateway import Gateway, Patience
from tip_serving.generation.model import CompletionRequest, FailureKind, GenerationError, Message

LINE_LIMIT = 16 * 1024 * 1024  # bytes; a request holds a whole prompt


def request_from(data: dict[str, Any]) -> CompletionRequest:
    """The request that `dataclasses.asdict` and JSON have taken apart."""
    return CompletionRequest(**{**data, "messages": tuple(Message(*message) for message in data["messages"])})


class _Worker:
    def __init__(self, gateway: Gateway, output_fd: int) -> None:
        self._gateway = gateway
        self._output_fd = output_fd
        self._calls: dict[int, asyncio.Task[None]] = {}

    def heed(self, line: bytes) -> None:
        """Act on one line from the caller."""
        match json.loads(line):
            case {"id": int(call_id), "request": dict(request)}:
                task = asyncio.create_task(self._answer(call_id, request_from(request)))
                self._calls[call_id] = task
                task.add_done_callback(lambda _: self._calls.pop(call_id, None))
            case {"cancel": int(call_id)} if call_id in self._calls:
                self._calls[call_id].cancel()
            case {"stop": True}:
                self._stopping = asyncio.create_task(self._gateway.stop())

    async def _answer(self, call_id: int, request: CompletionRequest) -> None:
        try:
            completion = await self._gateway.complete(request)
        except GenerationError as error:
            told = {"kind": error.kind.value, "attempts": list(error.attempts), "usage": error.usage}
            self.send({"id": call_id, "error": told})
        except Exception as error:  # noqa: BLE001  a call without an answer would be waited for for ever
            attempts = [f"a defect of the gateway: {type(error).__name__}: {error}"]
            self.send({"id": call_id, "error": {"kind": FailureKind.UPSTREAM.value, "attempts": attempts}})
        else:
            self.send({"id": call_id, "completion": asdict(completion)})

    def send(self, answer: dict[str, Any]) -> None:
        """Write one line; the caller reads all the time, so this waits for nothing worth mentioning."""
        data = memoryview(json.dumps(answer).encode() + b"\n")
        while data:
            data = data[os.write(self._output_fd, data) :]


async def _serve(concurrency: int, output_fd: int) -> None:
    chosen = settings.load()
    patience = Patience(attempts=chosen.tip_call_attempts, timeout_s=chosen.tip_call_timeout_s)
    gateway = Gateway(Catalog.load(chosen), patience, concurrency)
    await gateway.warm_up()
    worker = _Worker(gateway, output_fd)
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    worker.send({"ready": True})
    while line := await reader.readline():
        worker.heed(line)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="Answers model calls over a pipe.")
    parser.add_argument("--concurrency", type=int, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the caller decides what it means
    output_fd = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not end up between the answers
    loop_factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner, contextlib.suppress(BrokenPipeError):
        runner.run(_serve(arguments.concurrency, output_fd))
        # The caller is gone or has closed us: calls on the wire have nobody left to answer to.
        os._exit(0)


if __name__ == "__main__":
    main()
