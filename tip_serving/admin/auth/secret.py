"""The one secret of an installation, made at the first start; every key follows from it."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

_N_BYTES = 32


class SecretError(Exception):
    """The secret file cannot be used."""


class Secret:
    """Keys for purposes; the secret itself is never shown.

    Args:
        value: random, of 32 bytes.
    """

    def __init__(self, value: bytes) -> None:
        self._value = value

    @classmethod
    def under(cls, folder: Path) -> "Secret":
        """The secret in `folder`, made unless it is there; only its owner may read it.

        Raises:
            SecretError: the file is open to others, or holds something else.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "secret"
        if not file.exists():
            # Written aside and linked, so that of two processes that start at once neither reads half a secret.
            aside = folder / f"secret-{secrets.token_hex(8)}"
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as opened:
                opened.write(secrets.token_hex(_N_BYTES))
            with suppress(FileExistsError):
                file.hardlink_to(aside)
            aside.unlink()
        if file.stat().st_mode & 0o077:
            raise SecretError(f"{file} can be read by others; `chmod 600` it, or delete it to end all sessions.")
        try:
            value = bytes.fromhex(file.read_text().strip())
        except ValueError:
            value = b""
        if len(value) != _N_BYTES:
            raise SecretError(f"{file} must hold {2 * _N_BYTES} hex digits; delete it and start again for a new one.")
        return cls(value)

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, unrelated to those for others."""
        return hmac.new(self._value, purpose.encode(), hashlib.sha256).digest()


def hashed(token: str) -> str:
    """What is kept of a token: it is long and random, so that a plain digest tells nothing of it."""
    return hashlib.sha256(token.encode()).hexdigest()
