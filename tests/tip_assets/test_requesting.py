"""From wanted cells to runs that hold these cells and no others."""

from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tip_assets.bench.partitions import CELLS, cell_of, partition_of, register
from tip_assets.bench.requesting import RANGE_END, RANGE_START, rectangles, runs_for
from tip_assets.resources.instance import open_instance
from tip_serving.bench.identity import Cell
from tip_serving.settings import Settings

MODELS = [f"openai/m{number}" for number in range(5)]
PROMPTS = [f"v{number}" for number in range(4)]
GRID = [Cell(model, prompt) for model in MODELS for prompt in PROMPTS]


@given(st.sets(st.sampled_from(GRID)))
def test_rectangles_hold_every_wanted_cell_once_and_no_other(wanted: set[Cell]) -> None:
    covered = [cell for rectangle in rectangles(wanted, MODELS, PROMPTS) for cell in rectangle.cells]
    assert len(covered) == len(set(covered))
    assert set(covered) == wanted


def test_a_whole_grid_is_one_run() -> None:
    assert len(rectangles(GRID, MODELS, PROMPTS)) == 1


def test_dagster_reads_the_tags_as_just_these_cells(tmp_path: Path) -> None:
    wanted = [Cell("openai/b", "v1"), Cell("openai/b", "v2"), Cell("ollama/llama3.2:3b", "v2")]
    with open_instance(Settings(tip_home=tmp_path, dagster_home=tmp_path / "dagster")) as instance:
        register(instance, "tip-bench-a", [Cell("openai/a", "v1"), *wanted])
        read = []
        for rectangle in runs_for(instance, wanted):
            key_range = dg.PartitionKeyRange(rectangle.tags[RANGE_START], rectangle.tags[RANGE_END])
            read += CELLS.get_partition_keys_in_range(key_range, dynamic_partitions_store=instance)
        assert sorted(map(cell_of, read)) == sorted(wanted)


def test_registering_again_keeps_the_order_of_partitions(tmp_path: Path) -> None:
    with open_instance(Settings(tip_home=tmp_path, dagster_home=tmp_path / "dagster")) as instance:
        register(instance, "tip-bench-a", GRID[:6])
        before = list(instance.get_dynamic_partitions("model"))
        register(instance, "tip-bench-b", reversed(GRID))
        assert list(instance.get_dynamic_partitions("model"))[: len(before)] == before
        assert sorted(instance.get_dynamic_partitions("experiment")) == ["tip-bench-a", "tip-bench-b"]


@pytest.mark.parametrize("cell", [Cell("ollama/llama3.2:3b", "v1"), Cell("bedrock/us.meta.llama3-2-3b-v1:0", "v10")])
def test_a_cell_survives_being_a_partition_key(cell: Cell) -> None:
    assert cell_of(str(partition_of(cell))) == cell
