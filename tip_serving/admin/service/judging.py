"""Judging, one item at a time: blind, resumed where one left, and a person's last word can be taken back.

Items come from the same exports that a file of a judge answers, and judgements go in by the same intake. A judge is
shown whole scenarios, a few at a time, so that the cells stay paired wherever one stops.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.desk import Desk, DeskKind, open_desk
from tip_serving.admin.service.drawer import Drawer
from tip_serving.admin.service.errors import ConflictError, FaultsError
from tip_serving.admin.service.rows import Page, Plain, page_of
from tip_serving.admin.service.scores import Scores
from tip_serving.admin.service.tips import Candidates
from tip_serving.admin.service.users import JUDGES, User, require
from tip_serving.bench.judging import intake
from tip_serving.bench.judging.intake import Judgement
from tip_serving.bench.judging.rubric import SCALE_MAX, SCALE_MIN, load_rubric
from tip_serving.bench.spec import Fault

_MAX_DESKS = 64


class Judgeable(Plain):
    """An experiment whose tips can be judged; nothing of who wrote them."""

    experiment: str
    n_tips: int


class Criterion(Plain):
    """What to score by."""

    name: str
    question: str
    anchors: tuple[str, ...]
    """What each point of the scale means, from the lowest."""


class BlindItem(Plain):
    """What a judge sees of a tip, or of two."""

    item: str
    situation: dict[str, Any] | None
    tip: str | None
    first: str | None
    second: str | None


class Turn(Plain):
    """Where a judge stands, and what comes next."""

    experiment: str
    kind: DeskKind
    item: BlindItem | None
    """Null where all is judged."""
    n_done: int
    n_total: int
    can_undo: bool
    rubric_version: str
    criteria: tuple[Criterion, ...]
    scale_min: int
    scale_max: int


class Judging:
    """What judges do on a bench.

    Args:
        bench: whose experiments.
        candidates: of them.
        drawer: keeps judgements until they go into the lake.
        scores: takes them there.
    """

    def __init__(self, bench: Bench, candidates: Candidates, drawer: Drawer, scores: Scores) -> None:
        self._bench = bench
        self._candidates = candidates
        self._drawer = drawer
        self._scores = scores
        self._desks: OrderedDict[tuple[str, str, DeskKind], Desk] = OrderedDict()
        self._sittings: dict[str, threading.Lock] = {}

    def experiments(self, user: User, offset: int = 0, limit: int = 100) -> Page[Judgeable]:
        """What can be judged, newest first."""
        require(user, JUDGES, "judge")
        states = [standing.state for standing in self._bench.overview.standings() if standing.state is not None]
        own = [state for state in states if state.spec is not None and any(cell.result for cell in state.cells)]
        own.sort(key=lambda state: state.created_at.timestamp() if state.created_at else 0.0, reverse=True)
        found = [
            Judgeable(
                experiment=state.experiment, n_tips=sum(cell.result.n_done for cell in state.cells if cell.result)
            )
            for state in own[offset : offset + limit]
        ]
        return page_of(found, len(own), offset)

    def turn(self, user: User, experiment: str, kind: DeskKind = "tip") -> Turn:
        """The next item of this user, the same until it is judged or passed over.

        Raises:
            NotFoundError: there is no such experiment.
            ConflictError: it has nothing that could be judged.
        """
        require(user, JUDGES, "judge")
        with self._sitting(user):
            return self._turn(self._desk(user, experiment, kind))

    def judge(
        self,
        user: User,
        experiment: str,
        item: str,
        *,
        scores: Mapping[str, int] | None = None,
        preferred: Literal["first", "second", "tie"] | None = None,
        comment: str = "",
        kind: DeskKind = "tip",
    ) -> Turn:
        """Take what the user says of an item, and the next one. Said again, it replaces what was said.

        Raises:
            FaultsError: the item was not handed to this user, or the judgement does not fit it.
        """
        require(user, JUDGES, "judge")
        said = _judgement(user, item, scores, preferred, comment)
        with self._sitting(user):
            desk = self._desk(user, experiment, kind)
            faults = intake.faults_in(self._bench.workshop.lake, experiment, said.model_dump_json().encode())
            if faults:
                raise FaultsError("The judgement was not taken.", [Fault("item", fault.reason) for fault in faults])
            self._drawer.put(experiment, said)
            desk.judged(item)
            return self._turn(self._desk(user, experiment, kind))

    def pass_over(self, user: User, experiment: str, item: str, kind: DeskKind = "tip") -> Turn:
        """Leave an item for later: it stays unscored."""
        require(user, JUDGES, "judge")
        with self._sitting(user):
            desk = self._desk(user, experiment, kind)
            desk.pass_over(item)
            return self._turn(desk)

    def undo(self, user: User, experiment: str, kind: DeskKind = "tip") -> Turn:
        """Back to the item judged last; where its judgement is in the lake already, the next one replaces it.

        Raises:
            ConflictError: nothing was judged in this sitting.
        """
        require(user, JUDGES, "judge")
        with self._sitting(user):
            desk = self._desk(user, experiment, kind)
            item = desk.undo()
            if item is None:
                raise ConflictError("There is nothing to undo in this sitting.")
            self._drawer.take_back(experiment, user.name, item)
            return self._turn(desk)

    def _sitting(self, user: User) -> threading.Lock:
        """A judge may have several windows open; they take turns, and wait for no other judge."""
        return self._sittings.setdefault(user.name, threading.Lock())

    def _desk(self, user: User, experiment: str, kind: DeskKind) -> Desk:
        """The user's desk, with something on it if anything waits."""
        self._scores.judgeable(experiment)
        key = (experiment, user.name, kind)
        desk = self._desks.pop(key, None)
        if desk is None or not desk.queue:
            self._scores.settle(experiment, user.name)
            judged = desk.history if desk is not None else deque[dict[str, Any]]()
            candidates = self._candidates.of(experiment)
            desk = open_desk(self._bench.workshop, experiment, user.name, kind, candidates, judged)
        self._desks[key] = desk
        while len(self._desks) > _MAX_DESKS:
            self._desks.popitem(last=False)
        return desk

    def _turn(self, desk: Desk) -> Turn:
        rubric = load_rubric()
        return Turn(
            experiment=desk.experiment,
            kind=desk.kind,
            item=_blind(desk.queue[0]) if desk.queue else None,
            n_done=desk.n_done,
            n_total=desk.n_total,
            can_undo=bool(desk.history),
            rubric_version=rubric.version,
            criteria=tuple(
                Criterion(name=one.name, question=one.question, anchors=one.anchors) for one in rubric.criteria
            ),
            scale_min=SCALE_MIN,
            scale_max=SCALE_MAX,
        )


def _judgement(
    user: User, item: str, scores: Mapping[str, int] | None, preferred: str | None, comment: str
) -> Judgement:
    try:
        return Judgement(
            item=item,
            judge=user.name,
            rubric_version=load_rubric().version,
            scores=None if scores is None else dict(scores),
            preferred=preferred,
            comment=comment,
        )
    except ValidationError as error:
        faults = [Fault(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        raise FaultsError("The judgement was not taken.", faults) from None


def _blind(row: Mapping[str, Any]) -> BlindItem:
    told = {name: row.get(name) for name in ("situation", "tip", "first", "second")}
    return BlindItem(item=row["item"], **told)
