"""A connection to the broker for as long as one order takes; it answers soon or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
from nats.js import JetStreamContext

CONNECT_S = 5
_AGAIN_S = 0.2


def servers(url: str) -> list[str]:
    """The addresses in a setting, which separates them by commas."""
    return [address.strip() for address in url.split(",")]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[JetStreamContext]:
    """JetStream at one of the addresses of `url`.

    Raises:
        nats.errors.Error: nobody answers at any of them.
        OSError: the same, where that is known sooner.
    """
    client = await nats.connect(
        servers(url),
        name="tip-streams",
        connect_timeout=CONNECT_S,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # of the first connection too; nats-py otherwise tries for two minutes
        reconnect_time_wait=_AGAIN_S,
        error_cb=_is_raised_as_well,
    )
    try:
        yield client.jetstream(timeout=CONNECT_S)
    finally:
        await client.close()


async def _is_raised_as_well(_: Exception) -> None:
    """Without it nats-py logs a traceback for each address that does not answer."""
