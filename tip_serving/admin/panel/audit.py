"""The audit log, for admins: who did what and what was refused, the latest first."""

from collections.abc import Mapping
from typing import Any

from tip_serving.admin.auth.audit import AuditRow
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.users import User

A_PAGE = 50
LOOKS_EVERY_S = 3.0
_SHORT = 80  # characters of a detail; a longer one is folded


class AuditView(View, component="views/audit.js"):
    """Draws the log."""


async def told(desk: Desk, visitor: Visitor, user: User) -> None:
    """What happened, sifted by what was done and by whom. Raises ForbiddenError."""
    wanted = _wanted(visitor.query)
    view = AuditView()
    view.show(wanted=wanted)

    async def look(now: User) -> None:
        action, by, offset = wanted["action"] or None, wanted["by"] or None, (wanted["page"] - 1) * A_PAGE
        found = await desk.off_loop(lambda: desk.admin.audit.read(now, action, by, offset, A_PAGE))
        view.show(
            page={
                "actions": [{"name": name, "words": _words(name)} for name in found.actions],
                "rows": [_row(row) for row in found.page.items],
                "n_total": found.page.n_total,
                "number": wanted["page"],
                "n_pages": max(1, -(-found.page.n_total // A_PAGE)),
            }
        )

    async def sift(now: User, asked: Any) -> None:
        wanted.update(_wanted(asked if isinstance(asked, dict) else {}))
        await look(now)

    await look(user)
    visitor.on(view, "sift", sift)
    visitor.every(LOOKS_EVERY_S, look)


def _wanted(asked: Mapping[str, Any]) -> dict[str, Any]:
    page = str(asked.get("page", 1))[:9]
    return {
        "action": str(asked.get("action", ""))[:40],
        "by": str(asked.get("by", "")).strip()[:120],
        "page": int(page) if page.isdecimal() and int(page) > 0 else 1,
    }


def _words(action: str) -> str:
    return action.replace("-", " ").replace("_", " ")


def _row(row: AuditRow) -> dict[str, Any]:
    known = {name: value for name, value in row.detail.items() if value not in ("", [], {}, None)}
    details = [f"{_words(name)} {_value(value)}" for name, value in known.items()]
    detail = ", ".join(details)
    return {
        "entry": row.entry,
        "day": f"{row.at:%d %b %Y}",
        "time": f"{row.at:%H:%M:%S}",
        "iso": row.at.isoformat(),
        "user": row.user or "",
        "words": _words(row.action),
        "is_refusal": row.action.endswith("refused"),
        "subject": row.subject,
        "detail": detail if len(detail) <= _SHORT else "",
        "folded": details if len(detail) > _SHORT else [],
    }


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{_words(name)} {_value(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
