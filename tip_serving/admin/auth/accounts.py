"""Accounts: one a person, with a role and a password, or with the identity that an OpenID provider vouches for.

Who may change them is checked in `service.people`; here is what is kept and what cannot be.
"""

import re
from datetime import datetime
from typing import Any, NoReturn

import sqlalchemy as sa

from tip_serving.admin.auth import passwords
from tip_serving.admin.auth.database import SESSIONS, TOKENS, USERS, Database, moment
from tip_serving.admin.service.errors import ConflictError, FaultsError, NotFoundError
from tip_serving.admin.service.rows import Page, Plain, page_of
from tip_serving.admin.service.users import Role, User
from tip_serving.bench.judging import automatic
from tip_serving.bench.spec import Fault

_NAME = r"[a-z0-9][a-z0-9._@+-]{0,63}"


class Account(Plain):
    """One account, without its secrets."""

    name: str
    role: Role
    has_password: bool
    """Without one a person signs in through the OpenID provider."""
    created_at: datetime
    created_by: str | None


class Accounts:
    """All accounts of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checker = passwords.Checker()

    def listed(self, offset: int = 0, limit: int = 100) -> Page[Account]:
        """The accounts by name."""
        asked = sa.select(USERS).order_by(USERS.c.name).offset(offset).limit(limit)
        with self._database.engine.connect() as connection:
            found = [_account(row) for row in connection.execute(asked).mappings()]
        return page_of(found, self.count(), offset)

    def account(self, name: str) -> Account:
        """One account. Raises NotFoundError."""
        with self._database.engine.connect() as connection:
            row = connection.execute(sa.select(USERS).where(USERS.c.name == name)).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no account {name!r:.90}.")
        return _account(row)

    def count(self) -> int:
        """How many there are."""
        with self._database.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(USERS)) or 0

    def find(self, name: str) -> User | None:
        """The user of this name as the account stands now."""
        with self._database.engine.connect() as connection:
            role = connection.scalar(sa.select(USERS.c.role).where(USERS.c.name == name))
        return None if role is None else User(name, Role(role))

    def check(self, name: str, password: str) -> User | None:
        """The user whose password this is; as slow for a name that nobody has."""
        with self._database.engine.connect() as connection:
            row = connection.execute(sa.select(USERS).where(USERS.c.name == name)).mappings().first()
        is_right = self._checker.is_right(password, row["password_hash"] if row else None)
        return User(name, Role(row["role"])) if row and is_right else None

    def add(self, name: str, role: Role, password: str, created_by: str | None) -> Account:
        """A new account. Raises FaultsError, ConflictError."""
        faults = [Fault("name", found)] if (found := _name_fault(name)) else []
        faults += [Fault("password", found)] if (found := passwords.fault(password, name)) else []
        if faults:
            raise FaultsError(f"The account {name!r:.90} cannot be made.", faults)
        return self._insert(name, role, created_by, password_hash=passwords.hashed(password))

    def vouched_for(self, name: str, role: Role, issuer: str, subject: str) -> User:
        """The user that a provider names, made on the first visit; the provider's word on the role stands.

        Raises:
            FaultsError: the name cannot be one here.
            ConflictError: somebody else has this name.
        """
        is_same = sa.and_(USERS.c.issuer == issuer, USERS.c.subject == subject)
        with self._database.engine.begin() as connection:
            known = connection.scalar(sa.select(USERS.c.name).where(is_same))
            if known is not None:
                connection.execute(sa.update(USERS).where(is_same).values(role=role.value))
                return User(known, role)
        if found := _name_fault(name):
            raise FaultsError("The name that the provider tells cannot be one here.", [Fault("name", found)])
        self._insert(name, role, None, issuer=issuer, subject=subject)
        return User(name, role)

    def set_password(self, name: str, password: str) -> None:
        """Another password; ends all sessions. Raises NotFoundError, FaultsError."""
        if found := passwords.fault(password, name):
            raise FaultsError(f"The password of {name} was not changed.", [Fault("password", found)])
        self._change(name, sa.true(), password_hash=passwords.hashed(password))

    def set_role(self, name: str, role: Role) -> None:
        """Another role. Raises NotFoundError, ConflictError where no admin would be left."""
        is_kept = sa.true() if role is Role.ADMIN else self._another_admin(name)
        self._change(name, is_kept, role=role.value)

    def remove(self, name: str) -> None:
        """Delete the account with its sessions and tokens. Raises NotFoundError, ConflictError."""
        with self._database.engine.begin() as connection:
            self._lock_admins(connection)
            gone = connection.execute(sa.delete(USERS).where(USERS.c.name == name, self._another_admin(name)))
            if gone.rowcount == 0:
                self._refuse(connection, name)
            for table in (SESSIONS, TOKENS):
                connection.execute(sa.delete(table).where(table.c.user == name))

    def _insert(self, name: str, role: Role, created_by: str | None, **identity: str) -> Account:
        values = {"name": name, "role": role.value, "created_at": self._database.clock(), "created_by": created_by}
        try:
            with self._database.engine.begin() as connection:
                connection.execute(sa.insert(USERS).values(**values, **identity))
        except sa.exc.IntegrityError:
            raise ConflictError(f"There is an account {name} already.") from None
        return _account({**values, "password_hash": identity.get("password_hash")})

    def _change(self, name: str, is_kept: sa.ColumnElement[bool], **values: str) -> None:
        """Change an account where `is_kept` holds, and end its sessions."""
        with self._database.engine.begin() as connection:
            self._lock_admins(connection)
            changed = connection.execute(sa.update(USERS).where(USERS.c.name == name, is_kept).values(**values))
            if changed.rowcount == 0:
                self._refuse(connection, name)
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.user == name))

    def _another_admin(self, name: str) -> sa.ColumnElement[bool]:
        """Whether an admin is left without `name`, or it is none: part of the change itself, so two cannot cross."""
        others = USERS.alias()
        is_other = sa.and_(others.c.role == Role.ADMIN.value, others.c.name != name)
        return sa.or_(USERS.c.role != Role.ADMIN.value, sa.exists().where(is_other))

    def _lock_admins(self, connection: sa.Connection) -> None:
        """Two changes at once, each seeing the other's admin, would leave none; SQLite has one writer anyhow."""
        if connection.dialect.name != "sqlite":
            connection.execute(
                sa.select(USERS.c.name).where(USERS.c.role == Role.ADMIN.value).order_by(USERS.c.name).with_for_update()
            ).all()

    def _refuse(self, connection: sa.Connection, name: str) -> NoReturn:
        if connection.scalar(sa.select(USERS.c.name).where(USERS.c.name == name)) is None:
            raise NotFoundError(f"There is no account {name!r:.90}.")
        raise ConflictError(f"{name} is the only admin; make another one first.")


def _name_fault(name: str) -> str | None:
    """What is wrong with `name`: people judge under it, so it must not be that of a judge of ours."""
    if not re.fullmatch(_NAME, name):
        return "must be up to 64 lower-case letters, digits and any of . _ @ + -, a letter or digit first"
    return "is the name of a judge that is no person" if name == automatic.JUDGE else None


def _account(row: sa.RowMapping | dict[str, Any]) -> Account:
    return Account(
        name=row["name"],
        role=Role(row["role"]),
        has_password=row["password_hash"] is not None,
        created_at=moment(row["created_at"]),
        created_by=row["created_by"],
    )
