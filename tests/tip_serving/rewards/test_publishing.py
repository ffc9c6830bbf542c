"""From days and boards in a lake to tables that can be read again; nothing in them names a person."""

from typing import Any

import numpy as np
import pytest
from support.rewards import LATER, board, living, rank, tip, write_days

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.rewards import tables
from tip_serving.rewards.publishing import publish_judges, publish_rewards

CELLS = {f"model-{n}|v{n % 2}": 0.15 + 0.08 * n for n in range(6)}


@pytest.fixture
def lake(tmp_path: Any) -> Lake:
    made = Lake(str(tmp_path))
    rows = living(np.random.default_rng(1), CELLS, n_users=80, n_days=10, arms={"champion": 0.5, "challenger": 0.5})
    write_days(made, [*rows, tip(99_999, model=None, prompt_version=None)])
    rank(made, "tip-bench-one", board("ana", {key: 1 + 4 * worth for key, worth in CELLS.items()}))
    return made


def test_what_is_written_is_read_again_by_its_schema(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, schema in tables.SCHEMAS.items():
        assert (tables.read(lake, name).height, dict(tables.read(lake, name).schema)) == (0, schema)
    found = publish_rewards(lake, {"m1": {"champion": 0.5, "challenger": 0.5}}, LATER)
    against = publish_judges(lake)
    assert (found.n_days, found.n_without_author) == (10, 1)
    assert tables.read(lake, "prompt_rewards").equals(found.rates)
    assert tables.read(lake, "comparisons").equals(found.comparisons)
    assert tables.read(lake, "sample_ratios").equals(found.sample_ratios)
    assert tables.read(lake, "judge_against_people").equals(against.cells)
    assert tables.read(lake, "judge_worth").equals(against.worth)
    assert against.worth["n_cells"].to_list() == [6]


def test_the_same_lake_makes_the_same_files(lake: Lake) -> None:
    def made() -> dict[str, bytes]:
        publish_rewards(lake, {}, LATER)
        publish_judges(lake)
        return {name: lake.read(layout.rewards(name)) for name in tables.SCHEMAS}

    assert made() == made()


def test_no_table_names_a_person(lake: Lake) -> None:
    publish_rewards(lake, {}, LATER)
    publish_judges(lake)
    people = {f"u{n}" for n in range(80)}
    for name in tables.SCHEMAS:
        assert "user" not in tables.SCHEMAS[name]
        held = tables.read(lake, name)
        texts = {text for column in held.select(*_strings(held)).iter_columns() for text in column}
        assert not texts & people


def _strings(held: Any) -> list[str]:
    return [name for name, dtype in held.schema.items() if str(dtype) == "String"]


def test_a_lake_without_days_or_boards_gives_empty_tables(tmp_path: Any) -> None:
    lake = Lake(str(tmp_path))
    assert publish_rewards(lake, {}, LATER).rates.is_empty()
    assert publish_judges(lake).worth.is_empty()


def test_a_table_with_other_columns_is_not_written(lake: Lake) -> None:
    with pytest.raises(ValueError, match="judge_worth cannot be written"):
        tables.write(lake, "judge_worth", tables.read(lake, "comparisons"))
