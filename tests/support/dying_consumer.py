"""A consumer that is killed between the commit of its first batch and the acknowledgement; run as a program."""

import asyncio
import os
import signal
from collections.abc import Sequence

from tip_serving import settings
from tip_serving.consumers import app
from tip_serving.events.kinds import AnyEvent
from tip_serving.events.store import EventStore, Kept, open_store


class DyingStore:
    """Commits one batch that holds anything new, and is gone."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def keep(self, events: Sequence[AnyEvent]) -> Kept:
        """Never returns a batch that held something new."""
        kept = self._store.keep(events)
        if kept.n_new:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept


if __name__ == "__main__":
    chosen = settings.load()
    app.configure_logs(chosen.tip_log_level)
    asyncio.run(app.run(chosen, DyingStore(open_store(chosen))))  # type: ignore[arg-type]
