"""The gateway: LiteLLM's `acompletion`, plus what it does not do by itself.

A hard timeout around every attempt, retries with backoff that honour Retry-After, limits at once (in all and per
model), accounting of tokens and cost, an error that says what was tried, and a way to stop.
"""

import asyncio
import email.utils
import math
import random
import re
import time
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tip_serving import settings
from tip_serving.generation.catalog import EMBEDDED, Catalog, embedded_models
from tip_serving.generation.model import Completion, CompletionRequest, FailureKind, GenerationError, Message, Usage

MAY_PASS = frozenset({FailureKind.RATE_LIMITED, FailureKind.TIMEOUT, FailureKind.UPSTREAM})
_REFUSALS = frozenset({"content_filter", "safety", "refusal"})
_KINDS = {
    400: FailureKind.INVALID,
    401: FailureKind.DENIED,
    403: FailureKind.DENIED,
    404: FailureKind.DENIED,
    408: FailureKind.TIMEOUT,
    413: FailureKind.INVALID,
    422: FailureKind.INVALID,
    429: FailureKind.RATE_LIMITED,
}
_SECRET = re.compile(r"(sk-|key-|Bearer\s+)[A-Za-z0-9_\-*.]{4,}")


@dataclass(frozen=True)
class Patience:
    """How long a call is tried; all times in seconds."""

    attempts: int = 4
    timeout_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


class _AttemptError(Exception):
    def __init__(
        self, kind: FailureKind, message: str, retry_after_s: float | None = None, usage: Usage | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.usage = usage


def prepare_litellm() -> Any:
    """LiteLLM, imported (seconds) and set up: no telemetry, no network at import, embedded writers registered.

    The OpenAI-compatible handler that is switched on here goes straight to aiohttp and halves the CPU of a call
    (2.0 against 4.0 ms); the other one passes every request through the OpenAI SDK's own transforms.
    """
    settings.export(
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER="true",
        LITELLM_LOG="ERROR",
        LITELLM_TELEMETRY="False",
    )
    # What LiteLLM loads at its first stream has types that pydantic warns of, and nobody here can mend.
    warnings.filterwarnings("ignore", message=".*using the `ReadOnly` qualifier", category=UserWarning)
    import litellm

    from tip_serving.generation import embedded_provider

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True  # a provider that knows no seed answers without one
    litellm.num_retries = 0
    embedded_provider.register()
    return litellm


class Gateway:
    """Answers calls through LiteLLM, in the event loop in which it was made.

    Args:
        catalog: prices that a team declared win over LiteLLM's.
        patience: how long a call is tried.
        concurrency: attempts on the wire at once, over all models and for each one.
    """

    def __init__(self, catalog: Catalog, patience: Patience, concurrency: int) -> None:
        self._litellm = prepare_litellm()
        self._catalog = catalog
        self._patience = patience
        self._slots = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._slots_of: dict[str, asyncio.Semaphore] = {}
        self._stopped = asyncio.Event()
        self._random = random.Random()  # noqa: S311  spreads retries; not security

    async def complete(self, request: CompletionRequest) -> Completion:
        """The completion of `request`. Raises GenerationError when it fails for good."""
        tried: list[str] = []
        for attempt in range(1, self._patience.attempts + 1):
            try:
                return await self._attempt(request, attempt)
            except _AttemptError as error:
                wait = self._wait_after(attempt, error)
                tried.append(f"{error}" + (f", waited {wait:.1f} s" if wait else ""))
                if wait is None:
                    raise GenerationError(request.model, error.kind, tuple(tried), error.usage) from None
                if await self._stops_within(wait):
                    raise GenerationError(request.model, FailureKind.STOPPED, tuple(tried)) from None
        raise AssertionError

    async def stream(self, request: CompletionRequest) -> AsyncIterator[str | Completion]:
        """The pieces of the text as they arrive and then the completion; tried once, since pieces are out already.

        Its caller limits the time. Raises GenerationError.
        """
        started = time.perf_counter()
        try:
            async with self._slots_for(request.model), self._slots:
                answer = await self._litellm.acompletion(
                    **self._call(request), stream=True, stream_options={"include_usage": True}
                )
                chunks = []
                async for chunk in answer:
                    chunks.append(chunk)
                    if chunk.choices and (piece := chunk.choices[0].delta.content):
                        yield piece
            whole = self._litellm.stream_chunk_builder(chunks, messages=self._call(request)["messages"])
            yield self._completion(request, whole, (time.perf_counter() - started) * 1e3, 1)
        except _AttemptError as error:
            raise GenerationError(request.model, error.kind, (str(error),), error.usage) from None
        except Exception as error:  # noqa: BLE001  LiteLLM raises its own, openai's, aiohttp's and httpx's errors
            failed = _translated(error)
            raise GenerationError(request.model, failed.kind, (str(failed),)) from None

    async def stop(self) -> None:
        """Let attempts on the wire finish; all else ends at once as STOPPED."""
        self._stopped.set()

    async def aclose(self) -> None:
        """Close the connections that LiteLLM keeps open."""
        await self._litellm.close_litellm_async_clients()

    async def warm_up(self) -> None:
        """Pay for what LiteLLM loads at its first call (0.4 s) before anybody's latency is measured."""
        greeting = (Message("user", "Hello"),)
        await self.complete(CompletionRequest(embedded_models()[0], greeting, temperature=0.0, max_tokens=1))

    def _slots_for(self, model: str) -> asyncio.Semaphore:
        # Embedded writers only compute: side by side they would wait for one another and call that latency.
        n_slots = 1 if model.startswith(EMBEDDED) else self._concurrency
        return self._slots_of.setdefault(model, asyncio.Semaphore(n_slots))

    def _wait_after(self, attempt: int, error: _AttemptError) -> float | None:
        """Seconds before the next attempt, None where there is none: full jitter, or what the server asked for."""
        if attempt == self._patience.attempts or error.kind not in MAY_PASS:
            return None
        if error.retry_after_s is not None:
            return min(max(error.retry_after_s, 0.0), self._patience.longest_wait_s)
        highest: float = min(self._patience.first_wait_s * 2 ** (attempt - 1), self._patience.longest_wait_s)
        return highest * self._random.uniform(0.5, 1.0)

    async def _stops_within(self, wait: float) -> bool:
        try:
            async with asyncio.timeout(wait):
                await self._stopped.wait()
        except TimeoutError:
            return False
        return True

    async def _attempt(self, request: CompletionRequest, n_attempts: int) -> Completion:
        async with self._slots_for(request.model), self._slots:
            if self._stopped.is_set():
                raise _AttemptError(FailureKind.STOPPED, "stopped before the attempt")
            started = time.perf_counter()
            answer = await self._ask(request)
            latency_ms = (time.perf_counter() - started) * 1e3
        try:
            return self._completion(request, answer, latency_ms, n_attempts)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise _AttemptError(FailureKind.UPSTREAM, f"an answer of no known shape: {error}") from None

    async def _ask(self, request: CompletionRequest) -> Any:
        try:
            # LiteLLM enforces no timeout for custom providers and lets a slow body pass: this one is ours.
            async with asyncio.timeout(self._patience.timeout_s):
                return await self._litellm.acompletion(**self._call(request))
        except TimeoutError:
            raise _AttemptError(FailureKind.TIMEOUT, f"no answer within {self._patience.timeout_s:g} s") from None
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  LiteLLM raises its own, openai's, aiohttp's and httpx's errors
            raise _translated(error) from None

    def _call(self, request: CompletionRequest) -> dict[str, Any]:
        """The request as LiteLLM takes it."""
        call = {
            "model": request.model,
            "messages": [message._asdict() for message in request.messages],
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "seed": request.seed,
            "timeout": self._patience.timeout_s + 1,
            "max_retries": 0,
        }
        return call if request.response_format is None else {**call, "response_format": request.response_format}

    def _completion(self, request: CompletionRequest, answer: Any, latency_ms: float, n_attempts: int) -> Completion:
        choice = answer.choices[0] if answer.choices else None
        finish_reason = str(choice.finish_reason or "stop") if choice else "none"
        text = (choice.message.content or "").strip() if choice else ""
        usage = self._usage(request.model, answer)
        if finish_reason in _REFUSALS:
            raise _AttemptError(FailureKind.REFUSED, f"the model declined (finish_reason {finish_reason})", usage=usage)
        if not text:
            raise _AttemptError(FailureKind.REFUSED, f"an empty answer (finish_reason {finish_reason})", usage=usage)
        return Completion(
            text=text,
            finish_reason=finish_reason,
            latency_ms=latency_ms,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=usage.cost_usd,
            n_attempts=n_attempts,
        )

    def _usage(self, model: str, answer: Any) -> Usage:
        told = getattr(answer, "usage", None)
        prompt_tokens = int(getattr(told, "prompt_tokens", 0) or 0)
        completion_tokens = int(getattr(told, "completion_tokens", 0) or 0)
        return Usage(prompt_tokens, completion_tokens, self._catalog.cost_usd(model, prompt_tokens, completion_tokens))


def _translated(error: Exception) -> _AttemptError:
    """The attempt's failure in our terms, without secrets."""
    name = type(error).__name__
    text = _SECRET.sub(r"\1...", " ".join(str(error).split()))[:300]
    status = getattr(error, "status_code", None)
    if "ContentPolicy" in name or "content_filter" in text:
        return _AttemptError(FailureKind.REFUSED, f"{name}: {text}")
    if name in {"Timeout", "APITimeoutError", "ConnectTimeout", "ReadTimeout"}:
        return _AttemptError(FailureKind.TIMEOUT, f"{name}: {text}")
    kind = _KINDS.get(status, FailureKind.UPSTREAM) if isinstance(status, int) else FailureKind.UPSTREAM
    return _AttemptError(kind, f"{status or ''} {name}: {text}".strip(), _retry_after_s(error))


def _retry_after_s(error: Exception) -> float | None:
    """What the server's Retry-After asks for, in seconds; it may be a number or a date."""
    response = getattr(error, "response", None)
    headers = (
        getattr(response, "headers", None)
        or getattr(error, "litellm_response_headers", None)
        or getattr(error, "headers", None)
        or {}
    )
    value = headers.get("retry-after") or headers.get("Retry-After")
    if not value:
        return None
    try:
        wait = float(value)
    except ValueError:
        try:
            wait = email.utils.parsedate_to_datetime(str(value)).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(wait) else wait
