"""Signed-in browsers: a signed cookie names a row of the database, so a session can be ended from here.

Writes need a second token beside the cookie, one that follows from the session and that only our own pages can read.
"""

import hmac
import secrets
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa
from itsdangerous import BadSignature, Signer

from tip_serving.admin.auth.database import SESSIONS, USERS, Database, moment
from tip_serving.admin.auth.secret import Secret, hashed
from tip_serving.admin.service.users import Role, User


class Session(NamedTuple):
    """A session that holds now."""

    user: User
    csrf: str
    """What a write by cookie must show."""
    expires_at: datetime


class NewSession(NamedTuple):
    """A session just begun."""

    cookie: str
    session: Session


class Sessions:
    """All sessions of a database.

    Args:
        database: keeps them, by the hashes of their ids.
        secret: signs cookies.
        lasts_s: seconds after which one ends.
    """

    def __init__(self, database: Database, secret: Secret, lasts_s: float) -> None:
        self._database = database
        self._signer = Signer(secret.key("session"), digest_method=sha256)
        self._csrf_key = secret.key("csrf")
        self._lasts_s = lasts_s

    def begin(self, user: User) -> NewSession:
        """A session of `user`; rows of ended ones go."""
        session_id, now = secrets.token_urlsafe(32), self._database.clock()
        expires_at = now + self._lasts_s
        with self._database.engine.begin() as connection:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at <= now))
            row = {"id_hash": hashed(session_id), "user": user.name, "created_at": now, "expires_at": expires_at}
            connection.execute(sa.insert(SESSIONS).values(**row))
        return NewSession(self._signer.sign(session_id).decode(), self._session(session_id, user, expires_at))

    def find(self, cookie: str | None) -> Session | None:
        """The session behind a cookie, with the user's role as it stands now; None where there is none any more."""
        session_id = self._id_in(cookie)
        if session_id is None:
            return None
        asked = (
            sa.select(USERS.c.name, USERS.c.role, SESSIONS.c.expires_at)
            .join(USERS, USERS.c.name == SESSIONS.c.user)
            .where(SESSIONS.c.id_hash == hashed(session_id), SESSIONS.c.expires_at > self._database.clock())
        )
        with self._database.engine.connect() as connection:
            row = connection.execute(asked).first()
        return None if row is None else self._session(session_id, User(row.name, Role(row.role)), row.expires_at)

    def end(self, cookie: str | None) -> None:
        """End the session behind a cookie."""
        session_id = self._id_in(cookie)
        if session_id is not None:
            with self._database.engine.begin() as connection:
                connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.id_hash == hashed(session_id)))

    def is_csrf_right(self, session: Session, shown: str | None) -> bool:
        """Whether a write showed the token of its session."""
        return hmac.compare_digest(session.csrf.encode(), (shown or "").encode())

    def _id_in(self, cookie: str | None) -> str | None:
        try:
            return self._signer.unsign(cookie or "").decode()
        except (BadSignature, UnicodeError):
            return None

    def _session(self, session_id: str, user: User, expires_at: float) -> Session:
        csrf = hmac.new(self._csrf_key, session_id.encode(), sha256).hexdigest()
        return Session(user, csrf, moment(expires_at))
