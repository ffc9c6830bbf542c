"""The audit log in the database: who started, cancelled, judged, exported or changed what, and what was refused."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from tip_serving.admin.auth.database import AUDIT, Database, moment
from tip_serving.admin.service.rows import Page, Plain, page_of
from tip_serving.admin.service.users import ADMINS, User, require

_LOG = logging.getLogger(__name__)


class AuditRow(Plain):
    """One thing that happened."""

    entry: int
    at: datetime
    user: str | None
    """Null for somebody who was not recognised."""
    action: str
    subject: str
    detail: dict[str, Any]


class AuditReading(NamedTuple):
    """A stretch of the log, and the words for what was done that there are in all of it."""

    page: Page[AuditRow]
    actions: tuple[str, ...]


class DatabaseAudit:
    """The log that the service writes to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, user: User | None, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Take down one thing that happened; see `AuditLog`."""
        name = user.name if user else None
        _LOG.info("%s %s %r", name or "somebody", action, subject)  # the subject may be what a stranger typed
        with self._database.engine.begin() as connection:
            connection.execute(
                sa.insert(AUDIT).values(
                    at=self._database.clock(),
                    user=name,
                    action=action,
                    subject=subject[:400],
                    detail=json.dumps(detail, ensure_ascii=False, default=str),
                )
            )

    def entries(
        self, user: User, action: str | None = None, by: str | None = None, offset: int = 0, limit: int = 100
    ) -> Page[AuditRow]:
        """What happened, the latest first, for admins.

        Args:
            user: an admin.
            action: only these.
            by: only what this user did.
            offset: how many to pass over.
            limit: at most so many.
        """
        require(user, ADMINS, "read the audit log")
        wanted = sa.and_(
            sa.true() if action is None else AUDIT.c.action == action, sa.true() if by is None else AUDIT.c.user == by
        )
        with self._database.engine.connect() as connection:
            n_total = connection.scalar(sa.select(sa.func.count()).select_from(AUDIT).where(wanted)) or 0
            asked = sa.select(AUDIT).where(wanted).order_by(AUDIT.c.entry.desc()).offset(offset).limit(limit)
            rows = [_row(found) for found in connection.execute(asked).mappings()]
        return page_of(rows, n_total, offset)

    def read(self, user: User, action: str | None, by: str | None, offset: int, limit: int) -> AuditReading:
        """The same, with what there is to choose from."""
        page = self.entries(user, action, by, offset, limit)
        with self._database.engine.connect() as connection:
            actions = tuple(connection.scalars(sa.select(AUDIT.c.action).distinct().order_by(AUDIT.c.action)))
        return AuditReading(page, actions)


def _row(found: sa.RowMapping) -> AuditRow:
    return AuditRow.model_validate({**found, "at": moment(found["at"]), "detail": json.loads(found["detail"])})
