"""The caller's side of the worker process: a generator that hands calls over a pipe.

`WorkerPool.prepare` starts a process before anybody has an event loop, so that its imports overlap the caller's own.
"""

import asyncio
import itertools
import json
from dataclasses import asdict
from typing import Any

from tip_serving.generation.model import Completion, CompletionRequest, FailureKind, GenerationError, Usage
from tip_serving.generation.worker import LINE_LIMIT
from tip_serving.processes import ModuleProcess


def _start(concurrency: int) -> ModuleProcess:
    return ModuleProcess("tip_serving.generation.worker", "--concurrency", str(concurrency))


class WorkerPool:
    """Hands out generators, each on a worker process; one process may be prepared ahead."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._prepared: ModuleProcess | None = None

    def prepare(self) -> None:
        """Start a worker now for the next `open`."""
        if self._prepared is None:
            self._prepared = _start(self._concurrency)

    def open(self) -> "WorkerGateway":
        """A generator on the prepared worker, or on a new one; used and closed within one event loop."""
        worker, self._prepared = self._prepared or _start(self._concurrency), None
        return WorkerGateway(worker, self._concurrency)

    def close(self) -> None:
        """End a worker that was prepared and never used."""
        if self._prepared is not None:
            self._prepared.end()
            self._prepared = None


class WorkerGateway:
    """A `Generator` whose calls are made by a worker process.

    A worker that dies is replaced once and asked again what it had not answered; when that one dies too, calls fail
    as UPSTREAM with its last words.
    """

    def __init__(self, worker: ModuleProcess, concurrency: int) -> None:
        self._worker = worker
        self._concurrency = concurrency
        self._ids = itertools.count()
        self._waiting: dict[int, tuple[CompletionRequest, asyncio.Future[Completion]]] = {}
        self._may_restart = True
        self._is_closing = False
        self._dead: str | None = None
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answers: asyncio.ReadTransport | None = None

    async def complete(self, request: CompletionRequest) -> Completion:
        """The completion of `request`. Raises GenerationError when it fails for good."""
        if self._dead is not None:
            raise GenerationError(request.model, FailureKind.UPSTREAM, (self._dead,))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_for_ever())
        call_id = next(self._ids)
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = (request, future)
        self._send_call(call_id, request)
        try:
            return await future
        except asyncio.CancelledError:
            self._send({"cancel": call_id})
            raise
        finally:
            self._waiting.pop(call_id, None)

    async def stop(self) -> None:
        """Let calls on the wire finish; those queued or between attempts end at once as STOPPED."""
        self._send({"stop": True})

    async def aclose(self) -> None:
        """End the worker."""
        self._is_closing = True
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._answers is not None:
            self._answers.close()
        await asyncio.to_thread(self._worker.end)

    async def _connect(self) -> asyncio.StreamReader:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LINE_LIMIT)
        process = self._worker.process
        self._answers, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(loop=loop), process.stdin
        )
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)
        return reader

    async def _read_for_ever(self) -> None:
        while True:
            reader = await self._connect()
            for call_id, (request, _) in list(self._waiting.items()):
                self._send_call(call_id, request)
            while line := await reader.readline():
                self._take(json.loads(line))
            if self._is_closing:
                return
            last_words = await asyncio.to_thread(self._worker.last_words)
            await asyncio.to_thread(self._worker.end)
            if not self._may_restart:
                self._dead = last_words
                for request, future in self._waiting.values():
                    if not future.done():
                        future.set_exception(GenerationError(request.model, FailureKind.UPSTREAM, (last_words,)))
                return
            self._may_restart = False
            self._writer = None
            self._worker = _start(self._concurrency)

    def _take(self, answer: dict[str, Any]) -> None:
        request, future = self._waiting.get(answer.get("id", -1), (None, None))
        if request is None or future is None or future.done():
            return
        if "completion" in answer:
            future.set_result(Completion(**answer["completion"]))
        else:
            error = answer["error"]
            kind, usage = FailureKind(error["kind"]), error["usage"] and Usage(*error["usage"])
            future.set_exception(GenerationError(request.model, kind, tuple(error["attempts"]), usage))

    def _send_call(self, call_id: int, request: CompletionRequest) -> None:
        self._send({"id": call_id, "request": asdict(request)})

    def _send(self, message: dict[str, Any]) -> None:
        """Hand one line to the worker; before it is connected nothing is lost, since connecting sends what waits."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")
