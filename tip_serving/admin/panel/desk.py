"""What every page is built with: the service, shared answers, and whoever recognises a browser."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tip_serving.admin.panel.live import Live
from tip_serving.admin.panel.visitor import Doorman
from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.tips import Tips

Answer = TypeVar("Answer")


@dataclass
class Desk:
    """Handed to every page."""

    bench: Bench
    tips: Tips
    doorman: Doorman
    live: Live = field(default_factory=Live)

    async def off_loop(self, find: Callable[[], Answer]) -> Answer:
        """What `find` returns or raises, worked out in a thread: the service reads files."""
        return await asyncio.to_thread(find)
