"""An OpenAI-compatible server on loopback, in a process of its own, that behaves as a model's name says.

A model whose name holds one of these words behaves so, any other answers after the latency:
`always429`, `retryafter` (429 with Retry-After: 0.2 the first two times a request is seen), `oddafter` (the same with a
Retry-After that is no time), `first429` (the same without the header), `hang`, `err500`, `refuse` (content_filter),
`empty`, `garbled` (not JSON), `reset`, `denied` (401), `slow` (ten times the latency).

Every request is appended to a log file as one JSON line when it arrives and one when it is answered, so that calls of
killed clients can be counted. The server ends with its parent.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

_WORDS = (
    "Begin",
    "with",
    "one",
    "small",
    "step",
    "now",
    "and",
    "give",
    "it",
    "ten",
    "calm",
    "minutes",
    "before",
    "mail",
)


def _text(body: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([body["messages"], body.get("seed")]).encode()).digest()
    return " ".join(_WORDS[byte % len(_WORDS)] for byte in digest[:12]) + f" {digest.hex()[:6]}."


class _Server:
    def __init__(self, latency_s: float, log: Path) -> None:
        self._latency_s = latency_s
        self._log = log.open("ab", buffering=0)
        self._seen: Counter[str] = Counter()

    def _note(self, **entry: Any) -> None:
        self._log.write(json.dumps({"at": time.time(), **entry}).encode() + b"\n")

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = body["model"]
        key = hashlib.sha256(json.dumps([model, body["messages"], body.get("seed")]).encode()).hexdigest()[:24]
        self._seen[key] += 1
        self._note(event="asked", key=key, model=model, messages=body["messages"])
        await asyncio.sleep(self._latency_s * (10 if "slow" in model else 1))
        misbehaviour = await self._misbehave(request, model, self._seen[key])
        if misbehaviour is not None:
            return misbehaviour
        finish = "content_filter" if "refuse" in model else "stop"
        text = "" if "empty" in model or "refuse" in model else _text(body)
        self._note(event="answered", key=key, model=model)
        return web.json_response(
            {
                "id": key,
                "object": "chat.completion",
                "created": int(time.time()),
                "model": model,
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish},
                ],
                "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
            }
        )

    async def _misbehave(self, request: web.Request, model: str, n_seen: int) -> web.StreamResponse | None:
        passes = any(word in model for word in ("first429", "retryafter", "oddafter"))
        if "always429" in model or (passes and n_seen <= 2):
            after = "0.2" if "retryafter" in model else "in a while" if "oddafter" in model else None
            headers = {} if after is None else {"Retry-After": after}
            error = {"error": {"message": "rate limit", "type": "rate_limit", "code": "rate_limit"}}
            return web.json_response(error, status=429, headers=headers)
        if "hang" in model:
            await asyncio.sleep(3600)
        if "err500" in model:
            return web.json_response({"error": {"message": "broken", "type": "server"}}, status=500)
        if "denied" in model:
            return web.json_response({"error": {"message": "no such key sk-abcdef123456", "type": "auth"}}, status=401)
        if "garbled" in model:
            return web.Response(text="<html>not json", content_type="application/json")
        if "reset" in model and request.transport is not None:
            request.transport.abort()
            return web.Response()
        return None


async def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  nobody signals the death of a parent
        await asyncio.sleep(0.5)
    os._exit(0)


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--log", type=Path, required=True)
    arguments = parser.parse_args()
    server = _Server(arguments.latency_ms / 1e3, arguments.log)
    app = web.Application(client_max_size=16 * 1024**2)
    app.router.add_post("/v1/chat/completions", server.chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", arguments.port, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)  # noqa: T201  the caller reads the port
    await _end_with_parent(os.getppid())


@dataclass(frozen=True)
class OpenAIServer:
    """A running server: where it answers and what it was asked."""

    port: int
    log: Path

    @property
    def base(self) -> str:
        """For OPENAI_API_BASE."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment."""
        return {"OPENAI_API_BASE": self.base, "OPENAI_API_KEY": "sk-loopback-0000"}

    def asked(self, model: str = "") -> Counter[str]:
        """How often each request (by its content) was asked, of models whose name holds `model`."""
        entries = [json.loads(line) for line in self.log.read_bytes().splitlines()]
        return Counter(entry["key"] for entry in entries if entry["event"] == "asked" and model in entry["model"])


@contextlib.contextmanager
def running(log: Path, latency_ms: float = 0.0) -> Iterator[OpenAIServer]:
    """A server with an empty log, ended at the end."""
    log.touch()
    command = [sys.executable, __file__, "--latency-ms", str(latency_ms), "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield OpenAIServer(int(process.stdout.readline()), log)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_main())
