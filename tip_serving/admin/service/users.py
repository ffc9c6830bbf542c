"""Who acts, and the one check of what a role may do."""

from enum import StrEnum
from typing import NamedTuple

from tip_serving.admin.service.errors import ForbiddenError


class Role(StrEnum):
    """What a person may do; nobody has two."""

    ADMIN = "admin"
    """Everything."""
    JUDGE = "judge"
    """Judge, blind: sees neither models nor prompts, nor what came out."""
    VIEWER = "viewer"
    """See everything that is not about accounts, and change nothing."""


class User(NamedTuple):
    """Somebody who was recognised. As a judge a person goes by their user name."""

    name: str
    role: Role


READERS = frozenset({Role.ADMIN, Role.VIEWER})
JUDGES = frozenset({Role.ADMIN, Role.JUDGE})
ADMINS = frozenset({Role.ADMIN})
EVERYBODY = frozenset(Role)


def require(user: User, allowed: frozenset[Role], to: str) -> None:
    """Refuse `user` unless its role is among `allowed`.

    Args:
        user: who acts.
        allowed: roles that may.
        to: what they would do, as it reads after "may".

    Raises:
        ForbiddenError: another role.
    """
    if user.role not in allowed:
        may = " or ".join(sorted(allowed))
        raise ForbiddenError(f"Only a user with role {may} may {to}; {user.name} has role {user.role}.")
