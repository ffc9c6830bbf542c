"""The partitions of the bench: cells are (model, prompt), what spans cells is by experiment. See ADR 3."""

from collections.abc import Iterable

import dagster as dg

from tip_serving.bench.identity import Cell

MODELS = dg.DynamicPartitionsDefinition(name="model")
PROMPTS = dg.DynamicPartitionsDefinition(name="prompt")
CELLS = dg.MultiPartitionsDefinition({"model": MODELS, "prompt": PROMPTS})
EXPERIMENTS = dg.DynamicPartitionsDefinition(name="experiment")

EXPERIMENT_TAG = "tip/experiment"


def cell_of(key: str) -> Cell:
    """The cell behind a partition key of `candidates`."""
    return Cell.parse(str(key))


def partition_of(cell: Cell) -> dg.MultiPartitionKey:
    """The partition key of a cell."""
    return dg.MultiPartitionKey({"model": cell.model, "prompt": cell.prompt})


def register(instance: dg.DagsterInstance, experiment: str, cells: Iterable[Cell]) -> None:
    """Make the partitions of an experiment known to the instance; those that are known stay where they are."""
    asked = list(cells)
    instance.add_dynamic_partitions("experiment", [experiment])
    instance.add_dynamic_partitions("model", list(dict.fromkeys(cell.model for cell in asked)))
    instance.add_dynamic_partitions("prompt", list(dict.fromkeys(cell.prompt for cell in asked)))
