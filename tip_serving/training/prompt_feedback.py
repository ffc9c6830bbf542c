"""What came of written tips, by the (model, prompt) arm that wrote them: what the prompt policy learns from.

Two ways lead to a reward: a tip of /generate is shown as it is, or it goes into /score as a candidate among others and
comes first there. A tip that was handed on and was not shown by itself has no reward, rather than one of 0; so what is
learnt is how a tip is taken that is shown.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_serving.events.export import read_day
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.features import contract, vector
from tip_serving.lake.storage import Lake
from tip_serving.scoring import policy_context
from tip_serving.training.logged import unpacked
from tip_serving.training.reward import WINDOW, reward_of
from tip_serving.training.targets import contexts

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WrittenTips:
    """n shown tips that were written here, in order of moment."""

    arms: tuple[str, ...]
    """`model@version` of the model that wrote, whichever was asked first."""
    rewards: Floats
    contexts: Floats
    """(n, d) float64."""
    users: NDArray[np.str_]
    at: NDArray[np.datetime64]
    vectors: Floats
    """(n, F) float64 of the whole contract; NaN rows for tips that were not scored, of which less is known."""

    @property
    def n(self) -> int:
        """Number of tips."""
        return len(self.arms)


_COLUMNS = ("decision_id", "user", "at", "arm_name", "reward", "context", "vector")


def written_tips(lake: Lake, days: Sequence[dt.date], now: dt.datetime) -> WrittenTips:
    """The mature rewards of written tips.

    Args:
        lake: holds the exported days.
        days: UTC.
        now: aware; tips whose outcome window is not over by then are left out.
    """
    exposures = {day: read_day(lake, Kind.EXPOSURE, day) for day in sorted(set(days))}
    handed_on = _handed_on(list(exposures.values()))
    rows = []
    for day, of_day in exposures.items():
        shown = read_day(lake, TIP_SCORES, day).filter(pl.col("at") + WINDOW < now).with_columns(reward_of())
        rows += _generated(of_day, shown, handed_on)
        rows += _scored(of_day, shown)
    rows.sort(key=lambda row: (row[2], row[1], row[0]))
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True) if rows else [()] * len(_COLUMNS), strict=True))
    return WrittenTips(
        arms=tuple(columns["arm_name"]),
        rewards=np.array(columns["reward"], np.float64),
        contexts=np.array(columns["context"], np.float64).reshape(len(rows), len(policy_context.NAMES)),
        users=np.array(columns["user"], np.str_),
        at=np.array([moment.replace(tzinfo=None) for moment in columns["at"]], "datetime64[us]"),
        vectors=np.array(columns["vector"], np.float64).reshape(len(rows), len(vector.names())),
    )


_Row = tuple[str, str, dt.datetime, str, float, Floats, Floats]


def _handed_on(exposures: Sequence[pl.DataFrame]) -> set[str]:
    """The decisions of /generate whose tips went into a /score."""
    named = [
        frame.select(pl.col("written").explode().struct.field("decision_id")).drop_nulls()["decision_id"].to_list()
        for frame in exposures
        if frame.height
    ]
    return {decision for decisions in named for decision in decisions}


def _generated(exposures: pl.DataFrame, shown: pl.DataFrame, handed_on: set[str]) -> list[_Row]:
    """Tips that were shown as /generate wrote them; of those handed on, those that somebody reacted to there."""
    mine = exposures.filter(
        (pl.col("kind") == "generate")
        & pl.col("vectors").is_not_null()
        & (pl.col("contract_hash") == policy_context.contract_hash())
    ).select("decision_id", "user", "vectors")
    reactions = shown.filter(
        (pl.col("kind") == "generate")
        & pl.col("model").is_not_null()
        & pl.col("prompt_version").is_not_null()
        & (~pl.col("decision_id").is_in(sorted(handed_on)) | (pl.col("n_reactions") > 0))
    )
    joined = reactions.join(mine.unique(["decision_id", "user"]), on=["decision_id", "user"], maintain_order="left")
    if joined.is_empty():
        return []
    unknown = np.full(len(vector.names()), np.nan)
    tables, is_whole = unpacked(joined["vectors"].struct.unnest(), len(policy_context.NAMES))
    return [
        (*_head(row), table[0], unknown)
        for row, table, whole in zip(joined.iter_rows(named=True), tables, is_whole, strict=True)
        if whole
    ]


def _scored(exposures: pl.DataFrame, shown: pl.DataFrame) -> list[_Row]:
    """Written tips that came first among the candidates of a /score."""
    mine = exposures.filter(
        (pl.col("kind") == "score")
        & pl.col("vectors").is_not_null()
        & (pl.col("contract_hash") == contract.contract_hash())
    ).select("decision_id", "user", "vectors", first=pl.col("order").list.first())
    reactions = shown.filter(
        (pl.col("kind") == "score")
        & (pl.col("rank") == 0)
        & pl.col("model").is_not_null()
        & pl.col("prompt_version").is_not_null()
    )
    joined = reactions.join(mine.unique(["decision_id", "user"]), on=["decision_id", "user"], maintain_order="left")
    if joined.is_empty():
        return []
    tables, is_whole = unpacked(joined["vectors"].struct.unnest(), len(vector.names()))
    rows = []
    for row, table, whole in zip(joined.iter_rows(named=True), tables, is_whole, strict=True):
        if whole and row["first"] < len(table):
            of_tip = table[row["first"]]
            rows.append((*_head(row), contexts(of_tip[np.newaxis])[0], of_tip))
    return rows


def _head(row: dict[str, object]) -> tuple[str, str, dt.datetime, str, float]:
    arm = f"{row['model']}@{row['prompt_version']}"
    return str(row["decision_id"]), str(row["user"]), row["at"], arm, float(row["reward"])  # type: ignore[arg-type,return-value]  # as the schema says
