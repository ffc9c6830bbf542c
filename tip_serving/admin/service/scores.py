"""What judges are handed as files and hand back, and the way of judgements into the lake and onto the leaderboard.

An experiment whose cells are all done is ranked anew when judgements came in, here and now: the graph's sensor then
finds nothing to do, and would do the same if this process ended in between.
"""

import json
import logging
import threading
from typing import NamedTuple

from tip_serving.admin.service.audit import AuditLog
from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.desk import PARTNERS, DeskKind
from tip_serving.admin.service.drawer import Drawer, Waiting
from tip_serving.admin.service.errors import DAMAGE, ConflictError, FaultsError, ForbiddenError
from tip_serving.admin.service.rows import Plain
from tip_serving.admin.service.tips import Candidates
from tip_serving.admin.service.users import JUDGES, Role, User, require
from tip_serving.bench.judging import export as exporting
from tip_serving.bench.judging import intake
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.spec import Fault
from tip_serving.bench.state import ExperimentState

SETTLES_S = 5.0
"""A judgement goes into the lake when its judge has paused for so long, or when MANY wait."""
MANY = 25
MAX_BATCH = 2_000
_LOG = logging.getLogger(__name__)


class Handed(NamedTuple):
    """A blind batch as it lies in the lake; the same bytes for the same pending items."""

    batch: str
    n_items: int
    instructions: str
    """Markdown."""
    rows: bytes
    """JSON lines."""


class Taken(Plain):
    """What became of judgements."""

    experiment: str
    n_accepted: int
    is_repeat: bool
    """Whether these very judgements were in already."""
    faults: tuple[Fault, ...]
    """Of lines that were left out, where that was asked for."""


class Scores:
    """Exports and intake of a bench.

    Args:
        bench: whose experiments.
        candidates: of them.
        drawer: where judgements of people wait.
        audit: takes down who handed in what.
    """

    def __init__(self, bench: Bench, candidates: Candidates, drawer: Drawer, audit: AuditLog) -> None:
        self._bench = bench
        self._candidates = candidates
        self._drawer = drawer
        self._audit = audit
        self._unranked: set[str] = set()
        self._settling = threading.Lock()
        self._ranking = threading.Lock()

    def judgeable(self, experiment: str) -> ExperimentState:
        """The state of an experiment whose tips can be judged. Raises NotFoundError, ConflictError."""
        state = self._bench.state(experiment)
        if state.spec is None:
            raise ConflictError(f"{experiment} cannot be judged here: its tips were not written for known situations.")
        if all(cell.result is None for cell in state.cells):
            raise ConflictError(f"{experiment} has no tips yet.")
        return state

    def export(self, user: User, experiment: str, judge: str, kind: DeskKind, size: int) -> Handed | None:
        """The next blind batch for a judge; None where nothing waits.

        Args:
            user: the judge, or an admin for any judge.
            experiment: whose tips.
            judge: who will judge; scores are kept under this name.
            kind: single tips or pairs.
            size: at most so many items, up to MAX_BATCH.

        Raises:
            ForbiddenError: the work of somebody else.
            FaultsError: `judge` cannot name a judge.
            NotFoundError: there is no such experiment.
            ConflictError: it has nothing that could be judged.
        """
        require(user, JUDGES, "export tips to judge")
        self._refuse_others_work(user, {judge})
        if fault := intake.judge_fault(judge):
            raise FaultsError("Nothing was exported.", [Fault("judge", fault)])
        self.judgeable(experiment)
        self.settle(experiment, judge)
        lake = self._bench.workshop.lake
        partners = PARTNERS if kind == "pair" else None
        ask = Ask(judge, batch_size=min(size, MAX_BATCH), partners=partners)
        scenarios, candidates = self._bench.workshop.scenarios(experiment), self._candidates.of(experiment)
        batches = exporting.export(lake, experiment, candidates, scenarios, load_rubric(), ask)
        if not batches:
            return None
        first = batches[0]
        self._audit.note(user, "export", experiment, {"judge": judge, "batch": first.batch, "n_items": first.n_items})
        instructions = lake.read(first.instructions_path).decode()
        return Handed(first.batch, first.n_items, instructions, lake.read(first.rows_path))

    def submit(self, user: User, experiment: str, data: bytes, *, partial: bool = False) -> Taken:
        """Take judgements that come as JSON lines; taken twice they change nothing.

        Args:
            user: the judge whose they are, or an admin for any judge.
            experiment: whose items were judged.
            data: as `export` tells a judge to answer.
            partial: keep the good lines where there are bad ones.

        Raises:
            FaultsError: every faulty line; nothing was changed.
            ForbiddenError: judgements in the name of somebody else.
        """
        require(user, JUDGES, "hand in judgements")
        self.judgeable(experiment)
        self._refuse_others_work(user, _judges_in(data))
        lake = self._bench.workshop.lake
        faults = [Fault(f"line {fault.line}", fault.reason) for fault in intake.faults_in(lake, experiment, data)]
        if faults and not partial:
            raise FaultsError("Nothing was taken: lines have faults.", faults)
        report = intake.submit(lake, experiment, data, user.name, partial=partial)
        if not report.is_taken:
            raise FaultsError("Nothing was taken: no line is without a fault.", faults)
        if not report.is_repeat:
            self._audit.note(user, "score", experiment, {"n_accepted": report.accepted, "n_faults": len(faults)})
            self._note_unranked(experiment)
        return Taken(
            experiment=experiment, n_accepted=report.accepted, is_repeat=report.is_repeat, faults=tuple(faults)
        )

    def settle(self, experiment: str, judge: str) -> int:
        """Put what waits of one judge into the lake now; how many judgements that were."""
        with self._settling:
            lines = self._drawer.lines(experiment, judge)
            if not lines:
                return 0
            data = "".join(line + "\n" for line in lines).encode()
            report = intake.submit(self._bench.workshop.lake, experiment, data, judge, partial=True)
            self._drawer.forget(experiment, judge, lines)
        about = {"n_accepted": report.accepted, "n_faults": len(report.faults)}
        self._audit.note(User(judge, Role.JUDGE), "score", experiment, about)
        for fault in report.faults:
            _LOG.error("A judgement of %s in %s was lost: %s.", judge, experiment, fault.reason)
        self._note_unranked(experiment)
        return report.accepted

    def settle_due(self, now: float) -> None:
        """Put into the lake what waited long enough, and rank what it changed: called every second or so."""
        for waiting in self._drawer.waiting():
            if _is_due(waiting, now):
                self.settle(waiting.experiment, waiting.judge)
        self.rank_unranked()

    def rank_unranked(self) -> None:
        """Rank the experiments whose scores changed through this process; one that cannot be is left to the graph."""
        with self._ranking:
            while self._unranked:
                experiment = self._unranked.pop()
                try:
                    self._rank(experiment)
                except (*DAMAGE, ValueError):
                    _LOG.exception("%s could not be ranked here.", experiment)

    def _rank(self, experiment: str) -> None:
        workshop = self._bench.workshop
        if self._bench.state(experiment).is_collected:
            workshop.judge_automatically(experiment)
            workshop.import_scores(experiment)
            workshop.rank(experiment)
            self._bench.overview.forget_listing()

    def _note_unranked(self, experiment: str) -> None:
        self._unranked.add(experiment)
        self._bench.overview.forget_listing()

    def _refuse_others_work(self, user: User, judges: set[str]) -> None:
        others = sorted(judges - {user.name})
        if others and user.role is not Role.ADMIN:
            raise ForbiddenError(f"{user.name} may only do their own work, not that of {', '.join(others)[:300]}.")


def _is_due(waiting: Waiting, now: float) -> bool:
    return waiting.n >= MANY or now - waiting.last_at >= SETTLES_S


def _judges_in(data: bytes) -> set[str]:
    """The judges that lines name; what cannot be read names nobody and is refused by its line."""
    found = set()
    for line in data.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("judge"), str):
            found.add(row["judge"])
    return found
