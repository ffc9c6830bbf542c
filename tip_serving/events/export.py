"""Events on their way from the store into the lake: one Parquet file per kind and UTC day, replaced as a whole.

    events/exposures/<day>.parquet     one row per decision
    events/feedback/<day>.parquet      one row per reaction
    events/signals/<day>.parquet       one row per signal; columns that its type does not have are null
    events/tip_scores/<day>.parquet    one row per person, decision and tip shown that day, with all reactions so far

Rows are in order of moment and event id (`tip_scores`: decision and tip), so equal days are equal files.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import polars as pl

from tip_serving.events import schema
from tip_serving.events.kinds import AnyEvent, Kind
from tip_serving.events.store import TIP_SCORES, EventStore
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, read_table, write_table

_MOMENT = pl.Datetime("us", "UTC")
_EVENT: Schema = {"event_id": pl.String, "at": _MOMENT, "user": pl.String, "retain_until": _MOMENT}
_VECTORS = pl.Struct(
    {"n_rows": pl.Int64, "varying": pl.List(pl.Int64), "first_row": pl.Binary, "other_rows": pl.Binary}
)
_SHADOW = pl.Struct(
    {
        "arm": pl.String,
        "model_version": pl.String,
        "policy_version": pl.String,
        "scores": pl.List(pl.Float64),
        "propensities": pl.List(pl.Float64),
        "latency_ms": pl.Float64,
        "error": pl.String,
    }
)

SCHEMAS: dict[str, Schema] = {
    Kind.EXPOSURE: {
        **_EVENT,
        "decision_id": pl.String,
        "kind": pl.String,
        "arm": pl.String,
        "manifest_version": pl.String,
        "policy_version": pl.String,
        "model_version": pl.String,
        "contract_hash": pl.String,
        "prompt_version": pl.String,
        "model": pl.String,
        "tip_ids": pl.List(pl.String),
        "propensities": pl.List(pl.Float64),
        "scores": pl.List(pl.Float64),
        "order": pl.List(pl.Int64),
        "vector_hash": pl.String,
        "vectors": _VECTORS,  # the fields of `vectors.PackedVectors`
        "fell_back": pl.List(pl.Struct({"feature": pl.String, "reason": pl.String})),
        "shadow": pl.List(_SHADOW),
        "schema_version": pl.Int64,
    },
    Kind.FEEDBACK: {
        **_EVENT,
        "decision_id": pl.String,
        "tip_id": pl.String,
        "reaction": pl.String,
        "rating": pl.Float64,
        "schema_version": pl.Int64,
    },
    Kind.SIGNAL: {
        **_EVENT,
        "utc_offset_min": pl.Int64,  # of the person when it happened: local hours follow from it
        "type": pl.String,
        "task_id": pl.String,
        "due_at": _MOMENT,
        "priority": pl.Int64,
        "labels": pl.List(pl.String),
        "session_id": pl.String,
        "signed_up_at": _MOMENT,
        "language": pl.String,
        "time_zone": pl.String,
        "quiet_hours": pl.String,
        "schema_version": pl.Int64,
    },
    TIP_SCORES: {
        "decision_id": pl.String,
        "tip_id": pl.String,
        "user": pl.String,
        "at": _MOMENT,
        "kind": pl.String,
        "arm": pl.String,
        "manifest_version": pl.String,
        "policy_version": pl.String,
        "model_version": pl.String,
        "prompt_version": pl.String,
        "model": pl.String,
        "rank": pl.Int64,  # 0 came first
        "propensity": pl.Float64,  # of coming first
        "score": pl.Float64,
        **{f"{reaction}_at": _MOMENT for reaction in schema.REACTIONS},
        "rating": pl.Float64,
        "n_reactions": pl.Int64,
        "retain_until": _MOMENT,
    },
}
_ROWS_AT_ONCE = 20_000


class Exported(NamedTuple):
    """One day in the lake."""

    kind: str
    day: dt.date
    n_rows: int


def export(store: EventStore, lake: Lake) -> Iterator[Exported]:
    """Write every day that changed since it was last written; each day as it is done.

    A day that changes while it is written stays among the changed ones. A day without rows has no file.
    """
    for changed in store.changed_days():
        yield Exported(changed.kind, changed.day, export_day(store, lake, changed.kind, changed.day))
        store.mark_exported(changed)


def export_day(store: EventStore, lake: Lake, kind: str, day: dt.date) -> int:
    """Write one day as it stands now; how many rows it has."""
    frame = tip_scores(store, day) if kind == TIP_SCORES else events(store, Kind(kind), day)
    path = layout.events(kind, day.isoformat())
    if frame.is_empty():
        lake.delete(path)
    else:
        write_table(lake, path, frame)
    return frame.height


def read_day(lake: Lake, kind: str, day: dt.date) -> pl.DataFrame:
    """One day as the lake has it; no rows where it has none."""
    path = layout.events(kind, day.isoformat())
    return read_table(lake, path) if lake.exists(path) else empty(SCHEMAS[kind])


def events(store: EventStore, kind: Kind, day: dt.date) -> pl.DataFrame:
    """The events of one UTC day, with the columns of SCHEMAS."""
    declared = SCHEMAS[kind]
    parts = [empty(declared)]
    found = store.events(kind, day)
    while page := [_record(event) for event in islice(found, _ROWS_AT_ONCE)]:
        parts.append(pl.DataFrame([[record.get(name) for name in declared] for record in page], declared, orient="row"))
    return pl.concat(parts)


def tip_scores(store: EventStore, day: dt.date) -> pl.DataFrame:
    """The tips shown on one UTC day with their reactions so far, with the columns of SCHEMAS."""
    wanted = SCHEMAS[TIP_SCORES]
    held = {f"{name}_us" if dtype == _MOMENT else name: dtype for name, dtype in wanted.items()}
    numbers: Schema = {name: pl.Int64 if dtype == _MOMENT else dtype for name, dtype in held.items()}
    frame = pl.DataFrame(store.tip_scores(day), numbers, orient="row")
    moments = [pl.col(f"{name}_us").cast(_MOMENT) for name, dtype in wanted.items() if dtype == _MOMENT]
    return frame.with_columns(moments).rename({name: name.removesuffix("_us") for name in frame.columns})


def remove(lake: Lake, is_gone: Callable[[pl.DataFrame], pl.Series]) -> int:
    """Take rows out of every day that the lake has; how many.

    Args:
        lake: with or without events.
        is_gone: of a day's rows, which are to go.
    """
    n_removed = 0
    for entry in lake.find(layout.EVENTS):
        frame = read_table(lake, entry.path)
        left = frame.filter(~is_gone(frame))
        if left.is_empty():
            lake.delete(entry.path)
        elif left.height < frame.height:
            write_table(lake, entry.path, left)
        n_removed += frame.height - left.height
    return n_removed


def _record(event: AnyEvent) -> dict[str, Any]:
    record = msgspec.to_builtins(event, builtin_types=(dt.datetime, bytes))
    offset = event.at.utcoffset() or dt.timedelta()
    record["utc_offset_min"] = offset // dt.timedelta(minutes=1)
    for name, value in record.items():
        if isinstance(value, dt.datetime):
            record[name] = value.astimezone(dt.UTC)
    if "fell_back" in record:
        record["fell_back"] = [{"feature": name, "reason": why} for name, why in record["fell_back"].items()]
    return dict(record)
