"""From what days lack to the runs that are asked for: days in a row that lack the same are one run."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from tip_assets.bench.requesting import RANGE_END, RANGE_START
from tip_serving.events.store import TIP_SCORES
from tip_serving.training.profiles import end_of
from tip_serving.training.quality.features import PROFILE, TRAINING
from tip_serving.training.upkeep import Lack, Table

OPEN_DAY_EVERY = dt.timedelta(minutes=15)
"""A day that is not over changes all the time."""
_ASSETS = {Table.PROFILE: (PROFILE, "online_features"), Table.TRAINING: (TRAINING,)}
"""By table, with what is brought from it to where servers look."""


class Request(NamedTuple):
    """One run over days in a row."""

    first: dt.date
    last: dt.date
    assets: tuple[str, ...]
    name: str
    """Names what is asked for and what it would rest on: asked again for the same, it is the same."""
    run_key: str | None
    """A run of this key is made once."""

    @property
    def tags(self) -> dict[str, str]:
        """The tags by which Dagster knows the range."""
        return {RANGE_START: self.first.isoformat(), RANGE_END: self.last.isoformat()}


def requests(lacks: Sequence[Lack], now: dt.datetime) -> list[Request]:
    """The runs for what days lack, in order of the days.

    A day's events and its tables are one run. Profiles that rest on events of an earlier run are left out: until those
    are exported, they would be made in vain.

    Args:
        lacks: by day.
        now: aware; a day that is not over is asked for by itself, and once every OPEN_DAY_EVERY.
    """
    runs: list[list[Lack]] = []
    for lack in lacks:
        last = runs[-1][-1] if runs else None
        if last is not None and _follows(last, lack) and now >= end_of(lack.day):
            runs[-1].append(lack)
        else:
            runs.append([lack])
    made = [_request(run, now, is_waiting=_is_pending(runs[:place])) for place, run in enumerate(runs)]
    return [request for request in made if request.assets]


def _follows(last: Lack, lack: Lack) -> bool:
    is_next = lack.day - last.day == dt.timedelta(days=1)
    return is_next and (lack.kinds, lack.tables) == (last.kinds, last.tables)


def _is_pending(runs: list[list[Lack]]) -> bool:
    """Whether these runs export events that profiles rest on."""
    return any(kind != TIP_SCORES for run in runs for lack in run for kind in lack.kinds)


def _request(run: list[Lack], now: dt.datetime, *, is_waiting: bool) -> Request:
    first, last = run[0], run[-1]
    tables = [table for table in first.tables if not (table is Table.PROFILE and is_waiting)]
    assets = (*first.kinds, *(asset for table in tables for asset in _ASSETS[table]))
    told = repr([assets, [(lack.day, lack.basis) for lack in run]])
    run_key = None
    if now < end_of(last.day):
        run_key = f"{last.day} {','.join(assets)} {now.timestamp() // OPEN_DAY_EVERY.total_seconds():.0f}"
    return Request(first.day, last.day, assets, hashlib.sha256(told.encode()).hexdigest()[:16], run_key)
