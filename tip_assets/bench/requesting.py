"""From wanted cells to runs: ranges of partitions that hold those cells and no others.

A single run covers the product of a range of models and a range of prompts, in the order in which the partitions were
added. A cell in it that the run does not materialize would show as failed, so the wanted cells are cut into as few
such rectangles as a greedy cover finds.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import dagster as dg

from tip_assets.bench.partitions import partition_of
from tip_serving.bench.identity import Cell

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


class Rectangle(NamedTuple):
    """Neighbouring models by neighbouring prompts."""

    models: tuple[str, ...]
    prompts: tuple[str, ...]

    @property
    def cells(self) -> list[Cell]:
        """Every cell in it."""
        return [Cell(model, prompt) for model in self.models for prompt in self.prompts]

    @property
    def tags(self) -> dict[str, str]:
        """What makes one run cover it."""
        first, last = Cell(self.models[0], self.prompts[0]), Cell(self.models[-1], self.prompts[-1])
        return {RANGE_START: str(partition_of(first)), RANGE_END: str(partition_of(last))}


def rectangles(wanted: Collection[Cell], models: Sequence[str], prompts: Sequence[str]) -> list[Rectangle]:
    """Disjoint rectangles that cover `wanted` exactly.

    Args:
        wanted: cells of known models and prompts.
        models: every partition of that dimension in its order.
        prompts: the same for prompts.
    """
    left = set(wanted)
    found = []
    for row, model in enumerate(models):
        for column, prompt in enumerate(prompts):
            if Cell(model, prompt) not in left:
                continue
            width = 1
            while column + width < len(prompts) and Cell(model, prompts[column + width]) in left:
                width += 1
            strip = tuple(prompts[column : column + width])
            height = 1
            while row + height < len(models) and all(Cell(models[row + height], name) in left for name in strip):
                height += 1
            rectangle = Rectangle(tuple(models[row : row + height]), strip)
            left.difference_update(rectangle.cells)
            found.append(rectangle)
    return found


def runs_for(instance: dg.DagsterInstance, wanted: Collection[Cell]) -> list[Rectangle]:
    """The runs that fill `wanted` on this instance, whose partitions must be registered."""
    return rectangles(wanted, instance.get_dynamic_partitions("model"), instance.get_dynamic_partitions("prompt"))
