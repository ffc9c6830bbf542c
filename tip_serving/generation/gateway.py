"""The gateway: LiteLLM's `acompletion`, plus what it does not do by itself.

A hard timeout around every attempt, retries with backoff that honour Retry-After, limits at once (in all and per
model), accounting of tokens and cost, an error that says what was tried, and a way to stop.
"""

import asyncio
import random
import time
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tip_serving import settings
from tip_serving.generation.catalog import EMBEDDED, Catalog, embedded_models
from tip_serving.generation.failures import AttemptError, translated
from tip_serving.generation.model import (
    WAITED,
    Completion,
    CompletionRequest,
    FailureKind,
    GenerationError,
    Message,
    Usage,
)

MAY_PASS = frozenset({FailureKind.RATE_LIMITED, FailureKind.TIMEOUT, FailureKind.UPSTREAM})
_REFUSALS = frozenset({"content_filter", "safety", "refusal"})


@dataclass(frozen=True)
class Patience:
    """How long a call is tried; all times in seconds."""

    attempts: int = 4
    timeout_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


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
            except AttemptError as error:
                wait = self._wait_after(attempt, error)
                tried.append(f"{error}" + (f"{WAITED}{wait:.1f} s" if wait else ""))
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
        except AttemptError as error:
            raise GenerationError(request.model, error.kind, (str(error),), error.usage) from None
        except Exception as error:  # noqa: BLE001  LiteLLM raises its own, openai's, aiohttp's and httpx's errors
            failed = translated(error)
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

    def _wait_after(self, attempt: int, error: AttemptError) -> float | None:
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
                raise AttemptError(FailureKind.STOPPED, "stopped before the attempt")
            started = time.perf_counter()
            answer = await self._ask(request)
            latency_ms = (time.perf_counter() - started) * 1e3
        try:
            return self._completion(request, answer, latency_ms, n_attempts)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise AttemptError(FailureKind.UPSTREAM, f"an answer of no known shape: {error}") from None

    async def _ask(self, request: CompletionRequest) -> Any:
        try:
            # LiteLLM enforces no timeout for custom providers and lets a slow body pass: this one is ours.
            async with asyncio.timeout(self._patience.timeout_s):
                return await self._litellm.acompletion(**self._call(request))
        except TimeoutError:
            raise AttemptError(FailureKind.TIMEOUT, f"no answer within {self._patience.timeout_s:g} s") from None
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  LiteLLM raises its own, openai's, aiohttp's and httpx's errors
            raise translated(error) from None

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
            raise AttemptError(FailureKind.REFUSED, f"the model declined (finish_reason {finish_reason})", usage=usage)
        if not text:
            raise AttemptError(FailureKind.REFUSED, f"an empty answer (finish_reason {finish_reason})", usage=usage)
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
