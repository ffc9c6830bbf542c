"""What LiteLLM raises, told so that somebody can act on it."""

import pytest

from tip_serving.generation.failures import translated
from tip_serving.generation.model import FailureKind, GenerationError


class InternalServerError(Exception):
    """As LiteLLM names it."""

    status_code = 500


class AuthenticationError(Exception):
    """As LiteLLM names it."""

    status_code = 401


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (
            InternalServerError(
                "litellm.InternalServerError: InternalServerError: OpenAIException - Cannot connect to host "
                "api.example.com:443 ssl:<ssl.SSLContext object at 0x7f4038d52e70> [Name or service not known]"
            ),
            FailureKind.UPSTREAM,
            "cannot connect to api.example.com:443 (Name or service not known)",
        ),
        (
            InternalServerError("litellm.APIConnectionError: OllamaException - Cannot connect to host localhost:11434 "
                                "ssl:default [Connect call failed]"),
            FailureKind.UPSTREAM,
            (
                "cannot connect to localhost:11434 (Connect call failed); is Ollama running? "
                "(`ollama serve`, or OLLAMA_API_BASE)"
            ),
        ),
        (
            InternalServerError("litellm.InternalServerError: OpenAIException - Missing credentials. Please pass an "
                                "`api_key`, or set the `OPENAI_API_KEY` environment variable."),
            FailureKind.DENIED,
            "no key: set OPENAI_API_KEY",
        ),
        (
            AuthenticationError("litellm.AuthenticationError: Missing Anthropic API Key - Please set "
                                "`ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN`"),
            FailureKind.DENIED,
            "no key: set ANTHROPIC_API_KEY",
        ),
        (
            AuthenticationError("litellm.AuthenticationError: OpenAIException - Incorrect API key: sk-abcdef123456"),
            FailureKind.DENIED,
            "401 AuthenticationError: Incorrect API key: sk-...",
        ),
        (
            InternalServerError('overloaded\nTraceback (most recent call last):\n  File "/somewhere"'),
            FailureKind.UPSTREAM,
            "500 InternalServerError: overloaded",
        ),
    ],
)  # fmt: skip
def test_what_a_library_wrapped_is_told_plainly(error: Exception, kind: FailureKind, told: str) -> None:
    found = translated(error)
    assert (found.kind, str(found)) == (kind, told)


def test_attempts_that_failed_alike_are_told_once_and_others_apart() -> None:
    lines = ("busy, waited 0.5 s", "busy, waited 1.0 s", "no answer within 60 s, waited 2.0 s", "busy")
    told = str(GenerationError("m", FailureKind.UPSTREAM, lines))
    assert told == (
        "m: upstream (attempts 1 to 2: busy; attempt 3: no answer within 60 s, waited 2.0 s; attempt 4: busy)"
    )
    assert str(GenerationError("m", FailureKind.STOPPED)) == "m: stopped (no attempt was made)"
