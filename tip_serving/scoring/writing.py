"""One tip within a budget: the model, then the fallback model, then an embedded writer that needs no network.

Who wrote the tip, and what went wrong before, is part of what comes back. Whole or in pieces, the order is the same.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

from tip_serving.generation.catalog import EMBEDDED
from tip_serving.generation.embedded.planner import PLANNER
from tip_serving.generation.model import Completion, CompletionRequest, FailureKind, GenerationError
from tip_serving.scoring.errors import UpstreamError

_FIRST_SHARE = 0.65  # of what is left, where another model may have to be asked after this one
_LAST_SHARE = 0.95  # for the embedded writer and the way back
_PASSES = frozenset({FailureKind.RATE_LIMITED, FailureKind.TIMEOUT})
_RETRY_AFTER_S = 2


class WrittenBy(StrEnum):
    """Who wrote a tip."""

    MODEL = "model"
    FALLBACK_MODEL = "fallback_model"
    EMBEDDED = "embedded"
    """The writer of last resort; not a model of that family that was asked for."""


class Models(Protocol):
    """Whatever answers calls, whole and in pieces."""

    async def complete(self, request: CompletionRequest) -> Completion:
        """The completion. Raises GenerationError."""
        ...

    def stream(self, request: CompletionRequest) -> AsyncIterator[str | Completion]:
        """The pieces and then the completion. Raises GenerationError."""
        ...


@dataclass(frozen=True)
class Order:
    """What is to be written, by whom and until when."""

    request: CompletionRequest
    """For the first model; the others get the same messages."""
    fallback_model: str | None
    deadline: float
    """On the clock of the event loop."""
    allow_embedded: bool

    @property
    def models(self) -> list[tuple[WrittenBy, str]]:
        """Who is asked, in turn."""
        asked = [(WrittenBy.MODEL, self.request.model)]
        if self.fallback_model not in {None, self.request.model}:
            asked.append((WrittenBy.FALLBACK_MODEL, str(self.fallback_model)))
        return asked


class Written(NamedTuple):
    """A tip and who wrote it."""

    by: WrittenBy
    model: str
    text: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    failures: tuple[str, ...]
    """One sentence a model that was asked in vain."""


class Began(NamedTuple):
    """From here on the pieces are of this model."""

    by: WrittenBy
    model: str


class Abandoned(NamedTuple):
    """The pieces since the last beginning are void."""

    reason: str


async def write(models: Models, order: Order) -> Written:
    """The tip.

    Raises:
        UpstreamError: no model answered in time, and the order allows no embedded writer.
    """
    failed: list[GenerationError] = []
    asked = order.models
    for position, (by, model) in enumerate(asked):
        try:
            async with asyncio.timeout(_share(order, is_last=position == len(asked) - 1)):
                completion = await models.complete(replace(order.request, model=model))
        except (GenerationError, TimeoutError) as error:
            failed.append(_failure(model, error))
        else:
            return _written(by, model, completion, failed)
    return _last_resort(order, failed)


async def write_in_pieces(models: Models, order: Order) -> AsyncIterator[Began | str | Abandoned | Written]:
    """The tip as it is written: who begins, the pieces, whether they are void after all, and the whole at the end.

    Raises:
        UpstreamError: as `write`.
    """
    failed: list[GenerationError] = []
    asked = order.models
    for position, (by, model) in enumerate(asked):
        yield Began(by, model)
        pieces = models.stream(replace(order.request, model=model))
        until = asyncio.get_running_loop().time() + _share(order, is_last=position == len(asked) - 1)
        try:
            # The limit stands around each wait: around a `yield` it would cancel whoever reads, at what it awaits.
            while True:
                async with asyncio.timeout_at(until):
                    piece = await anext(pieces)
                if isinstance(piece, Completion):
                    yield _written(by, model, piece, failed)
                    return
                yield piece
        except (GenerationError, TimeoutError, StopAsyncIteration) as error:
            failed.append(_failure(model, error))
            yield Abandoned(_sentence(failed[-1]))
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]  # a generator, whichever model it is
    written = _last_resort(order, failed)
    yield Began(written.by, written.model)
    yield written.text
    yield written


def _share(order: Order, *, is_last: bool) -> float:
    left = order.deadline - asyncio.get_running_loop().time()
    return max(left, 0.0) * (_LAST_SHARE if is_last else _FIRST_SHARE)


def _failure(model: str, error: Exception) -> GenerationError:
    if isinstance(error, GenerationError):
        return error
    if isinstance(error, TimeoutError):
        return GenerationError(model, FailureKind.TIMEOUT, ("its share of the budget was over",))
    return GenerationError(model, FailureKind.UPSTREAM, ("the stream ended without an answer",))


def _sentence(error: GenerationError) -> str:
    """Which model failed how; what a provider wrote may hold anything and stays here."""
    return f"{error.model}: {error.kind.value}"


def _written(by: WrittenBy, model: str, completion: Completion, failed: Sequence[GenerationError]) -> Written:
    return Written(
        by, model, completion.text, completion.prompt_tokens, completion.completion_tokens, completion.cost_usd,
        tuple(map(_sentence, failed)),
    )  # fmt: skip


def _last_resort(order: Order, failed: Sequence[GenerationError]) -> Written:
    failures = tuple(map(_sentence, failed))
    if not order.allow_embedded:
        may_pass = any(error.kind in _PASSES for error in failed)
        raise UpstreamError("No language model wrote a tip.", failures, _RETRY_AFTER_S if may_pass else None)
    messages = order.request.messages
    text = PLANNER.write(messages, temperature=0.0, seed=None)
    n_read = sum(len(message.content.split()) for message in messages)
    return Written(
        WrittenBy.EMBEDDED, EMBEDDED + PLANNER.name, text, n_read, len(text.split()), 0.0, failures
    )  # fmt: skip
