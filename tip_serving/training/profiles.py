"""Snapshots of profile features: of everybody at the end of a UTC day, or at any other moment.

    features/profile/<day>.parquet     one row per person who had done or been shown anything by the end of that day
    features/replaced/<day>.parquet    rows that stood there until late events changed them, with `replaced_at`

Rows are in order of the user. Columns: user, computed_at (the first moment of the next day), every declared feature,
null where it cannot be known, contract_hash, and retain_until: when the first of the events it rests on must be gone.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
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
from tip_serving.lake.tables import Schema, empty, put_table, read_table, write_table
from tip_serving.scoring.online_store import Profile
from tip_serving.training import history

_MOMENT = pl.Datetime("us", "UTC")
_TYPES: dict[DType, DataType | DataTypeClass] = {
    DType.FLOAT: pl.Float64,
    DType.INT: pl.Int64,
    DType.STRING: pl.String,
    DType.STRINGS: pl.List(pl.String),
}
REPLACED_AT = "replaced_at"
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


def snapshot(lake: Lake, moment: dt.datetime, users: Collection[str] | None = None) -> pl.DataFrame:
    """Profile features as events before the moment tell them, with the columns of `schema`.

    Args:
        lake: with events.
        moment: aware.
        users: of these people alone.
    """
    computed_at = moment.astimezone(dt.UTC)
    rows = [
        (known.user, computed_at, *_values(known).values(), contract_hash(), known.retain_until)
        for known in history.known(history.read_events(lake, moment, users), moment)
    ]
    return pl.DataFrame(rows, schema(), orient="row")


def replace(lake: Lake, day: dt.date, frame: pl.DataFrame, now: dt.datetime) -> int:
    """Put the snapshot of a day in the place of the one that is there; how many rows stood otherwise until now.

    Those are kept aside, so that a decision made on one of them can be told from one made on knowledge that nobody
    had; not those of people who are in the snapshot no more. An empty snapshot takes the file away.
    """
    path, aside = layout.profile_features(day.isoformat()), layout.replaced_features(day.isoformat())
    before = read_snapshot(lake, day)
    key = list(schema())
    is_same = before.select(key).hash_rows().is_in(frame.select(key).hash_rows().implode())
    other = before.filter(~is_same).join(frame, on="user", how="semi")
    if not other.is_empty():
        replaced = pl.concat(
            [read_replaced(lake, day), other.with_columns(pl.lit(now).cast(_MOMENT).alias(REPLACED_AT))]
        )
        write_table(lake, aside, replaced)
    put_table(lake, path, frame)
    return other.height


def read_replaced(lake: Lake, day: dt.date) -> pl.DataFrame:
    """The rows that stood in the snapshot of the day before, each with the moment at which it was replaced."""
    path = layout.replaced_features(day.isoformat())
    declared = schema() | {REPLACED_AT: _MOMENT}
    frame = read_table(lake, path) if lake.exists(path) else empty(declared)
    return frame if frame.schema == pl.Schema(declared) else empty(declared)


def read_snapshot(lake: Lake, day: dt.date) -> pl.DataFrame:
    """The snapshot at the end of the day; no rows where the lake has none under the contract in force."""
    path = layout.profile_features(day.isoformat())
    frame = read_table(lake, path) if lake.exists(path) else empty(schema())
    if frame.schema != pl.Schema(schema()):
        return empty(schema())
    return frame.filter(pl.col("contract_hash") == contract_hash())


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
