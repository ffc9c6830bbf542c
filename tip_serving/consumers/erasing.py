"""Streams as a place of personal data: messages and dead letters of a person, or past their time, are deleted there."""

import asyncio
import datetime as dt

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tip_serving.consumers.connection import connected
from tip_serving.consumers.walking import walk
from tip_serving.events.streams import DEAD_LETTERS, STREAMS
from tip_serving.privacy.ownership import Gone, belongs_to, over_at
from tip_serving.privacy.places import Cleared, Place
from tip_serving.settings import Settings


def streams(chosen: Settings) -> Place | None:
    """The streams of the broker; None where none is set."""
    return None if chosen.tip_nats_url is None else _Streams(chosen.tip_nats_url)


class _Streams:
    def __init__(self, url: str) -> None:
        self._url = url

    def erase(self, user: str, until: dt.datetime) -> Cleared:
        del until  # whatever lies here has happened
        return asyncio.run(self._remove(belongs_to(user)))

    def expire(self, now: dt.datetime) -> Cleared:
        return asyncio.run(self._remove(over_at(now)))

    async def _remove(self, is_gone: Gone) -> Cleared:
        async with connected(self._url) as context:
            return Cleared(sum([await _remove(context, one.name, is_gone) for one in (*STREAMS, DEAD_LETTERS)]))


async def _remove(context: JetStreamContext, stream: str, is_gone: Gone) -> int:
    """Delete messages, over-written on the broker's disk; how many."""
    try:
        gone = [m.metadata.sequence.stream async for m in walk(context, stream) if is_gone(m.data)]
    except NotFoundError:
        return 0
    for sequence in gone:
        await context.delete_msg(stream, sequence)
    return len(gone)
