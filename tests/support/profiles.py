"""Profiles of people in an online store, and the port asked for one."""

import asyncio
import datetime as dt
from typing import Any

from tip_serving.scoring.online_store import Fetched, Profiles, open_store

AT = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def ask(url: str | None, user: str, shipped: dict[str, Any] | None = None, budget_s: float = 5.0) -> Fetched:
    """What a server that starts now would find out about `user`."""

    async def main() -> Fetched:
        profiles = Profiles(open_store(url), budget_s)
        try:
            return await profiles.of(user, shipped)
        finally:
            await profiles.aclose()

    return asyncio.run(main())
