"""What every page is built with: the admin process's parts, and answers that pages share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tip_serving.admin.assembly import Admin
from tip_serving.admin.panel.live import Live

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Desk:
    """Handed to every page."""

    admin: Admin
    live: Live = field(default_factory=Live)

    async def off_loop(self, find: Callable[[], Answer]) -> Answer:
        """What `find` returns or raises, worked out in a thread: the service reads files."""
        return await asyncio.to_thread(find)
