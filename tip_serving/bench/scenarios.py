"""The scenarios of one experiment. Grain of `scenarios.parquet`: one row per scenario, in the order of the bench.

Scenarios themselves come from `tip_serving.scenarios`; here is which of them an experiment uses.
"""

import numpy as np
import polars as pl

from tip_serving.bench.spec import GENERATED, Spec
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.lake.tables import read_table, write_table
from tip_serving.scenarios import sets
from tip_serving.scenarios.generator import generate
from tip_serving.scenarios.model import Scenario, Situation

SCENARIO_SCHEMA = {
    "scenario_id": pl.String,
    "position": pl.Int32,
    "kind": pl.String,
    "now": pl.String,  # local time with offset, as the situation has it
    "n_tasks": pl.Int32,
    "situation": pl.String,  # JSON of Situation
}


def choose(lake: Lake, spec: Spec) -> list[Scenario]:
    """The first n_scenarios of the generator, or of a set in an order that follows from the sampling seed.

    More scenarios of the same seed extend the choice and keep what was chosen, so that cells stay cumulative.
    """
    if spec.scenarios == GENERATED:
        return generate(spec.n_scenarios, spec.sampling_seed)
    imported = sets.load_set(lake, spec.scenarios)
    order = np.random.default_rng(spec.sampling_seed).permutation(len(imported))
    return [imported[int(index)] for index in order[: spec.n_scenarios]]


def ensure(lake: Lake, spec: Spec) -> list[Scenario]:
    """The experiment's scenarios, written into the lake unless they are there."""
    try:
        return read(lake, spec.experiment)
    except MissingError:
        chosen = choose(lake, spec)
    rows = [
        (
            scenario.scenario_id,
            position,
            scenario.kind,
            scenario.situation.now.isoformat(),
            len(scenario.situation.tasks),
            scenario.situation.model_dump_json(),
        )
        for position, scenario in enumerate(chosen)
    ]
    write_table(lake, layout.scenarios(spec.experiment), pl.DataFrame(rows, schema=SCENARIO_SCHEMA, orient="row"))
    return chosen


def read(lake: Lake, experiment: str) -> list[Scenario]:
    """The experiment's scenarios as written. Raises MissingError."""
    frame = read_table(lake, layout.scenarios(experiment)).sort("position")
    return [
        Scenario(
            scenario_id=row["scenario_id"],
            kind=row["kind"],
            situation=Situation.model_validate_json(row["situation"]),
        )
        for row in frame.iter_rows(named=True)
    ]
