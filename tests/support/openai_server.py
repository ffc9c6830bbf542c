"""An OpenAI-compatible server on loopback, in a process of its own, that behaves as a model's name says.

A model whose name holds one of these words behaves so, any other answers after the latency:
`always429`, `retryafter` (429 with Retry-After: 0.2 the first two times a request is seen), `oddafter` (the same with a
Retry-After that is no time), `first429` (the same without the header), `hang`, `err500`, `refuse` (content_filter),
`empty`, `garbled` (not JSON), `reset`, `denied` (401), `slow` (ten times the latency). A request for a stream is
answered word by word; `halfway` breaks off in the middle, `drips` takes 100 ms for each word.

A model whose name holds `judge` answers a judge's question in JSON, with points that follow from the tip's text alone
(`judged_points`). `judgegarbled` never gives a verdict, `judgefenced` puts it into a Markdown fence with prose around,
`judgefirst` prefers whatever stands first, `judgelong` gives all points to tips of more than 12 words, `judgeshort`
gives no verdict until it is told of its fault, `judgeleaves` leaves every item out, `judgeplain` refuses a request that
asks for a shape of the answer (400), `judgetires` answers the first ten requests and 429 from then on.

Every request is appended to a log file as one JSON line when it arrives and one when it is answered, so that calls of
killed clients can be counted. The server ends with its parent.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
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


def judged_points(tip: str, criterion: str) -> int:
    """What every model that judges gives a tip by one criterion: 1 to 5."""
    return 1 + hashlib.sha256(f"{criterion}:{tip}".encode()).digest()[0] % 5


def preferred(first: str, second: str, criteria: list[str]) -> str:
    """Which tip every model that judges prefers: the one with more points in all."""
    one, other = (sum(judged_points(tip, name) for name in criteria) for tip in (first, second))
    return "first" if one > other else "second" if other > one else "tie"


def _verdict(body: dict[str, Any]) -> str:
    """The answer of a model that judges, as its name says."""
    model, system, asked = body["model"], body["messages"][0]["content"], body["messages"][-1]["content"]
    item = json.loads(asked.partition("<data>")[2].partition("</data>")[0])
    criteria = re.findall(r"^### (\w+)$", system, re.MULTILINE)
    if "judgegarbled" in model or ("judgeshort" in model and "could not be read" not in asked):
        return "A fine tip. I would give it four points or so."
    if "judgeleaves" in model:
        return json.dumps({"reason": "I cannot read this language.", "scores": None, "preferred": None})
    if "tip" in item and "judgelong" in model:
        given: dict[str, Any] = {"scores": dict.fromkeys(criteria, 5 if len(item["tip"].split()) > 12 else 1)}
    elif "tip" in item:
        given = {"scores": {name: judged_points(item["tip"], name) for name in criteria}}
    elif "judgefirst" in model:
        given = {"preferred": "first"}
    else:
        given = {"preferred": preferred(item["first"], item["second"], criteria)}
    answer = json.dumps({"reason": "It names a task.", **given})
    return f"Here is what I think:\n```json\n{answer}\n```\nI hope it helps {{you}}." if "fenced" in model else answer


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
        n_asked = self._seen.total()
        asked = {name: body.get(name) for name in ("messages", "seed", "temperature", "response_format")}
        self._note(event="asked", key=key, model=model, **asked)
        await asyncio.sleep(self._latency_s * (10 if "slow" in model else 1))
        misbehaviour = await self._misbehave(request, body, self._seen[key], n_asked)
        if misbehaviour is not None:
            return misbehaviour
        finish = "content_filter" if "refuse" in model else "stop"
        text = _verdict(body) if "judge" in model else _text(body)
        text = "" if "empty" in model or "refuse" in model else text
        self._note(event="answered", key=key, model=model)
        if body.get("stream"):
            return await _stream(request, key, model, text, finish)
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

    async def _misbehave(
        self, request: web.Request, body: dict[str, Any], n_seen: int, n_asked: int
    ) -> web.StreamResponse | None:
        model = body["model"]
        passes = any(word in model for word in ("first429", "retryafter", "oddafter"))
        is_tired = "judgetires" in model and n_asked > 10
        if "always429" in model or is_tired or (passes and n_seen <= 2):
            after = "0.2" if "retryafter" in model else "in a while" if "oddafter" in model else None
            headers = {} if after is None else {"Retry-After": after}
            error = {"error": {"message": "rate limit", "type": "rate_limit", "code": "rate_limit"}}
            return web.json_response(error, status=429, headers=headers)
        if "hang" in model:
            await asyncio.sleep(3600)
        refusals = {
            500: ("broken", "err500" in model),
            401: ("no such key sk-abcdef123456", "denied" in model),
            400: ("no response_format", "judgeplain" in model and "response_format" in body),
        }
        for status, (message, is_due) in refusals.items():
            if is_due:
                return web.json_response({"error": {"message": message, "type": "error"}}, status=status)
        if "garbled" in model and "judge" not in model:
            return web.Response(text="<html>not json", content_type="application/json")
        if "reset" in model and request.transport is not None:
            request.transport.abort()
            return web.Response()
        return None


async def _stream(request: web.Request, key: str, model: str, text: str, finish: str) -> web.StreamResponse:
    """The text word by word as server-sent events; `halfway` breaks off after three, `drips` takes 100 ms for each."""
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)

    async def send(**fields: Any) -> None:
        chunk = {"id": key, "object": "chat.completion.chunk", "created": int(time.time()), "model": model, **fields}
        await answer.write(f"data: {json.dumps(chunk)}\n\n".encode())

    for place, word in enumerate(re.findall(r"\s*\S+", text)):
        if "halfway" in model and place == 3 and request.transport is not None:
            request.transport.abort()
            return answer
        await asyncio.sleep(0.1 if "drips" in model else 0)
        await send(choices=[{"index": 0, "delta": {"role": "assistant", "content": word}, "finish_reason": None}])
    await send(choices=[{"index": 0, "delta": {}, "finish_reason": finish}])
    await send(choices=[], usage={"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120})
    await answer.write(b"data: [DONE]\n\n")
    return answer


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
        return Counter(request["key"] for request in self.requests(model))

    def requests(self, model: str = "") -> list[dict[str, Any]]:
        """Everything that models whose name holds `model` were asked, in order of arrival."""
        whole = self.log.read_bytes().rpartition(b"\n")[0]  # what follows is being written
        entries = [json.loads(line) for line in whole.splitlines()]
        return [entry for entry in entries if entry["event"] == "asked" and model in entry["model"]]


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
