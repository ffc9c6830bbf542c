"""Decisions and what became of them, as fresh as the event store has them.

Grain: one row per decision that was made under one manifest, in the order in which they were made; the columns are
`SCHEMA`. Reactions are those to the tip that came first. Who asked twice under one decision id is counted once.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
import polars as pl

from tip_serving.events.exposure import ShadowResult
from tip_serving.events.kinds import Kind
from tip_serving.events.rows import moment
from tip_serving.events.store import EventStore, Recent
from tip_serving.training.reward import is_dismissed, reward_of

MOMENTS = ("accepted_at", "done_at", "dismissed_at", "rated_at")
SCHEMA: dict[str, Any] = {
    "user": pl.String,
    "arm": pl.String,
    "kind": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "latency_ms": pl.Float64,
    "error": pl.String,
    **dict.fromkeys(MOMENTS, pl.Datetime("us", "UTC")),
    "rating": pl.Float64,
}
_TOLD = (*MOMENTS, "rating")
_UNTOLD = (None,) * len(_TOLD)
_CLOCKS_MAY_DIFFER = dt.timedelta(minutes=5)


class Decided(msgspec.Struct, frozen=True, tag="exposure", tag_field="type"):
    """What is read of an exposure here; the rest is not decoded."""

    arm: str
    kind: str
    manifest_version: str | None
    tip_ids: tuple[str, ...] = ()
    order: tuple[int, ...] = ()
    propensities: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    shadow: tuple[ShadowResult, ...] = ()
    latency_ms: float | None = None
    error: str | None = None


class Decision(NamedTuple):
    """One decision and the reactions to its first tip, by name of the moment."""

    user: str
    at: dt.datetime
    exposure: Decided
    reactions: dict[str, Any]


_decoder = msgspec.json.Decoder(Decided)


def decisions(store: EventStore, manifest_version: str, since: dt.datetime, until: dt.datetime) -> Iterator[Decision]:
    """The decisions under one manifest.

    Args:
        store: as fresh as it is.
        manifest_version: under which they were made.
        since: aware, when that manifest was decided on.
        until: aware; what was decided or done later is not known yet.
    """
    since -= _CLOCKS_MAY_DIFFER
    reactions = _reactions(store, since, until)
    seen: set[tuple[str, str]] = set()
    for row in store.between(Kind.EXPOSURE, since, until):
        key = (row.user, row.decision_id or row.event_id)
        if key in seen:
            continue
        seen.add(key)
        exposure = _decoder.decode(row.body)
        if exposure.manifest_version == manifest_version:
            yield Decision(row.user, moment(row.at_us), exposure, reactions.get((*key, row.tip_id or ""), {}))


def users_by_arm(rows: Iterable[Recent], manifests: Collection[str]) -> dict[str, dict[str, int]]:
    """By manifest and arm, how many users decided under one of `manifests`."""
    users: dict[tuple[str, str], set[str]] = {}
    if not manifests:
        return {}
    for row in rows:
        exposure = _decoder.decode(row.body)
        version = exposure.manifest_version
        if version is not None and version in manifests:
            users.setdefault((version, exposure.arm), set()).add(row.user)
    found: dict[str, dict[str, int]] = {}
    for (version, arm), names in users.items():
        found.setdefault(version, {})[arm] = len(names)
    return found


def frame_of(found: Iterator[Decision]) -> pl.DataFrame:
    """The decisions as a table of SCHEMA."""
    rows = [
        (user, exposure.arm, exposure.kind, at, exposure.latency_ms, exposure.error)
        + (tuple(map(reactions.get, _TOLD)) if reactions else _UNTOLD)
        for user, at, exposure, reactions in found
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
    return pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), SCHEMA)


def rewarded(table: pl.DataFrame, now: dt.datetime, within: dt.timedelta) -> pl.DataFrame:
    """Decisions of which `within` has passed, with `reward` and `is_dismissed` as they stood then.

    Only these are compared: of younger ones the good would be known and the others not.
    """
    old_enough = table.filter(pl.col("at") <= now - within)
    known = [pl.when(pl.col(name) - pl.col("at") <= within).then(pl.col(name)).alias(name) for name in MOMENTS]
    return old_enough.with_columns(known).with_columns(reward_of(), is_dismissed())


def _reactions(store: EventStore, since: dt.datetime, until: dt.datetime) -> dict[tuple[str, str, str], dict[str, Any]]:
    """By user, decision and tip, as `tip_scores` tells them: the first moment of each kind, and the last rating."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in store.between(Kind.FEEDBACK, since, until):
        name = f"{row.reaction}_at"
        if name not in MOMENTS:
            continue
        told = found.setdefault((row.user, row.decision_id or "", row.tip_id or ""), {})
        told.setdefault(name, moment(row.at_us))
        if row.rating is not None:
            told["rating"] = row.rating
    return found
