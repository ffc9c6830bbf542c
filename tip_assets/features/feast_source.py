"""What Feast reads of the lake: the folder of profile snapshots, as it lies there; and whom it tells of."""

import datetime as dt
from typing import NamedTuple

import polars as pl

from tip_assets.features.feast_repository import FeastRepositoryError
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import read_table
from tip_serving.scoring.online_store.profile import KEPT_S
from tip_serving.training import profiles

_SHOWN = 10


class Source(NamedTuple):
    """The snapshots of a lake."""

    location: str
    """Of their folder, a path or a URL."""
    days: tuple[dt.date, ...]
    """Each with a snapshot, in order."""
    people: tuple[str, ...]
    """Of whom any feature may still be fresh at the last of them, in order."""


def source(lake: Lake) -> Source:
    """The snapshots of the lake.

    Raises:
        FeastRepositoryError: there is none, or some have other columns than the contract; lists the first ten days.
    """
    paths = [entry.path for entry in lake.find(layout.PROFILES) if entry.path.endswith(".parquet")]
    if not paths:
        raise FeastRepositoryError(
            f"{lake.locate(layout.PROFILES)} holds no profile snapshot; materialize `profile_features` first."
        )
    days = [dt.date.fromisoformat(layout.decode(path.rpartition("/")[2].removesuffix(".parquet"))) for path in paths]
    oldest = profiles.end_of(max(days)) - dt.timedelta(seconds=KEPT_S)
    people: set[str] = set()
    astray = []
    for day, path in zip(days, paths, strict=True):
        frame = read_table(lake, path)
        if frame.schema != pl.Schema(profiles.schema()):
            astray.append(day.isoformat())
        elif profiles.end_of(day) >= oldest:
            people |= set(frame["user"])
    if astray:
        raise FeastRepositoryError(
            f"The profile snapshots of {len(astray)} days have other columns than the contract in force, and Feast "
            f"reads the whole folder: {', '.join(astray[:_SHOWN])}. Materialize `profile_features` of these days again."
        )
    return Source(lake.locate(layout.PROFILES), tuple(days), tuple(sorted(people)))
