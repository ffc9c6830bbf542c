"""Who may call: services, each with a token of its own, of which this server knows only the hash.

Tokens are random and long, so that a plain SHA-256 keeps them; a person's password would need more.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from tip_serving.api.refusals import refuse

CALLER = "tip.caller"
"""The key of the caller's name in the ASGI scope."""

_ENTRY = re.compile(r"([A-Za-z0-9_.-]{1,64}):([0-9a-f]{64})")
_BEARER = b"bearer "


class TokenSettingError(ValueError):
    """TIP_SERVICE_TOKENS cannot be read; lists the faults and shows no hash."""


class NewToken(NamedTuple):
    """A token for its caller and what the server is told of it."""

    token: str
    entry: str


def new_token(caller: str) -> NewToken:
    """A fresh token, 256 random bits.

    Raises:
        ValueError: the name is none that a setting can hold.
    """
    token = f"tip_{secrets.token_urlsafe(32)}"
    entry = f"{caller}:{hashlib.sha256(token.encode()).hexdigest()}"
    if not _ENTRY.fullmatch(entry):
        raise ValueError(f"{caller!r} is no name of a caller: expected 1 to 64 letters, digits, dots, dashes or _.")
    return NewToken(token, entry)


def parse_tokens(setting: str | None) -> Mapping[bytes, str]:
    """Digest to caller, from `name:sha256,...`; a name may stand twice while its token changes.

    Raises:
        TokenSettingError: entries that are none.
    """
    entries = [entry.strip() for entry in (setting or "").split(",") if entry.strip()]
    faults = [number for number, entry in enumerate(entries, 1) if not _ENTRY.fullmatch(entry)]
    if faults:
        raise TokenSettingError(
            f"TIP_SERVICE_TOKENS: entries {', '.join(map(str, faults))} of {len(entries)} are not `name:` with 64 hex "
            "digits. `python -m tip_serving token NAME` makes one."
        )
    return {bytes.fromhex(entry.rpartition(":")[2]): entry.rpartition(":")[0] for entry in entries}


class Authentication:
    """Lets in who shows a known token as `Authorization: Bearer ...`, and everybody where none is set.

    Args:
        app: what callers reach.
        tokens: digest to caller.
        open_paths: what needs no token.
    """

    def __init__(self, app: ASGIApp, tokens: Mapping[bytes, str], open_paths: frozenset[str]) -> None:
        self._app = app
        self._tokens = tokens
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or say 401."""
        if self._tokens and scope["type"] == "http" and scope["path"] not in self._open_paths:
            caller = self._caller(scope)
            if caller is None:
                challenge = (b"www-authenticate", b"Bearer")
                await refuse(send, 401, "This needs a service token: `Authorization: Bearer ...`.", challenge)
                return
            scope[CALLER] = caller
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> str | None:
        for name, value in scope["headers"]:
            if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
                # Looking up a digest tells a stranger nothing: they cannot choose it piece by piece.
                return self._tokens.get(hashlib.sha256(value[len(_BEARER) :].strip()).digest())
        return None
