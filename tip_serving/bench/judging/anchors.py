"""Anchors: tips whose scores people have settled before. Mixed into a batch they show how a judge drifts or tires.

An anchor set is a JSON Lines file in the lake, one anchor a line. Grain of the ledger: one row per anchor, judge,
rubric version and import; nothing of it enters a leaderboard.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tip_serving.bench.judging.ledger import Ledger
from tip_serving.bench.judging.rubric import SCALE_MAX, SCALE_MIN, Rubric
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.lake.tables import Schema
from tip_serving.scenarios.model import Scenario, Situation

ANCHOR_SCHEMA: Schema = {
    "anchor_set": pl.String,
    "anchor_id": pl.String,
    "batch": pl.String,
    "judge": pl.String,
    "rubric_version": pl.String,
    "score": pl.Float64,  # what the judge gave now
    "expected": pl.Float64,  # what people had settled on
    "comment": pl.String,
    "cost_usd": pl.Float64,
    "experiment": pl.String,
    "imported_at": pl.Datetime("us", "UTC"),
}
ANCHOR_SCORES = Ledger(layout.ANCHOR_SCORES, ("anchor_set", "anchor_id", "batch"), ANCHOR_SCHEMA, has_points=True)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class AnchorError(Exception):
    """An anchor set that does not exist or cannot be used; lists every fault."""


class Anchor(BaseModel):
    """One tip with the points that people settled on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchor_id: str
    rubric_version: str
    situation: Situation
    tip: str
    points: Annotated[dict[str, Annotated[float, Field(ge=SCALE_MIN, le=SCALE_MAX)]], Field(min_length=1)]
    judged_by: tuple[str, ...]

    @property
    def expected(self) -> float:
        """The settled score: the mean over criteria."""
        return sum(self.points.values()) / len(self.points)


def choose(
    scores: pl.DataFrame, texts: Mapping[str, str], scenarios: Sequence[Scenario], rubric: Rubric, n: int
) -> list[Anchor]:
    """`n` anchors out of what people scored, spread evenly over the range of their scores.

    Args:
        scores: rows of an experiment's view under `rubric`, of the judges to trust; a candidate's are averaged.
        texts: tips by candidate id.
        scenarios: the experiment's.
        rubric: by which was scored.
        n: how many; fewer where fewer are scored.
    """
    settled = (
        scores.drop_nulls("score")
        .group_by("candidate_id", "scenario_id")
        .agg(*(pl.col(name).mean() for name in ("score", *rubric.names)), judges=pl.col("judge").unique().sort())
        .sort("score", "candidate_id")
    )
    if settled.is_empty():
        return []
    places = np.unique(np.linspace(0, settled.height - 1, n).round().astype(int))
    situations = {scenario.scenario_id: scenario.situation for scenario in scenarios}
    return [
        Anchor(
            anchor_id=hashlib.sha256(row["candidate_id"].encode()).hexdigest()[:16],
            rubric_version=rubric.version,
            situation=situations[row["scenario_id"]],
            tip=texts[row["candidate_id"]],
            points={name: row[name] for name in rubric.names},
            judged_by=tuple(row["judges"]),
        )
        for row in (settled.row(int(place), named=True) for place in places)
    ]


def save(lake: Lake, name: str, anchors: Sequence[Anchor]) -> None:
    """Keep a set under `name`, in the place of one that is there. Raises AnchorError for a name that cannot be one."""
    if not _NAME.fullmatch(name):
        raise AnchorError(f"{name!r:.80} must be up to 63 lower-case letters, digits and hyphens")
    if not anchors:
        raise AnchorError("no anchor: nobody has scored anything yet that could serve")
    lines = "".join(anchor.model_dump_json() + "\n" for anchor in anchors)
    lake.write(layout.anchor_set(name), lines.encode())


def load(lake: Lake, name: str) -> list[Anchor]:
    """The anchors of a set. Raises AnchorError naming the sets that there are, or every line that cannot be read."""
    try:
        lines = lake.read(layout.anchor_set(name)).splitlines()
    except MissingError:
        there = [
            layout.decode(entry.path.rsplit("/", 1)[-1].removesuffix(".jsonl")) for entry in lake.find(layout.ANCHORS)
        ]
        known = ", ".join(there) or "none; `tip bench anchors` makes one"
        raise AnchorError(f"there is no anchor set {name!r:.80}; there are: {known}") from None
    found, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            found.append(Anchor.model_validate_json(line))
        except ValidationError as error:
            faults += [f"line {number}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    if faults:
        raise AnchorError(f"{lake.locate(layout.anchor_set(name))}: " + "; ".join(faults))
    return found
