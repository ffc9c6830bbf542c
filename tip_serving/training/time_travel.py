"""Back to what was known: do the features that a decision was made on follow from what had happened by then?

A leak is knowledge that nobody could have had, in a feature or in a training column. It is found by doing the
computation again from the events before the moment, and comparing bits; for profiles that a caller shipped, whose
computation nobody here knows, only their moment can be held against that of the decision.

What served differently because events came late is no leak: the row that it rested on was kept when it was replaced.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_experiments.stats.prediction import area_under_curve
from tip_serving.events import export
from tip_serving.events.kinds import Kind
from tip_serving.features.context import context_features
from tip_serving.features.contract import contract_hash
from tip_serving.features.profile import CLOCK_SKEW_S, PROFILE_FEATURES, FellBack, Resolved
from tip_serving.features.vector import names, vectors
from tip_serving.lake.storage import Lake
from tip_serving.scenarios.model import Situation
from tip_serving.scoring.online_store import ProfileSource
from tip_serving.training import history, profiles, training_set, upkeep
from tip_serving.training.reward import reward_of

TELLING_AUC = 0.995
"""A single feature that tells successes from failures this well knows the outcome."""
MIN_OUTCOMES = 30
"""Successes and failures each, before a feature is suspected."""
_BELOW_ALL = -1e18
_SHOWN = 10
_LAG = dt.timedelta(hours=1)
"""How much longer than in the lake a replaced row may be served."""
_PROFILE = tuple(place for place, name in enumerate(names()) if name.startswith("profile_"))
_LOGGED = ("event_id", "at", "user", "decision_id", "kind", "contract_hash", "tip_ids", "order", "vectors", "fell_back",
           "profile_source", "profile_computed_at")  # fmt: skip


class Leak(NamedTuple):
    """Something that was known too early, or is not what was logged."""

    column: str
    """Of the vector or the training set; `computed_at` for a profile from after its decision."""
    reason: str
    n_rows: int
    rows: tuple[str, ...]
    """The first few decisions."""

    def __str__(self) -> str:
        return f"{self.column}: {self.reason} in {self.n_rows} decisions, the first: {', '.join(self.rows)}"


class Travelled(NamedTuple):
    """What was found about the decisions of one day."""

    n_decisions: int
    n_from_store: int
    """Whose profile this system computed."""
    n_shipped: int
    """Whose caller said when it had computed the profile."""
    n_late: int
    """From the store, and otherwise today because events came late."""
    n_forgotten: int
    """From the store, and otherwise today as events that had to go may be gone."""
    leaks: tuple[Leak, ...]


def travel(lake: Lake, day: dt.date, now: dt.datetime) -> Travelled:
    """Hold the decisions of one UTC day, and their rows in the training set, against what was known.

    Args:
        lake: with the events of the day and of all days before, and the training set of the day.
        day: of the decisions.
        now: aware; events that had to go by then are gone.
    """
    logged = export.read_day(lake, Kind.EXPOSURE, day, _LOGGED).sort("at", "event_id")
    logged = logged.unique(["decision_id", "user"], keep="first", maintain_order=True)
    table = training_set.read(lake, [day])
    ours = logged.filter((pl.col("contract_hash") == contract_hash()) & training_set.is_usable())
    from_store = ours.filter(pl.col("profile_source") == ProfileSource.STORE)
    served = _served(lake, from_store, now)
    return Travelled(
        n_decisions=logged.height,
        n_from_store=from_store.height,
        n_shipped=logged.filter(
            (pl.col("profile_source") == ProfileSource.REQUEST) & pl.col("profile_computed_at").is_not_null()
        ).height,
        n_late=served.n_late,
        n_forgotten=served.n_forgotten,
        leaks=(
            *_from_the_future(logged),
            *served.leaks(),
            *_altered(table, ours),
            *_misjudged(table),
            *_telling(table),
        ),
    )


def _from_the_future(logged: pl.DataFrame) -> Iterator[Leak]:
    """Profiles that were computed after the decision that used them, beyond what clocks may differ."""
    skew = dt.timedelta(seconds=CLOCK_SKEW_S)
    used = logged.filter(pl.col("profile_computed_at") - pl.col("at") > skew)
    yield from _leak("computed_at", "the profile is from after the decision", used["decision_id"])


class _Served:
    """What was served from the store, held against what follows from the events."""

    def __init__(self) -> None:
        self.n_late = self.n_forgotten = 0
        self._differing: dict[int, list[str]] = {}

    def differs(self, decision_id: str, places: list[int]) -> None:
        for place in places:
            self._differing.setdefault(place, []).append(decision_id)

    def leaks(self) -> Iterator[Leak]:
        reason = "what was served does not follow from what had happened"
        for place, decisions in sorted(self._differing.items()):
            yield from _leak(names()[_PROFILE[place]], reason, pl.Series(decisions))


def _served(lake: Lake, from_store: pl.DataFrame, now: dt.datetime) -> _Served:
    found = _Served()
    told = from_store.filter(pl.col("profile_computed_at").is_not_null())  # else every feature fell back
    for rows in told.sort("user", "at").partition_by("profile_computed_at", maintain_order=True):
        moment = rows["profile_computed_at"][0]
        snapshot = profiles.snapshot(lake, moment, rows["user"].unique().to_list())
        known = {row["user"]: row for row in snapshot.iter_rows(named=True)}
        stood = _stood(lake, _day_ended_at(moment), now)
        served = training_set.shown_rows(rows["vectors"], pl.Series([0] * rows.height))[:, _PROFILE]
        for row, used in zip(rows.drop("vectors").iter_rows(named=True), served, strict=True):
            fell_back = {fallen["feature"]: fallen["reason"] for fallen in row["fell_back"]}
            mine: dict[str, Any] = known.get(row["user"], {})
            wrong = _different(used, _columns(mine, fell_back))
            then = [old for old in stood.get(row["user"], ()) if old[profiles.REPLACED_AT] > row["at"] - _LAG]
            if not wrong:
                continue
            if any(not _different(used, _columns(old, fell_back)) for old in then):
                found.n_late += 1
            elif now > moment + history.VERIFIABLE and (not mine or mine["retain_until"] is not None):
                found.n_forgotten += 1
            else:
                found.differs(row["decision_id"], wrong)
    return found


def _stood(lake: Lake, day: dt.date, now: dt.datetime) -> dict[Any, list[dict[str, Any]]]:
    """By user, rows of a snapshot that late events have changed since, or are about to: those still stand there."""
    replaced = profiles.read_replaced(lake, day)
    if upkeep.is_outdated(lake, upkeep.Table.PROFILE, day, now):
        until = pl.lit(now).cast(replaced.schema[profiles.REPLACED_AT]).alias(profiles.REPLACED_AT)
        replaced = pl.concat([replaced, profiles.read_snapshot(lake, day).with_columns(until)])
    return replaced.rows_by_key("user", named=True, include_key=True)


def _day_ended_at(moment: dt.datetime) -> dt.date:
    return (moment - dt.timedelta(microseconds=1)).astimezone(dt.UTC).date()


def _different(used: NDArray[np.float64], recomputed: NDArray[np.float64]) -> list[int]:
    """Places whose bits differ."""
    return [int(place) for place in np.flatnonzero(used.view(np.uint64) != recomputed.view(np.uint64))]


def _columns(row: Mapping[str, Any], logged: Mapping[str, str]) -> NDArray[np.float64]:
    """The profile columns that follow from a snapshot's row.

    Args:
        row: one person's; empty for somebody unknown.
        logged: why features fell back. Ages are taken from here, as only the server knows its clock to the
            microsecond; what is null is null by `row` alone.
    """
    values, fell_back = [], []
    for feature in PROFILE_FEATURES:
        value = row.get(feature.name)
        is_aged = logged.get(feature.name) in {FellBack.STALE, FellBack.AHEAD}
        if value is None or is_aged:
            fell_back.append(feature.name)
            value = feature.fallback
        values.append(tuple(value) if isinstance(value, list) else value)
    return _computed(tuple(values), len(fell_back))


@lru_cache(maxsize=4096)  # a person asks several times on the same profile
def _computed(values: tuple[Any, ...], n_fell_back: int) -> NDArray[np.float64]:
    names_of = [feature.name for feature in PROFILE_FEATURES]
    resolved = Resolved(dict(zip(names_of, values, strict=True)), dict.fromkeys(names_of[:n_fell_back], FellBack.NULL))
    return vectors(resolved, context_features(_ANYWHERE), [""], _ANYWHERE)[0, _PROFILE]


_ANYWHERE = Situation(now=dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC))  # no profile column depends on the moment


def _altered(table: pl.DataFrame, ours: pl.DataFrame) -> Iterator[Leak]:
    """Columns of the training set that are not, bit for bit, those of the decision."""
    both = table.join(ours.select("decision_id", "user", "vectors"), on=["decision_id", "user"], how="inner")
    logged = training_set.shown_rows(both["vectors"], both["position"])
    kept = np.ascontiguousarray(both.select(names()).to_numpy())
    is_other = logged.view(np.uint64) != kept.view(np.uint64)
    for place in np.flatnonzero(is_other.any(axis=0)):
        rows = both["decision_id"].filter(pl.Series(is_other[:, place]))
        yield from _leak(names()[place], "the training set has not what was logged", rows)
    unknown = table.join(ours, on=["decision_id", "user"], how="anti")["decision_id"]
    yield from _leak("decision_id", "the training set has a decision that nobody logged", unknown)


def _misjudged(table: pl.DataFrame) -> Iterator[Leak]:
    """Rewards that do not follow from the reactions."""
    other = table.filter(pl.col("reward") != reward_of())["decision_id"]
    yield from _leak("reward", "does not follow from the reactions", other)


def _telling(table: pl.DataFrame) -> Iterator[Leak]:
    """Features that know the outcome: alone, they tell nearly every success from every failure."""
    settled = table.filter(pl.col("is_settled"))
    outcomes = settled["reward"].to_numpy()
    n_good = int((outcomes > 0).sum())
    if min(n_good, outcomes.size - n_good) < MIN_OUTCOMES:
        return
    _, users = np.unique(settled["user"].to_numpy(), return_inverse=True)
    for name in names():
        area = area_under_curve(np.nan_to_num(settled[name].to_numpy(), nan=_BELOW_ALL), outcomes, users)
        if area is not None and max(area.value, 1 - area.value) >= TELLING_AUC:
            yield from _leak(name, f"tells the reward (AUC {area.value:.3f})", settled["decision_id"])


def _leak(column: str, reason: str, decisions: pl.Series) -> Iterator[Leak]:
    if not decisions.is_empty():
        yield Leak(column, reason, len(decisions), tuple(decisions.head(_SHOWN).cast(pl.String).to_list()))
