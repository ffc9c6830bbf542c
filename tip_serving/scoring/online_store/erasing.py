"""The online store as a place of personal data: a person's features go when asked, those of nobody when stale."""

import datetime as dt
from collections.abc import Callable
from contextlib import closing

from tip_serving.privacy.places import Cleared, Place
from tip_serving.scoring.online_store.opening import Writer, open_writer
from tip_serving.scoring.online_store.profile import KEPT_S
from tip_serving.settings import Settings


def online_store(chosen: Settings) -> Place | None:
    """The configured store; None where none is."""
    return None if chosen.tip_online_store is None else _Store(chosen.tip_online_store)


class _Store:
    def __init__(self, url: str) -> None:
        self._url = url

    def erase(self, user: str, until: dt.datetime) -> Cleared:
        del until  # whatever lies here was computed from what has happened
        return self._do(lambda writer: writer.erase(user))

    def expire(self, now: dt.datetime) -> Cleared:
        return self._do(lambda writer: writer.expire(now - dt.timedelta(seconds=KEPT_S)))

    def _do(self, act: Callable[[Writer], int]) -> Cleared:
        with closing(open_writer(self._url)) as writer:
            return Cleared(act(writer))
