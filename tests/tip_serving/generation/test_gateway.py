"""The gateway against a real OpenAI-compatible server that misbehaves as the model's name says."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import openai_server
from support.openai_server import OpenAIServer

from tip_serving.generation.catalog import Catalog
from tip_serving.generation.gateway import Gateway, Patience
from tip_serving.generation.model import Completion, CompletionRequest, FailureKind, GenerationError, Message
from tip_serving.settings import Settings

LITTLE = Patience(attempts=3, timeout_s=1.5, first_wait_s=0.05, longest_wait_s=0.2)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with openai_server.running(tmp_path / "asked.jsonl", latency_ms=30) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def _request(model: str, text: str = "Hello") -> CompletionRequest:
    messages = (Message("system", "Write a tip."), Message("user", text))
    return CompletionRequest(f"openai/{model}", messages, temperature=0.7, max_tokens=60, seed=1)


def _complete(model: str, patience: Patience = LITTLE, catalog: Catalog | None = None) -> Completion:
    async def run() -> Completion:
        gateway = Gateway(catalog or Catalog(), patience, concurrency=4)
        await gateway.warm_up()  # what LiteLLM loads at its first call must not eat into the timeout
        try:
            return await gateway.complete(_request(model))
        finally:
            await gateway.aclose()

    return asyncio.run(run())


def _failure(model: str) -> GenerationError:
    with pytest.raises(GenerationError) as caught:
        _complete(model)
    return caught.value


def test_an_answer_comes_with_its_tokens_latency_and_attempts(server: OpenAIServer) -> None:
    found = _complete("alpha")
    assert found.text.endswith(".")
    assert (found.prompt_tokens, found.completion_tokens, found.n_attempts, found.finish_reason) == (100, 20, 1, "stop")
    assert 30 <= found.latency_ms < 1_500
    assert found.cost_usd is None


def test_cost_is_counted_from_the_declared_price(server: OpenAIServer, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text('["openai/alpha"]\ninput_usd_per_mtok = 10\noutput_usd_per_mtok = 100\n')
    found = _complete("alpha", catalog=Catalog.load(Settings(tip_home=tmp_path)))
    assert found.cost_usd == pytest.approx(100 * 10e-6 + 20 * 100e-6)


def test_an_embedded_writer_goes_the_same_way() -> None:
    async def run() -> Completion:
        gateway = Gateway(Catalog(), LITTLE, concurrency=2)
        messages = (Message("system", "Write."), Message("user", "- Buy milk"))
        return await gateway.complete(CompletionRequest("embedded/first", messages, 0.0, 60, 1))

    found = asyncio.run(run())
    assert "Buy milk" in found.text
    assert found.cost_usd == 0.0


@pytest.mark.parametrize(
    ("model", "kind", "n_asked"),
    [
        ("always429", FailureKind.RATE_LIMITED, 3),
        ("err500", FailureKind.UPSTREAM, 3),
        ("reset", FailureKind.UPSTREAM, 3),
        ("hang", FailureKind.TIMEOUT, 3),
        ("denied", FailureKind.DENIED, 1),
        ("refuse", FailureKind.REFUSED, 1),
        ("empty", FailureKind.REFUSED, 1),
    ],
)
def test_what_may_pass_is_tried_again_and_the_rest_fails_at_once(
    server: OpenAIServer, model: str, kind: FailureKind, n_asked: int
) -> None:
    error = _failure(model)
    assert error.kind is kind
    assert len(error.attempts) == n_asked == server.asked().total()
    told = "attempt 1: " if n_asked == 1 else f"attempts 1 to {n_asked}: "
    assert f"openai/{model}: {kind.value} ({told}" in str(error)


def test_a_body_that_is_no_json_is_an_upstream_failure(server: OpenAIServer) -> None:
    assert _failure("garbled").kind is FailureKind.UPSTREAM


def test_our_own_timeout_ends_a_call_that_hangs(server: OpenAIServer) -> None:
    started = time.monotonic()
    error = _failure("hang")
    assert time.monotonic() - started < 3 * LITTLE.timeout_s + 10
    assert f"no answer within {LITTLE.timeout_s:g} s" in str(error)


def test_no_key_is_ever_told(server: OpenAIServer) -> None:
    assert "abcdef123456" not in str(_failure("denied"))


def test_retry_after_is_honoured(server: OpenAIServer) -> None:
    started = time.monotonic()
    found = _complete("retryafter")
    assert found.n_attempts == 3
    assert time.monotonic() - started >= 2 * 0.2
    assert found.latency_ms < 400  # the waits are not the model's


def test_a_retry_after_that_is_no_time_is_passed_over(server: OpenAIServer) -> None:
    assert _complete("oddafter").n_attempts == 3


def test_a_limit_that_passes_costs_attempts_and_no_candidate(server: OpenAIServer) -> None:
    assert _complete("first429").n_attempts == 3


def test_no_more_calls_than_allowed_are_on_the_wire(server: OpenAIServer) -> None:
    async def run() -> float:
        gateway = Gateway(Catalog(), LITTLE, concurrency=3)
        await gateway.complete(_request("alpha", "warm"))
        started = time.monotonic()
        await asyncio.gather(*(gateway.complete(_request("alpha", str(number))) for number in range(12)))
        await gateway.aclose()
        return time.monotonic() - started

    assert asyncio.run(run()) >= 12 / 3 * 0.03


def test_stop_lets_the_wire_finish_and_ends_the_rest_at_once(server: OpenAIServer) -> None:
    async def run() -> list[object]:
        gateway = Gateway(Catalog(), Patience(attempts=5, timeout_s=5, first_wait_s=30), concurrency=1)
        await gateway.complete(_request("alpha", "warm"))
        calls = [
            asyncio.create_task(gateway.complete(_request(model, "x"))) for model in ("slow", "always429", "alpha")
        ]
        queued = [asyncio.create_task(gateway.complete(_request("slow", str(number)))) for number in range(3)]
        await asyncio.sleep(0.1)
        await gateway.stop()
        ended = await asyncio.wait_for(asyncio.gather(*calls, *queued, return_exceptions=True), 15)
        await gateway.aclose()
        return list(ended)

    ended = asyncio.run(run())
    assert isinstance(ended[0], Completion)
    stopped = [found for found in ended if isinstance(found, GenerationError)]
    assert {error.kind for error in stopped} == {FailureKind.STOPPED}
    assert len(stopped) >= 4


def _streamed(model: str) -> list[str | Completion]:
    async def run() -> list[str | Completion]:
        gateway = Gateway(Catalog(), LITTLE, concurrency=4)
        await gateway.warm_up()
        try:
            return [piece async for piece in gateway.stream(_request(model))]
        finally:
            await gateway.aclose()

    return asyncio.run(run())


def test_a_stream_yields_the_words_as_they_come_and_then_the_whole_with_its_tokens(server: OpenAIServer) -> None:
    *words, whole = _streamed("alpha")
    assert isinstance(whole, Completion)
    assert len(words) == 13
    assert "".join(map(str, words)) == whole.text
    assert (whole.prompt_tokens, whole.completion_tokens, whole.finish_reason) == (100, 20, "stop")


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("always429", FailureKind.RATE_LIMITED),
        ("denied", FailureKind.DENIED),
        ("err500", FailureKind.UPSTREAM),
        ("halfway", FailureKind.UPSTREAM),
        ("refuse", FailureKind.REFUSED),
        ("empty", FailureKind.REFUSED),
    ],
)
def test_a_stream_that_fails_says_how_and_is_tried_once(server: OpenAIServer, model: str, kind: FailureKind) -> None:
    with pytest.raises(GenerationError) as caught:
        _streamed(model)
    assert caught.value.kind is kind
    assert sum(server.asked(model).values()) == 1


def test_an_embedded_writer_streams_what_it_would_have_written_whole() -> None:
    async def run() -> tuple[list[str | Completion], Completion]:
        gateway = Gateway(Catalog(), LITTLE, concurrency=4)
        request = CompletionRequest("embedded/first", _request("x", "- Call Ann").messages, 0.7, 60, seed=3)
        try:
            return [piece async for piece in gateway.stream(request)], await gateway.complete(request)
        finally:
            await gateway.aclose()

    (*words, streamed), whole = asyncio.run(run())
    assert isinstance(streamed, Completion)
    assert "".join(map(str, words)) == streamed.text == whole.text
    assert (streamed.prompt_tokens, streamed.completion_tokens) == (whole.prompt_tokens, whole.completion_tokens)
