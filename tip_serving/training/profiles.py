"""Snapshots of profile features: of everybody at the end of a UTC day, or at any other moment.

    features/profile/<day>.parquet    one row per person who had done or been shown anything by the end of that day

Rows are in order of the user. Columns: user, computed_at (the first moment of the next day), every declared feature,
null where it cannot be known, contract_hash, and retain_until: when the first of the events it rests on must be gone.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from tip_serving.features.activity import profile_features
from tip_serving.features.contract import contract_hash
from tip_serving.features.declared import DType
from tip_serving.features.profile import PROFILE_FEATURES, ProfileError, resolve
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, read_table, write_table
from tip_serving.scoring.online_store import Profile
from tip_serving.training import history

_MOMENT = pl.Datetime("us", "UTC")
_TYPES: dict[DType, DataType | DataTypeClass] = {
    DType.FLOAT: pl.Float64,
    DType.INT: pl.Int64,
    DType.STRING: pl.String,
    DType.STRINGS: pl.List(pl.String),
}
FEATURES = tuple(feature.name for feature in PROFILE_FEATURES)
"""The declared features, each a column."""


@cache
def schema() -> Schema:
    """The columns of a snapshot in order."""
    return {
        "user": pl.String,
        "computed_at": _MOMENT,
        **{feature.name: _TYPES[feature.dtype] for feature in PROFILE_FEATURES},
        "contract_hash": pl.String,
        "retain_until": _MOMENT,
    }


def end_of(day: dt.date) -> dt.datetime:
    """The first moment after a UTC day, at which its snapshot stands."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)


def snapshot(lake: Lake, moment: dt.datetime) -> pl.DataFrame:
    """Everybody's profile features as events before the moment, aware, tell them; with the columns of `schema`."""
    computed_at = moment.astimezone(dt.UTC)
    rows = [
        (known.user, computed_at, *_values(known).values(), contract_hash(), known.retain_until)
        for known in history.known(history.read_events(lake, moment), moment)
    ]
    return pl.DataFrame(rows, schema(), orient="row")


def write_snapshot(lake: Lake, day: dt.date) -> pl.DataFrame:
    """Write the snapshot at the end of the day, or take away one that nothing is left for; its rows."""
    frame = snapshot(lake, end_of(day))
    path = layout.profile_features(day.isoformat())
    if frame.is_empty():
        lake.delete(path)
    else:
        write_table(lake, path, frame)
    return frame


def read_snapshot(lake: Lake, day: dt.date) -> pl.DataFrame:
    """The snapshot at the end of the day; no rows where the lake has none under the contract in force."""
    path = layout.profile_features(day.isoformat())
    frame = read_table(lake, path) if lake.exists(path) else empty(schema())
    return frame if frame.schema == pl.Schema(schema()) else empty(schema())


def online(rows: pl.DataFrame) -> Iterator[Profile]:
    """The rows as an online store takes them, nulls too."""
    for row in rows.iter_rows(named=True):
        yield Profile(row["user"], row["computed_at"], {name: _plain(row[name]) for name in FEATURES})


def _plain(value: object) -> object:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value


def _values(known: history.Known) -> dict[str, Any]:
    """The value of every declared feature; one that lies outside what is declared cannot be served, and is null."""
    found = profile_features(known.activity, known.now)
    bare = {name: None if found[name] is None else found[name]["value"] for name in FEATURES}
    if _is_declared(bare, known.now):
        return bare
    return {name: value if _is_declared({name: value}, known.now) else None for name, value in bare.items()}


def _is_declared(values: dict[str, Any], now: dt.datetime) -> bool:
    try:
        resolve(values, None, now)
    except ProfileError:
        return False
    return True
