"""Logged decisions as arrays, in parts that fit into memory: who was offered what, with which probability, to what end.

Grain: one row per mature decision of kind `score`, joined with what became of the tip that came first. Read from
`events/exposures` and `events/tip_scores` of the lake; nothing is computed anew but the rewards.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_serving.events.export import read_day
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.features import contract, vector
from tip_serving.lake.storage import Lake
from tip_serving.training.reward import WINDOW, is_dismissed, reward_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

DECISIONS_AT_ONCE = 4096
"""With 20 tips of 50 features 33 MB."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """n consecutive decisions; what each had fewer tips than the largest is padded."""

    ids: tuple[str, ...]
    users: NDArray[np.str_]
    at: NDArray[np.datetime64]
    tip_ids: tuple[tuple[str, ...], ...]
    n_tips: Codes
    """(n,) int64 >= 1."""
    vectors: Floats
    """(sum of n_tips, F) float64, the tips of one decision after those of another."""
    propensities: Floats
    """(n, K) float64, as logged; 0 where there was no tip."""
    actions: Codes
    """(n,) int64, the position of the tip that came first."""
    rewards: Floats
    is_dismissed: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Number of decisions."""
        return int(self.n_tips.size)

    @property
    def starts(self) -> Codes:
        """(n,) where each decision's tips begin."""
        return np.cumsum(self.n_tips) - self.n_tips

    @property
    def shown(self) -> Floats:
        """(n, F) the vectors of the tips that came first."""
        found: Floats = self.vectors[self.starts + self.actions]
        return found

    def padded(self, values: Floats, filler: float) -> Floats:
        """(n, K) of (sum of n_tips,) values."""
        return _padded(self.n_tips, values, filler)


@dataclass(frozen=True, eq=False)
class DecisionLog:
    """The decisions of some days.

    Args:
        lake: holds the exported days.
        days: UTC.
        now: aware; a decision whose outcome window is not over by then is left out.
        since: aware; earlier decisions are left out.
        until: aware; a decision whose outcome window is not over by then is left out.
    """

    lake: Lake
    days: Sequence[dt.date]
    now: dt.datetime
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    n_left_out: Counter[str] = field(default_factory=Counter)
    """Why decisions were left out, to how many; of the latest walk."""

    def parts(self) -> Iterator[Decisions]:
        """The decisions in order of day and moment, some thousand at a time."""
        self.n_left_out.clear()
        for day in sorted(set(self.days)):
            exposures = read_day(self.lake, Kind.EXPOSURE, day).filter(pl.col("kind") == "score")
            usable = self._usable(exposures)
            joined = usable.join(
                _outcomes(self.lake, day), on=["decision_id", "user"], how="inner", maintain_order="left"
            )
            self._leave_out("without a tip that was shown", usable.height - joined.height)
            for rows in joined.iter_slices(DECISIONS_AT_ONCE):
                yield from self._decisions(rows)

    def _usable(self, exposures: pl.DataFrame) -> pl.DataFrame:
        """One row per decision, mature, of this contract and with vectors."""
        end = min(self.now, self.until) if self.until else self.now
        keys = ["decision_id", "user"]
        tests = {
            "repeating an earlier request": pl.struct(keys).is_first_distinct(),
            "before the moment asked for": pl.col("at") >= self.since if self.since else pl.lit(value=True),
            "not settled": pl.col("at") + WINDOW < end,
            "of another feature contract": pl.col("contract_hash") == contract.contract_hash(),
            "without vectors": pl.col("vectors").is_not_null(),
            "without propensities": pl.col("propensities").list.len() == pl.col("tip_ids").list.len(),
        }
        found = exposures.sort("at", "event_id")
        for reason, test in tests.items():
            kept = found.filter(test)
            self._leave_out(reason, found.height - kept.height)
            found = kept
        return found

    def _leave_out(self, reason: str, n: int) -> None:
        if n:
            self.n_left_out[reason] += n

    def _decisions(self, rows: pl.DataFrame) -> Iterator[Decisions]:
        packed = rows["vectors"].struct.unnest()
        tables, is_whole = unpacked(packed, len(vector.names()))
        fits = np.array(is_whole) & (packed["n_rows"] == rows["tip_ids"].list.len()).to_numpy()
        self._leave_out("whose vectors do not fit their tips", int((~fits).sum()))
        rows = rows.filter(pl.Series(fits))
        if rows.is_empty():
            return
        n_tips = rows["tip_ids"].list.len().cast(pl.Int64).to_numpy()
        yield Decisions(
            ids=tuple(rows["decision_id"]),
            users=rows["user"].to_numpy().astype(np.str_),
            at=rows["at"].dt.replace_time_zone(None).to_numpy(),
            tip_ids=tuple(tuple(ids) for ids in rows["tip_ids"].to_list()),
            n_tips=n_tips,
            vectors=np.concatenate([table for table, fit in zip(tables, fits, strict=True) if fit]),
            propensities=_padded(n_tips, rows["propensities"].explode().to_numpy().astype(np.float64), 0.0),
            actions=rows["order"].list.first().to_numpy().astype(np.int64),
            rewards=rows["reward"].to_numpy().astype(np.float64),
            is_dismissed=rows["is_dismissed"].to_numpy().astype(np.bool_),
        )


def _padded(n_tips: Codes, values: Floats, filler: float) -> Floats:
    table = np.full((n_tips.size, int(n_tips.max(initial=1))), filler)
    table[np.arange(table.shape[1]) < n_tips[:, None]] = values
    return table


def _outcomes(lake: Lake, day: dt.date) -> pl.DataFrame:
    """What became of each decision's first tip."""
    shown = read_day(lake, TIP_SCORES, day).filter((pl.col("kind") == "score") & (pl.col("rank") == 0))
    return shown.select("decision_id", "user", reward_of(), is_dismissed()).unique(["decision_id", "user"])


def unpacked(packed: pl.DataFrame, n_features: int) -> tuple[list[Floats], list[bool]]:
    """The vectors of each decision, and whether they are whole; as `events.vectors.unpack`, without an object each.

    Args:
        packed: the fields of `events.vectors.PackedVectors` as columns.
        n_features: of a whole row.
    """
    tables: list[Floats] = []
    is_whole = []
    columns = ("n_rows", "varying", "first_row", "other_rows")
    for n_rows, varying, first, others in packed.select(columns).iter_rows():
        whole = len(first) == 8 * n_features and len(others) == 8 * len(varying) * (n_rows - 1)  # bytes of a float
        is_whole.append(whole and max(varying, default=0) < n_features)
        if not is_whole[-1]:
            tables.append(np.empty((0, n_features)))
            continue
        table = np.repeat(np.frombuffer(first, "<f8")[np.newaxis], n_rows, axis=0)
        table[1:, varying] = np.frombuffer(others, "<f8").reshape(n_rows - 1, len(varying))
        tables.append(table)
    return tables, is_whole
