"""What went wrong with one attempt at a call, in our terms: its kind, and a sentence that somebody can act on.

LiteLLM wraps what a provider said in names of its own, sometimes twice; here that comes off again, secrets too.
"""

import email.utils
import math
import re
import time

from tip_serving.generation.model import FailureKind, Usage

_LONGEST = 300  # characters of what a provider said
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
_TIMEOUTS = frozenset({"Timeout", "APITimeoutError", "ConnectTimeout", "ReadTimeout"})
_SECRET = re.compile(r"(sk-|key-|Bearer\s+)[A-Za-z0-9_\-*.]{4,}")
_WRAPPING = re.compile(r"^(?:(?:litellm\.)?[A-Z]\w*(?:Error|Exception)(?::| -)\s*)+")
_NOBODY_THERE = re.compile(r"Cannot connect to host (\S+)(?: ssl:\S+(?: object at \w+>)?)? \[(.*?)\]$")
_NO_KEY = re.compile(r"(?i:missing|no|please pass|set the|set).{0,200}?\b([A-Z][A-Z0-9_]*_(?:KEY|TOKEN))\b", re.DOTALL)
_OLLAMA_PORT = ":11434"


class AttemptError(Exception):
    """One attempt that failed.

    Args:
        kind: decides whether another attempt makes sense.
        message: without secrets.
        retry_after_s: how long the provider asks to wait.
        usage: what the attempt took, where the model answered.
    """

    def __init__(
        self, kind: FailureKind, message: str, retry_after_s: float | None = None, usage: Usage | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.usage = usage


def translated(error: Exception) -> AttemptError:
    """What LiteLLM raised, whichever library below it failed."""
    name = type(error).__name__
    said = str(error)
    status = getattr(error, "status_code", None)
    if missing := _NO_KEY.search(said):
        return AttemptError(FailureKind.DENIED, f"no key: set {missing[1]}")
    text = _told(said)
    if "ContentPolicy" in name or "content_filter" in text:
        return AttemptError(FailureKind.REFUSED, f"{name}: {text}")
    if name in _TIMEOUTS:
        return AttemptError(FailureKind.TIMEOUT, f"{name}: {text}")
    if unreached := _NOBODY_THERE.search(text):
        return AttemptError(FailureKind.UPSTREAM, _unreached(*unreached.groups()), _retry_after_s(error))
    kind = _KINDS.get(status, FailureKind.UPSTREAM) if isinstance(status, int) else FailureKind.UPSTREAM
    return AttemptError(kind, f"{status or ''} {name}: {text}".strip(), _retry_after_s(error))


def _told(said: str) -> str:
    """What the provider said: one line, unwrapped, without secrets, without the traceback that LiteLLM may append."""
    line = " ".join(said.partition("Traceback (most recent call last)")[0].split())
    return _SECRET.sub(r"\1...", _WRAPPING.sub("", line))[:_LONGEST]


def _unreached(host: str, why: str) -> str:
    hint = "; is Ollama running? (`ollama serve`, or OLLAMA_API_BASE)" if host.endswith(_OLLAMA_PORT) else ""
    return f"cannot connect to {host} ({why}){hint}"


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
