"""What the routes need, opened in order and closed in the other: releases, profiles, the decision log, the gateway."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tip_serving.api.decisions import open_log
from tip_serving.api.routes import Routes
from tip_serving.events.decision_log import DecisionLog
from tip_serving.events.event import Event
from tip_serving.lake.storage import Lake
from tip_serving.scoring.author import Author, Habits
from tip_serving.scoring.event_clock import EventClock
from tip_serving.scoring.online_store import Profiles, open_store
from tip_serving.scoring.ranker import Ranker
from tip_serving.scoring.released import Releases
from tip_serving.scoring.shadow import Log, Shadow
from tip_serving.settings import Settings


@dataclass(frozen=True)
class Services:
    """Of one process; `ranker` and `author` are there where their route is."""

    releases: Releases
    clock: EventClock
    log: DecisionLog
    shadow: Shadow
    ranker: Ranker | None
    author: Author | None


@asynccontextmanager
async def opened(settings: Settings, routes: Routes, listener: Callable[[Event], None]) -> AsyncIterator[Services]:
    """The services, ready: what is released is loaded and, where tips are written, LiteLLM is warm.

    At the end, what waits in the shadow is handed to the log before the log is brought to its broker or disk.

    Args:
        settings: of the process.
        routes: for which there must be services.
        listener: hears of every event, in the thread of the log.
    """
    retention = dt.timedelta(days=settings.tip_retention_days)
    async with AsyncExitStack() as stack:
        log = await asyncio.to_thread(open_log, settings, listener)
        stack.push_async_callback(asyncio.to_thread, log.close)
        profiles = Profiles(open_store(settings.tip_online_store), settings.tip_online_store_budget_s)
        stack.push_async_callback(profiles.aclose)
        releases = Releases(Lake(settings.lake_url))
        await asyncio.to_thread(releases.refresh)
        clock = EventClock(settings.tip_event_clock == "request")
        shadow = Shadow(log, settings.tip_shadow_queue, clock)
        await stack.enter_async_context(_running(releases, shadow, settings.tip_manifest_poll_s))
        ranker = Ranker(releases, profiles, log, shadow, retention, clock) if routes.score else None
        author = await _author(settings, stack, releases, profiles, log, clock) if routes.generate else None
        yield Services(releases, clock, log, shadow, ranker, author)


@asynccontextmanager
async def _running(releases: Releases, shadow: Shadow, poll_s: float) -> AsyncIterator[None]:
    """The tasks in the background; ended in an orderly way, since the queue of the shadow holds events."""
    tasks = [asyncio.create_task(releases.watch(poll_s)), asyncio.create_task(shadow.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shadow.close()


async def _author(
    settings: Settings, stack: AsyncExitStack, releases: Releases, profiles: Profiles, log: Log, clock: EventClock
) -> Author:
    # Imported here: a process that only scores has no use for the gateway, and LiteLLM takes seconds.
    from tip_serving.generation.catalog import Catalog
    from tip_serving.generation.gateway import Gateway, Patience

    patience = Patience(attempts=settings.tip_call_attempts, timeout_s=settings.tip_call_timeout_s)
    gateway = Gateway(Catalog.load(settings), patience, settings.tip_concurrency)
    stack.push_async_callback(gateway.aclose)
    await gateway.warm_up()
    habits = Habits(
        model=settings.tip_generate_model,
        fallback_model=settings.tip_generate_fallback_model,
        prompt_version=settings.default_prompt_version,
        budget_s=settings.tip_generate_budget_s,
        temperature=settings.tip_generate_temperature,
        retention=dt.timedelta(days=settings.tip_retention_days),
    )
    return Author(gateway, releases, profiles, log, habits, clock)
