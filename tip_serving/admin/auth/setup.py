"""The first account: no password is known beforehand, a link that holds once and for a day makes it.

The link is printed at the start and lies in a file that its owner alone may read, for whoever starts the process.
"""

import os
import secrets
from pathlib import Path

import sqlalchemy as sa

from tip_serving.admin.auth.accounts import Account, Accounts
from tip_serving.admin.auth.database import SETUP_LINKS, USERS, Database
from tip_serving.admin.auth.secret import hashed
from tip_serving.admin.service.errors import ForbiddenError, ServiceError
from tip_serving.admin.service.users import Role

_HOLDS_S = 86_400.0


class Setup:
    """The set-up link of an installation.

    Args:
        database: keeps its hash.
        accounts: must be empty.
        folder: where the link lies to be read.
    """

    def __init__(self, database: Database, accounts: Accounts, folder: Path) -> None:
        self._database = database
        self._accounts = accounts
        self._file = folder / "setup-link"

    def issue(self, base_url: str) -> str | None:
        """A new link, the only one that holds from now on; None where there is an account already."""
        self._withdraw()
        if self._accounts.count():
            return None
        token = secrets.token_urlsafe(32)
        row = {"token_hash": hashed(token), "expires_at": self._database.clock() + _HOLDS_S}
        with self._database.engine.begin() as connection:
            connection.execute(sa.insert(SETUP_LINKS).values(**row))
        link = f"{base_url.rstrip('/')}/setup/{token}"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(link + "\n")
        return link

    def holds(self, token: str) -> bool:
        """Whether a first account can be made with this token."""
        with self._database.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).where(self._holds(token))) == 1

    def use(self, token: str, name: str, password: str) -> Account:
        """The first account, an admin; the link holds no more.

        Raises:
            ForbiddenError: the link does not hold.
            FaultsError: the name or the password cannot be one; the link still holds.
        """
        holds, row = self._holds(token), {"token_hash": hashed(token)}
        with self._database.engine.begin() as connection:
            expires_at = connection.scalar(sa.select(SETUP_LINKS.c.expires_at).where(holds))
            # Of two at once the one whose row is gone has lost.
            if expires_at is None or connection.execute(sa.delete(SETUP_LINKS).where(holds)).rowcount == 0:
                raise ForbiddenError("This set-up link holds no more. The next start of the server prints one.")
        try:
            account = self._accounts.add(name, Role.ADMIN, password, None)
        except ServiceError:
            with self._database.engine.begin() as connection:
                connection.execute(sa.insert(SETUP_LINKS).values(**row | {"expires_at": expires_at}))
            raise
        self._withdraw()
        return account

    def _holds(self, token: str) -> sa.ColumnElement[bool]:
        """Once there is an account, however it was made, no link makes another admin."""
        return sa.and_(
            SETUP_LINKS.c.token_hash == hashed(token),
            SETUP_LINKS.c.expires_at > self._database.clock(),
            ~sa.exists().select_from(USERS),
        )

    def _withdraw(self) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(sa.delete(SETUP_LINKS))
        self._file.unlink(missing_ok=True)
