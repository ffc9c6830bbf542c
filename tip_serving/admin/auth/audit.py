"""The audit log in the database: who started, cancelled, judged, exported or changed what, and what was refused."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

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


class DatabaseAudit:
    """The log that the service writes to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, user: User | None, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Take down one thing that happened; see `AuditLog`."""
        name = user.name if user else None
        _LOG.info("%s %s %s", name or "somebody", action, subject)
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

    def entries(self, user: User, action: str | None = None, offset: int = 0, limit: int = 100) -> Page[AuditRow]:
        """What happened, the latest first, for admins."""
        require(user, ADMINS, "read the audit log")
        wanted = sa.true() if action is None else AUDIT.c.action == action
        with self._database.engine.connect() as connection:
            n_total = connection.scalar(sa.select(sa.func.count()).select_from(AUDIT).where(wanted)) or 0
            asked = sa.select(AUDIT).where(wanted).order_by(AUDIT.c.entry.desc()).offset(offset).limit(limit)
            rows = [_row(found) for found in connection.execute(asked).mappings()]
        return page_of(rows, n_total, offset)


def _row(found: sa.RowMapping) -> AuditRow:
    return AuditRow.model_validate({**found, "at": moment(found["at"]), "detail": json.loads(found["detail"])})
