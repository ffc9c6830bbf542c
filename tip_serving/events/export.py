"""Events on their way from the store into the lake: one Parquet file per kind and UTC day, replaced as a whole.

    events/exposures/<day>.parquet     one row per decision
    events/feedback/<day>.parquet      one row per reaction
    events/signals/<day>.parquet       one row per signal; columns that its type does not have are null
    events/tip_scores/<day>.parquet    one row per person, decision and tip shown that day, with all reactions so far

Rows are in order of moment and event id (`tip_scores`: decision and tip), so equal days are equal files. Beside each
day lies a mark with the hash of its file, by which `inventory` tells what changed without reading it.
"""

import datetime as dt
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import polars as pl

from tip_serving.events import schema
from tip_serving.events.kinds import AnyEvent, Kind
from tip_serving.events.store import TIP_SCORES, EventStore
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, remove_rows

_MOMENT = pl.Datetime("us", "UTC")
_EVENT: Schema = {"event_id": pl.String, "at": _MOMENT, "user": pl.String, "retain_until": _MOMENT}
_VECTORS = pl.Struct(
    {"n_rows": pl.Int64, "varying": pl.List(pl.Int64), "first_row": pl.Binary, "other_rows": pl.Binary}
)
_AUTHORSHIP = pl.Struct({"decision_id": pl.String, "prompt_version": pl.String, "model": pl.String})
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
        "latency_ms": pl.Float64,
        "error": pl.String,
        "profile_source": pl.String,
        "profile_computed_at": _MOMENT,
        "written": pl.List(_AUTHORSHIP),  # one per tip, or none at all
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


class Held(NamedTuple):
    """The file of one day in the lake."""

    sha256: str
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
    _put(lake, layout.events(kind, day.isoformat()), frame)
    return frame.height


def read_day(lake: Lake, kind: str, day: dt.date, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """One day as the lake has it, with all columns of SCHEMAS or those asked for; no rows where it has none.

    Columns that were declared after the day was written are null.
    """
    declared = {name: dtype for name, dtype in SCHEMAS[kind].items() if columns is None or name in columns}
    path = layout.events(kind, day.isoformat())
    if not lake.exists(path):
        return empty(declared)
    data = io.BytesIO(lake.read(path))
    held = pl.read_parquet_schema(data)
    found = pl.read_parquet(data, columns=[name for name in declared if name in held])
    return found.select(pl.col(name) if name in held else pl.lit(None, dtype).alias(name)
                        for name, dtype in declared.items())  # fmt: skip


def days(lake: Lake, kind: str) -> list[dt.date]:
    """The days of one kind that the lake has, in order."""
    return [dt.date.fromisoformat(layout.day_of(entry.path)) for entry in lake.find(layout.event_days(kind))]


Inventory = Mapping[tuple[str, dt.date], Held]
"""What the lake has, by kind and day."""


def inventory(lake: Lake, kinds: Iterable[str] = tuple(SCHEMAS)) -> dict[tuple[str, dt.date], Held]:
    """Every day that the lake has of these kinds, told by the marks alone where they are there."""
    found = {}
    for kind in kinds:
        marks = {entry.path for entry in lake.find(layout.feature_marks(kind))}
        for day in days(lake, kind):
            mark = layout.feature_mark(kind, day.isoformat())
            found[kind, day] = Held(**json.loads(lake.read(mark))) if mark in marks else _examined(lake, kind, day)
    return found


def _examined(lake: Lake, kind: str, day: dt.date) -> Held:
    data = lake.read(layout.events(kind, day.isoformat()))
    return Held(hashlib.sha256(data).hexdigest(), pl.read_parquet(io.BytesIO(data), columns=["user"]).height)


def _put(lake: Lake, path: str, frame: pl.DataFrame) -> None:
    """Replace a day. The mark goes first and comes last: one that is there is that of the file."""
    mark = layout.feature_mark(layout.kind_of(path), layout.day_of(path))
    lake.delete(mark)
    if frame.is_empty():
        lake.delete(path)
        return
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    lake.write(path, buffer.getvalue())
    held = Held(hashlib.sha256(buffer.getvalue()).hexdigest(), frame.height)
    lake.write(mark, json.dumps(held._asdict()).encode())


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
    return remove_rows(lake, layout.EVENTS, is_gone, _put)


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
