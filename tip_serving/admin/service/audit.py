"""The audit log as the service knows it: it takes a note of who did what, and of what was refused."""

from collections.abc import Mapping
from typing import Any, Protocol

from tip_serving.admin.service.users import User


class AuditLog(Protocol):
    """Append-only."""

    def note(self, user: User | None, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Take down one thing that happened.

        Args:
            user: who acted; None for somebody who was not recognised.
            action: one word.
            subject: what it was done to.
            detail: JSON; holds no secret, no task and no tip.
        """
