"""API tokens: a program acts as the user who made its token, until that is revoked, expires or the account goes."""

import secrets
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from tip_serving.admin.auth.database import TOKENS, USERS, Database, moment
from tip_serving.admin.auth.secret import hashed
from tip_serving.admin.service.rows import Page, Plain, page_of
from tip_serving.admin.service.users import Role, User

_DAY_S = 86_400.0


class TokenRow(Plain):
    """One token, without itself."""

    token_id: str
    user: str
    label: str
    created_at: datetime
    expires_at: datetime | None


class NewToken(NamedTuple):
    """A token just made; nobody can show it again."""

    token: str
    row: TokenRow


class Tokens:
    """All API tokens of a database, by their hashes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, user: str, label: str, days: float | None) -> NewToken:
        """A token of `user`, 256 random bits, that holds for `days` or until it is revoked."""
        token, now = f"tipa_{secrets.token_urlsafe(32)}", self._database.clock()
        row = {
            "token_id": secrets.token_hex(6),
            "user": user,
            "label": label,
            "created_at": now,
            "expires_at": None if days is None else now + days * _DAY_S,
        }
        with self._database.engine.begin() as connection:
            connection.execute(sa.insert(TOKENS).values(**row, token_hash=hashed(token)))
        return NewToken(token, _row(row))

    def find(self, token: str) -> User | None:
        """The user as whom the bearer of `token` acts."""
        holds = sa.or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > self._database.clock())
        asked = (
            sa.select(USERS.c.name, USERS.c.role)
            .join(TOKENS, USERS.c.name == TOKENS.c.user)
            .where(TOKENS.c.token_hash == hashed(token), holds)
        )
        with self._database.engine.connect() as connection:
            row = connection.execute(asked).first()
        return None if row is None else User(row.name, Role(row.role))

    def listed(self, user: str | None, offset: int, limit: int) -> Page[TokenRow]:
        """The tokens of `user`, or of all where none is named, the oldest first."""
        wanted = sa.true() if user is None else TOKENS.c.user == user
        asked = sa.select(TOKENS).where(wanted).order_by(TOKENS.c.created_at, TOKENS.c.token_id)
        with self._database.engine.connect() as connection:
            n_total = connection.scalar(sa.select(sa.func.count()).select_from(TOKENS).where(wanted)) or 0
            found = connection.execute(asked.offset(offset).limit(limit)).mappings()
            return page_of([_row(dict(row)) for row in found], n_total, offset)

    def revoke(self, token_id: str, user: str | None = None) -> bool:
        """Forget a token, of `user` where one is named; whether there was one."""
        is_meant = sa.and_(TOKENS.c.token_id == token_id, sa.true() if user is None else TOKENS.c.user == user)
        with self._database.engine.begin() as connection:
            return connection.execute(sa.delete(TOKENS).where(is_meant)).rowcount > 0


def _row(found: dict[str, Any]) -> TokenRow:
    expires_at = found["expires_at"]
    return TokenRow(
        token_id=found["token_id"],
        user=found["user"],
        label=found["label"],
        created_at=moment(found["created_at"]),
        expires_at=None if expires_at is None else moment(expires_at),
    )
