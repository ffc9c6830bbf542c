"""Everything that works on a bench, opened together: the lake, its candidates, the catalog, the workers.

The steps of an experiment, as functions of an experiment's name. Assets and commands call these; how each step works
stands in its own module.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

import polars as pl

from tip_serving.bench import collect as collecting
from tip_serving.bench import leaderboard, results
from tip_serving.bench import scenarios as chosen_scenarios
from tip_serving.bench import spec as specs
from tip_serving.bench import state as states
from tip_serving.bench.collector import Limits
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging import automatic, export, intake, language_model, racing, scores, sessions, verdicts
from tip_serving.bench.judging.anchors import ANCHOR_SCHEMA, ANCHOR_SCORES
from tip_serving.bench.judging.export import Ask, Batch
from tip_serving.bench.judging.intake import Report
from tip_serving.bench.judging.racing import Round
from tip_serving.bench.judging.rubric import Rubric, load_rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.sessions import Session
from tip_serving.bench.judging.sitting import SittingProgress
from tip_serving.bench.judging.terms import Terms
from tip_serving.bench.judging.verdicts import VERDICTS
from tip_serving.bench.progress import Progress
from tip_serving.bench.ranking import report
from tip_serving.bench.ranking.report import Evidence
from tip_serving.bench.results import CellResult
from tip_serving.bench.spec import Spec
from tip_serving.bench.state import ExperimentState
from tip_serving.bench.store import CANDIDATE_SCHEMA, CandidateStore
from tip_serving.generation.catalog import Catalog
from tip_serving.generation.remote import WorkerPool
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import empty
from tip_serving.scenarios.model import Scenario
from tip_serving.settings import Settings


@dataclass
class Workshop:
    """What a bench is worked on with."""

    settings: Settings
    lake: Lake
    store: CandidateStore
    catalog: Catalog
    pool: WorkerPool
    limits: Limits
    progress: Progress = field(default_factory=Progress)
    _scenarios: dict[str, list[Scenario]] = field(default_factory=dict)

    @classmethod
    def open(cls, settings: Settings, concurrency: int | None = None) -> "Workshop":
        """The workshop that `settings` describe; nothing is started or written yet."""
        lake = Lake(settings.lake_url)
        limits = Limits(concurrency or settings.tip_concurrency, settings.tip_lease_ttl_s)
        return cls(
            settings=settings,
            lake=lake,
            store=CandidateStore(lake, settings.home / "spool"),
            catalog=Catalog.load(settings),
            pool=WorkerPool(limits.concurrency),
            limits=limits,
        )

    def spec(self, experiment: str) -> Spec:
        """The experiment's spec."""
        return specs.load(self.lake, experiment, self.catalog)

    def state(self, experiment: str) -> ExperimentState:
        """Where the experiment stands."""
        return states.state(self.lake, experiment, self.catalog, self.limits.lease_ttl_s)

    def scenarios(self, experiment: str) -> list[Scenario]:
        """The experiment's scenarios, written unless they are there; read once, since they never change."""
        if experiment not in self._scenarios:
            is_brought = self.lake.exists(layout.brought(experiment))
            found = [] if is_brought else chosen_scenarios.ensure(self.lake, self.spec(experiment))
            self._scenarios[experiment] = found
        return self._scenarios[experiment]

    def experiments_needing(self, cells: Iterable[Cell]) -> list[str]:
        """The experiments whose spec asks for any of `cells`."""
        wanted = set(cells)
        found = []
        for experiment in states.experiments(self.lake):
            state = self.state(experiment)
            if wanted & {cell.cell for cell in state.cells}:
                found.append(experiment)
        return found

    def collect(self, experiment: str, cells: Iterable[Cell]) -> Iterator[CellResult]:
        """Fill those of `cells` that the experiment wants; each result as its cell is done."""
        spec = self.spec(experiment)
        asked = set(cells)
        wanted = [cell for cell in states.wanted_cells(spec, self.catalog) if cell in asked]
        scenarios = self.scenarios(experiment)
        return collecting.collect(spec, wanted, scenarios, self.store, self.pool.open, self.limits, self.progress)

    def results(self, experiment: str) -> list[CellResult]:
        """The results of all done cells, in the spec's order."""
        return [state.result for state in self.state(experiment).cells if state.result is not None]

    def candidates(self, experiment: str) -> pl.DataFrame:
        """Every candidate of the experiment's done cells, with the columns of CANDIDATE_SCHEMA."""
        frames = [results.candidates(self.store, experiment, result.cell) for result in self.results(experiment)]
        columns = list(CANDIDATE_SCHEMA)
        return pl.concat([empty(CANDIDATE_SCHEMA), *(frame.select(columns) for frame in frames)])

    def export(self, experiment: str, ask: Ask, rubric: Rubric | None = None) -> list[Batch]:
        """Blind batches of what the judge has not judged; [] where nothing waits."""
        candidates, scenarios = self.candidates(experiment), self.scenarios(experiment)
        return export.export(self.lake, experiment, candidates, scenarios, rubric or load_rubric(), ask)

    def next_round(
        self, experiment: str, judge: str, error_rate: float, size: int, unscorable: Collection[str] = ()
    ) -> Round:
        """Where the judge's race over the experiment stands and what to score next."""
        candidates, rubric = self.candidates(experiment), load_rubric()
        return racing.next_round(self.lake, experiment, candidates, judge, rubric, error_rate, size, unscorable)

    def judge_automatically(self, experiment: str) -> str | None:
        """Score by rules what waits for the automatic judge and drop the file into the inbox; its name there."""
        batches = self.export(experiment, Ask(automatic.JUDGE))
        data = b"".join(automatic.score_file(self.lake.read(batch.rows_path)) for batch in batches)
        return intake.drop(self.lake, experiment, data, automatic.JUDGE) if data else None

    def judge_with_model(
        self, experiment: str, terms: Terms, progress: SittingProgress, only: Collection[str] | None = None
    ) -> Session | None:
        """Have a language model judge what waits for it; what that took, None where nothing waited.

        Args:
            experiment: whose tips.
            terms: without faults.
            progress: counts that the caller may watch.
            only: candidates to choose from, as a race asks for; None for all.
        """
        return language_model.judge(
            self.lake,
            experiment,
            terms,
            load_rubric(),
            export=lambda: self.export(experiment, replace(terms.ask, only=only)),
            open_generator=self.pool.open,
            home=self.settings.home,
            limits=self.limits,
            progress=progress,
        )

    def import_scores(self, experiment: str) -> tuple[list[Report], pl.DataFrame]:
        """Import the inbox and write the experiment's scores; what became of each file, and the scores."""
        reports = intake.import_inbox(self.lake, experiment)
        view = scores.view(self.lake, self.candidates(experiment))
        scores.write_view(self.lake, experiment, view)
        return reports, view

    def rank(self, experiment: str) -> pl.DataFrame:
        """Write the leaderboard over all done cells and note which results it rests on."""
        fingerprint = self.state(experiment).fingerprint
        evidence = self.evidence(experiment)
        scores.write_view(self.lake, experiment, evidence.scores)
        table = leaderboard.publish(self.lake, report.report(evidence), evidence.results)
        states.mark_ranked(self.lake, experiment, fingerprint)
        return table

    def tips(self, experiment: str, cell: Cell | None = None, scenario_id: str | None = None) -> pl.DataFrame:
        """Every tip of the experiment with what each judge gave it: one row per candidate, one column per judge."""
        candidates = self.candidates(experiment)
        view = scores.view(self.lake, candidates).drop_nulls("score")
        if cell is not None:
            candidates = candidates.filter(pl.col("model") == cell.model, pl.col("prompt") == cell.prompt)
        if scenario_id is not None:
            candidates = candidates.filter(pl.col("scenario_id") == scenario_id)
        shown = candidates.select(*scores.VIEW_KEYS, "text")
        if view.is_empty():
            return shown
        by = pl.concat_str("judge", "rubric_version", separator=", rubric ")
        given = view.with_columns(by=by).pivot("by", index="candidate_id", values="score", sort_columns=True)
        return shown.join(given, on="candidate_id", how="left", maintain_order="left")

    def _judging_costs(self, experiment: str) -> dict[str, float | None]:
        """What judging this experiment cost, by judge: nothing for rules, null where a model's price is unknown."""
        judges = {judge for judge, _ in [*SCORES.judges(self.lake), *VERDICTS.judges(self.lake)]}
        asked = [judge for judge in judges if judge.startswith(report.LANGUAGE_MODEL)]
        return {automatic.JUDGE: 0.0} | {judge: sessions.cost_usd(self.lake, experiment, judge) for judge in asked}

    def evidence(self, experiment: str) -> Evidence:
        """All that can be said of the experiment's cells rests on this."""
        candidates = self.candidates(experiment)
        given = [ANCHOR_SCORES.latest(self.lake, *judged) for judged in ANCHOR_SCORES.judges(self.lake)]
        anchors = pl.concat([empty(ANCHOR_SCHEMA), *(frame.select(list(ANCHOR_SCHEMA)) for frame in given)])
        return Evidence(
            experiment=experiment,
            results=self.results(experiment),
            candidates=candidates,
            scores=scores.view(self.lake, candidates),
            verdicts=verdicts.view(self.lake, candidates),
            anchors=anchors.filter(pl.col("experiment") == experiment),
            scenarios=self.scenarios(experiment),
            judging_costs=self._judging_costs(experiment),
        )
