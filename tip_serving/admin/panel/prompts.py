"""The registered prompts, their texts, and how two versions differ."""

from typing import Any

from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service import catalogs
from tip_serving.admin.service.catalogs import PromptDiff, PromptRow
from tip_serving.admin.service.users import User

_KINDS = {"same": "same", "added": "plus", "removed": "minus"}


class PromptsView(View, component="views/prompts.js"):
    """Draws texts and differences."""


async def told(desk: Desk, visitor: Visitor, user: User) -> None:
    """The version that the address names, or the first; beside another one where it names two."""
    version, against = visitor.query.get("version") or None, visitor.query.get("against") or None
    reading = await desk.off_loop(lambda: catalogs.read_prompt(user, desk.admin.bench, version, against))
    PromptsView().show(
        page={
            "versions": [{"version": known.version, "summary": known.summary} for known in reading.rows],
            "against": against,
            "shown": _shown(reading.chosen, reading.changes),
        }
    )


def _shown(row: PromptRow, changes: PromptDiff | None) -> dict[str, Any]:
    return {
        "version": row.version,
        "summary": row.summary,
        "max_tokens": row.max_tokens,
        "variables": ", ".join(row.variables),
        "content_hash": row.content_hash,
        "system": row.system,
        "user": row.user,
        "system_diff": _lines(changes, "system"),
        "user_diff": _lines(changes, "user"),
        "used": row.experiments,
    }


def _lines(changes: PromptDiff | None, part: str) -> list[dict[str, str]] | None:
    if changes is None:
        return None
    return [{"kind": _KINDS[line.mark], "text": line.text} for line in changes.lines if line.part == part]
