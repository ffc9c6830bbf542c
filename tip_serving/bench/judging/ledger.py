"""What judges said, append-only: one folder a judge and rubric, one Parquet part an import.

What a row is about (a candidate, an ordered pair, an anchor) is the key of the ledger. A later row about the same
replaces the earlier one and leaves it in the history. Parts are named by their content, so an import repeats without
harm; one that says again what was replaced meanwhile is a part of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tip_serving.bench.judging.rubric import criteria_of
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, read_table, write_table


@dataclass(frozen=True)
class Ledger:
    """One kind of thing that judges say."""

    root: str
    """A folder of `layout`."""
    key: tuple[str, ...]
    """The columns that say what a row is about."""
    columns: Schema
    """Beside the points of each criterion, where `has_points`."""
    has_points: bool

    def schema(self, rubric_version: str) -> Schema:
        """The columns of a part."""
        names = criteria_of(rubric_version) if self.has_points else ()
        return {**self.columns, **dict.fromkeys(names, pl.Float64)}

    def append(self, lake: Lake, part: str, rows: Sequence[dict[str, Any]], judge: str, rubric_version: str) -> bool:
        """Add the rows of one import; False where this very import is in already."""
        return self.add(lake, part, pl.DataFrame(rows, schema=self.schema(rubric_version)), judge, rubric_version)

    def add(self, lake: Lake, part: str, frame: pl.DataFrame, judge: str, rubric_version: str) -> bool:
        """The same for rows that are a table already."""
        path = layout.part(self.root, judge, rubric_version, part)
        if lake.exists(path):
            return False
        write_table(lake, path, frame.select(list(self.schema(rubric_version))))
        return True

    def holds(self, lake: Lake, rows: Sequence[dict[str, Any]], judge: str, rubric_version: str) -> bool:
        """Whether what `rows` say is what stands."""
        said = pl.DataFrame(rows, schema=self.schema(rubric_version)).unique(list(self.key), keep="last")
        columns = [name for name in said.columns if name != "imported_at"]
        standing = self.latest(lake, judge, rubric_version)
        return said.join(standing, on=columns, how="anti", nulls_equal=True).is_empty()

    def history(self, lake: Lake, judge: str, rubric_version: str) -> pl.DataFrame:
        """Everything that `judge` ever said under this rubric, oldest first."""
        entries = lake.find(layout.append_only(self.root, judge, rubric_version))
        frames = [read_table(lake, entry.path) for entry in entries if entry.path.endswith(".parquet")]
        return pl.concat([empty(self.schema(rubric_version)), *frames]).sort("imported_at", maintain_order=True)

    def latest(self, lake: Lake, judge: str, rubric_version: str) -> pl.DataFrame:
        """What stands: the last row about each thing."""
        return self.history(lake, judge, rubric_version).unique(list(self.key), keep="last", maintain_order=True)

    def judges(self, lake: Lake) -> list[tuple[str, str]]:
        """Every (judge, rubric version) that ever said anything."""
        return [
            (judge, layout.decode(rubric))
            for judge in map(layout.decode, lake.folders(self.root))
            for rubric in lake.folders(layout.rubrics(self.root, judge))
        ]
