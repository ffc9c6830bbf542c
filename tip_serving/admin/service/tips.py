"""Tips beside one another: what every cell wrote for one scenario, and what judges said of it."""

import threading
from collections import OrderedDict
from typing import NamedTuple

import polars as pl

from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.errors import NotFoundError
from tip_serving.admin.service.rows import Page, Plain, page_of
from tip_serving.admin.service.users import READERS, User, require
from tip_serving.bench.judging import scores
from tip_serving.bench.page.content import SampleScenario
from tip_serving.bench.ranking.tips import sampled
from tip_serving.lake import layout
from tip_serving.lake.storage import MissingError
from tip_serving.lake.tables import read_table
from tip_serving.scenarios.model import Scenario

_KEPT = 4  # experiments; a large one has some tens of megabytes


class ScenarioRow(Plain):
    """One scenario that tips were written for."""

    scenario_id: str
    kind: str
    n_tasks: int


class Reading(NamedTuple):
    """One situation of an experiment with its tips, and which others there are."""

    scenarios: tuple[ScenarioRow, ...]
    """The first of them, in their order; empty where there are no tips."""
    chosen: SampleScenario | None


class Candidates:
    """The candidates of experiments, read again when a cell ends anew; may be asked from several threads."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._kept: OrderedDict[str, tuple[tuple[str, ...], pl.DataFrame]] = OrderedDict()
        self._reading = threading.Lock()

    def of(self, experiment: str) -> pl.DataFrame:
        """Every candidate of the experiment's done cells; see `Workshop.candidates`. Raises NotFoundError."""
        results = tuple(cell.result.result_id for cell in self._bench.state(experiment).cells if cell.result)
        with self._reading:
            kept = self._kept.pop(experiment, None)
            if kept is None or kept[0] != results:
                kept = (results, self._bench.workshop.candidates(experiment))
            self._kept[experiment] = kept
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return kept[1]


class Tips:
    """What was written in the experiments of a bench.

    Args:
        bench: knows the experiments.
        candidates: of them.
    """

    def __init__(self, bench: Bench, candidates: Candidates) -> None:
        self._bench = bench
        self._candidates = candidates

    def scenarios(self, user: User, experiment: str, offset: int = 0, limit: int = 100) -> Page[ScenarioRow]:
        """The scenarios of an experiment in its order. Raises NotFoundError."""
        require(user, READERS, "see scenarios")
        found = [
            ScenarioRow(scenario_id=one.scenario_id, kind=one.kind, n_tasks=len(one.situation.tasks))
            for one in self._scenarios(experiment)
        ]
        return page_of(found[offset : offset + limit], len(found), offset)

    def read(self, user: User, experiment: str, scenario_id: str | None, limit: int) -> Reading:
        """The tips of one situation, or of the first where there is no such one. Raises NotFoundError."""
        scenarios = tuple(self.scenarios(user, experiment, limit=limit).items)
        if not scenarios:
            return Reading((), None)
        known = {one.scenario_id for one in scenarios}
        at = scenario_id if scenario_id in known else scenarios[0].scenario_id
        return Reading(scenarios, self.side_by_side(user, experiment, str(at)))

    def side_by_side(self, user: User, experiment: str, scenario_id: str) -> SampleScenario:
        """One scenario with up to three tips of every cell, and what judges said of them.

        Scores are those that the leaderboard rests on. Raises NotFoundError.
        """
        require(user, READERS, "see tips")
        scenarios = self._scenarios(experiment)
        candidates = self._candidates.of(experiment).filter(pl.col("scenario_id") == scenario_id)
        if candidates.is_empty():
            raise NotFoundError(f"{experiment} has no tips for a scenario {scenario_id!r:.90}.")
        lake = self._bench.workshop.lake
        try:
            view = read_table(lake, layout.scores_view(experiment))
        except MissingError:
            view = scores.view(lake, candidates)
        return sampled(experiment, candidates, view, scenarios).scenarios[0]

    def _scenarios(self, experiment: str) -> list[Scenario]:
        state = self._bench.state(experiment)
        has_tips = state.spec is not None and any(cell.result for cell in state.cells)
        return self._bench.workshop.scenarios(experiment) if has_tips else []
