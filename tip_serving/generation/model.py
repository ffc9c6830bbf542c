"""What goes into a call of a model and what comes out of it. The call itself stands in `gateway`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any, Literal, NamedTuple, Protocol

WAITED = ", waited "
"""Stands between what an attempt failed of and the seconds that were waited after it."""


class Message(NamedTuple):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One call: everything that determines its answer, as far as a model is determined."""

    model: str
    """As LiteLLM names it, `ollama/llama3.2:3b` say."""
    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    seed: int | None = None
    response_format: Mapping[str, Any] | None = field(default=None, hash=False)
    """The shape that the answer must have, as OpenAI writes it; None for free text, which is what tips are."""


class Usage(NamedTuple):
    """What a call took that was paid for."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one call, with what it took."""

    text: str
    finish_reason: str
    latency_ms: float
    """Of the attempt that succeeded, without the waits before it."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """Null where the price of the model is not known."""
    n_attempts: int


class FailureKind(StrEnum):
    """Why a call failed for good."""

    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    """The model answered and declined (a content filter), or gave no text."""
    DENIED = "denied"
    """Wrong or missing key, no permission, unknown model."""
    INVALID = "invalid"
    """The provider does not accept the request as it stands."""
    UPSTREAM = "upstream"
    """Server errors and broken connections."""
    STOPPED = "stopped"
    """Not asked, or given up between attempts, because `stop` was called."""


@dataclass(eq=False)
class GenerationError(Exception):
    """A call that failed for good; its text names the model, the kind and each attempt made."""

    model: str
    kind: FailureKind
    attempts: tuple[str, ...] = field(default=())
    """One line an attempt: what came back and, behind WAITED, how long was waited after it."""
    usage: Usage | None = None
    """What the last attempt took, where the model answered and the answer is of no use."""

    def __str__(self) -> str:
        return f"{self.model}: {self.kind.value} ({self._tried()})"

    def _tried(self) -> str:
        """Every attempt; those that failed alike in a row are told once."""
        told = []
        for reason, alike in groupby(enumerate(self.attempts, 1), lambda attempt: attempt[1].partition(WAITED)[0]):
            numbers = [number for number, _ in alike]
            if len(numbers) == 1:
                told.append(f"attempt {numbers[0]}: {self.attempts[numbers[0] - 1]}")
            else:
                told.append(f"attempts {numbers[0]} to {numbers[-1]}: {reason}")
        return "; ".join(told) or "no attempt was made"


class Generator(Protocol):
    """Whatever answers calls: the gateway in this process, or one behind a pipe."""

    async def complete(self, request: CompletionRequest) -> Completion:
        """The completion of `request`. Raises GenerationError when it fails for good."""
        ...

    async def stop(self) -> None:
        """Let calls on the wire finish; those queued or between attempts end at once as STOPPED."""
        ...

    async def aclose(self) -> None:
        """Give connections and processes free."""
        ...
