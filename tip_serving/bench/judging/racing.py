"""A race in rounds: which tips a judge should score next, so that effort goes where it decides.

The race itself is `tip_experiments.racing`; here its arms get the names of cells and its scenarios an order. What has
been scored is read from the ledger each time: nothing but the error rate is remembered, since to change it between
rounds would break what it promises.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from tip_experiments import racing
from tip_experiments.racing import Race
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging.allocation import shuffled
from tip_serving.bench.judging.rubric import SCALE_MAX, SCALE_MIN, Rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake


class RaceError(ValueError):
    """A race that cannot be held as asked."""


class Begun(BaseModel):
    """What a race was begun with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_rate: float


class Round(NamedTuple):
    """Where a race stands and what comes next."""

    race: Race
    cells: tuple[Cell, ...]
    """The arms, by their number."""
    candidate_ids: frozenset[str]
    """What to judge next; empty where the race is over."""

    @property
    def survivors(self) -> list[Cell]:
        """Cells that may still be the best."""
        return [self.cells[arm] for arm in self.race.survivors]

    @property
    def winner(self) -> Cell | None:
        """The one that is left, if there is one."""
        return None if self.race.winner is None else self.cells[self.race.winner]

    def dropped(self) -> dict[Cell, str]:
        """Every cell that cannot win any more, with the reason in words."""
        return {
            self.cells[found.arm]: found.reason.replace(f"arm {found.rival}", self.cells[found.rival].written)
            for found in self.race.dropped
        }


def next_round(
    lake: Lake,
    experiment: str,
    candidates: pl.DataFrame,
    judge: str,
    rubric: Rubric,
    error_rate: float,
    size: int,
    unscorable: Collection[str] = (),
) -> Round:
    """The next round of a judge's race over an experiment.

    Args:
        lake: that holds the experiment.
        experiment: whose.
        candidates: with `candidate_id, model, prompt, scenario_id`; all of the experiment.
        judge: who scores.
        rubric: by which.
        error_rate: the largest chance that the best cell is dropped.
        size: scenarios of a round.
        unscorable: candidates that the judge was asked for and left unscored; they are not asked for again.

    Raises:
        RaceError: there is no candidate, the race was begun with another error rate, or the error rate is no chance.
    """
    if candidates.is_empty():
        raise RaceError(f"{experiment} has no tip yet that could race")
    _begin(lake, experiment, judge, error_rate)
    arms = candidates.select("model", "prompt").unique().sort("model", "prompt").with_row_index("arm")
    order = sorted(candidates["scenario_id"].unique(), key=shuffled)
    scenarios = pl.DataFrame({"scenario_id": order}).with_row_index("scenario")
    tips = candidates.unique("candidate_id", maintain_order=True)
    tips = tips.join(arms, on=["model", "prompt"]).join(scenarios, on="scenario_id")
    standing = SCORES.latest(lake, judge, rubric.version).select("candidate_id", "score")
    scored = tips.join(standing, on="candidate_id")
    n_per_scenario = max(tips.group_by("arm", "scenario").len()["len"].to_list(), default=1)
    race = racing.start(
        arms.height, len(order), low=SCALE_MIN, high=SCALE_MAX, error_rate=error_rate, n_per_scenario=n_per_scenario
    ).observe(
        scored["arm"].to_numpy().astype(np.int64),
        scored["scenario"].to_numpy().astype(np.int64),
        scored["score"].to_numpy(),
    )
    counts = np.zeros((arms.height, len(order)), dtype=int)
    np.add.at(counts, (tips["arm"].to_numpy(), tips["scenario"].to_numpy()), 1)
    short = {(int(arm), int(scenario)) for arm, scenario in np.argwhere(counts < n_per_scenario)}
    left_out = tips.filter(pl.col("candidate_id").is_in(list(unscorable))).join(standing, on="candidate_id", how="anti")
    short |= set(left_out.select("arm", "scenario").iter_rows())
    wanted = {(need.arm, scenario) for need in race.next_round(size, short) for scenario in need.scenarios}
    pending = tips.join(standing, on="candidate_id", how="anti").select("arm", "scenario", "candidate_id").iter_rows()
    ids = frozenset(candidate_id for arm, scenario, candidate_id in pending if (arm, scenario) in wanted)
    return Round(race, tuple(Cell(*names) for names in arms.select("model", "prompt").iter_rows()), ids)


def _begin(lake: Lake, experiment: str, judge: str, error_rate: float) -> None:
    if not 0 < error_rate < 1:
        raise RaceError(f"an error rate of {error_rate:g} is no chance between 0 and 1")
    path = layout.race(experiment, judge)
    try:
        lake.swap(path, Begun(error_rate=error_rate).model_dump_json().encode(), None)
    except ConflictError:
        begun = Begun.model_validate_json(lake.read(path)).error_rate
        if begun != error_rate:
            raise RaceError(
                f"the race of {judge} over {experiment} was begun with an error rate of {begun:g}; another one would "
                "break what it promises"
            ) from None
