r"""Machines that judge: each signs its requests with a key of its own and is known by the judge's name of that key.

    Tip-Key: <key id>
    Tip-Timestamp: <seconds since 1970, with fractions where several requests go out in one>
    Tip-Signature: <hex HMAC-SHA256 over "timestamp\nMETHOD\npath?query\n" and the body>

The secret of a key follows from the secret file and is shown once; revoking a key forgets its id.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from tip_serving.admin.auth.database import SIGNATURES, WEBHOOKS, Database, moment
from tip_serving.admin.auth.secret import Secret
from tip_serving.admin.service.rows import Plain
from tip_serving.admin.service.users import Role, User

KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "Tip-Key", "Tip-Timestamp", "Tip-Signature"
TOLERANCE_S = 300.0


class WebhookError(Exception):
    """A request whose signature does not count; says why."""


class WebhookRow(Plain):
    """One key, without its secret."""

    key_id: str
    judge: str
    created_at: datetime
    created_by: str | None


class NewWebhook(NamedTuple):
    """A key just made; nobody can show its secret again."""

    secret: str
    row: WebhookRow


def signature(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """The signature of a request, as its sender makes it.

    Args:
        secret: of the key.
        timestamp: as in the header.
        method: in capitals.
        target: path and query as they are sent.
        body: every byte.
    """
    signed = f"{timestamp}\n{method}\n{target}\n".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class Webhooks:
    """All keys of a database.

    Args:
        database: keeps ids, and the signatures of the last minutes.
        secret: what the secrets of keys follow from.
    """

    def __init__(self, database: Database, secret: Secret) -> None:
        self._database = database
        self._secret = secret

    def make(self, judge: str, created_by: str) -> NewWebhook:
        """A key of `judge`."""
        key_id, now = secrets.token_hex(6), self._database.clock()
        row = {"key_id": key_id, "judge": judge, "created_at": now, "created_by": created_by}
        with self._database.engine.begin() as connection:
            connection.execute(sa.insert(WEBHOOKS).values(**row))
        return NewWebhook(self._secret_of(key_id), _row(row))

    def all(self) -> list[WebhookRow]:
        """Every key, the oldest first."""
        with self._database.engine.connect() as connection:
            found = connection.execute(sa.select(WEBHOOKS).order_by(WEBHOOKS.c.created_at)).mappings()
            return [_row(dict(row)) for row in found]

    def revoke(self, key_id: str) -> bool:
        """Forget a key; whether there was one."""
        with self._database.engine.begin() as connection:
            return connection.execute(sa.delete(WEBHOOKS).where(WEBHOOKS.c.key_id == key_id)).rowcount > 0

    def judge_of(self, key_id: str) -> str | None:
        """Whose key that is."""
        with self._database.engine.connect() as connection:
            return connection.scalar(sa.select(WEBHOOKS.c.judge).where(WEBHOOKS.c.key_id == key_id))

    def recognise(self, headers: Mapping[str, str], method: str, target: str, body: bytes) -> User:
        """The judge who signed this request, which is then never taken again.

        Raises:
            WebhookError: the key is unknown, the time too far off, the signature wrong, or the request a repetition.
        """
        key_id, timestamp, shown = (headers.get(name, "") for name in (KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))
        judge = self.judge_of(key_id)
        expected = signature(self._secret_of(key_id), timestamp, method, target, body)
        if not hmac.compare_digest(expected.encode(), shown.encode()) or judge is None:
            raise WebhookError("the signature does not fit the request and a key of ours")
        now = self._database.clock()
        try:
            is_near = abs(now - float(timestamp)) <= TOLERANCE_S
        except ValueError:
            is_near = False
        if not is_near:
            raise WebhookError(f"the timestamp is not within {TOLERANCE_S:.0f} s of now; sign it again")
        self._note_once(expected, now)
        return User(judge, Role.JUDGE)

    def _note_once(self, seen: str, now: float) -> None:
        try:
            with self._database.engine.begin() as connection:
                connection.execute(sa.delete(SIGNATURES).where(SIGNATURES.c.seen_at < now - 3 * TOLERANCE_S))
                connection.execute(sa.insert(SIGNATURES).values(signature=seen, seen_at=now))
        except sa.exc.IntegrityError:
            raise WebhookError("this very request came before; sign it again") from None

    def _secret_of(self, key_id: str) -> str:
        return "tipw_" + self._secret.key(f"webhook:{key_id}").hex()


def _row(found: dict[str, Any]) -> WebhookRow:
    return WebhookRow.model_validate({**found, "created_at": moment(found["created_at"])})
