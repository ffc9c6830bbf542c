"""Passwords: hashed by argon2id, checked in the same time whether or not there is an account."""

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 12
MAX_LENGTH = 200
_AT_ONCE = 2  # each check takes 64 MiB and a core for a while

_HASHER = PasswordHasher()  # argon2id with the parameters of RFC 9106 for little memory
_CHECKING = threading.BoundedSemaphore(_AT_ONCE)


def fault(password: str, name: str) -> str | None:
    """What is wrong with a new password, or None."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return f"must have {MIN_LENGTH} to {MAX_LENGTH} characters"
    if (name and name.lower() in password.lower()) or len(set(password)) < MIN_LENGTH // 2:
        return "is too easily guessed"
    return None


def hashed(password: str) -> str:
    """What is kept of a password."""
    with _CHECKING:
        return _HASHER.hash(password)


@cache
def _of_nobody() -> str:
    return hashed(secrets.token_urlsafe())


class Checker:
    """Compares passwords with hashes; where there is no hash, with that of a password that nobody knows."""

    def __init__(self) -> None:
        self._nobodys = _of_nobody()  # made now: the first unknown name must not take longer than others

    def is_right(self, password: str, kept: str | None) -> bool:
        """Whether `password` is the one behind `kept`; takes as long where `kept` is None."""
        with _CHECKING:
            try:
                _HASHER.verify(kept or self._nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None
