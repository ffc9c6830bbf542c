"""`python -m tip_serving.consumers`: brings events from the broker, or from files, into the event store."""

import asyncio
import sys

from tip_serving import settings
from tip_serving.consumers import app
from tip_serving.events.database import EventStoreError
from tip_serving.events.store import open_store


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    try:
        chosen = settings.load()
        app.configure_logs(chosen.tip_log_level)
        store = open_store(chosen)
    except (settings.SettingsError, EventStoreError) as error:
        sys.exit(str(error))
    try:
        asyncio.run(app.run(chosen, store))
    finally:
        store.close()


if __name__ == "__main__":
    main()
