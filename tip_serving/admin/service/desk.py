"""What lies before one judge: items of a few whole scenarios, those judged in this sitting, and how far it is."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from tip_serving.bench.judging import allocation, export
from tip_serving.bench.judging.allocation import Tip, shuffled
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.verdicts import VERDICTS
from tip_serving.bench.workshop import Workshop

DeskKind = Literal["tip", "pair"]
PARTNERS = 1
"""For pairs: each cell meets its neighbour of each scenario, in both orders."""
_ENOUGH = 60  # items laid out at once; scenarios are not cut
_MAX_HISTORY = 200


@dataclass
class Desk:
    """One judge at one experiment."""

    experiment: str
    judge: str
    kind: DeskKind
    queue: deque[dict[str, Any]]
    """Blind items, the next one first."""
    history: deque[dict[str, Any]]
    """Those judged in this sitting, the last one last."""
    n_done: int
    n_total: int

    def judged(self, item: str) -> None:
        """Put an item aside; one that was judged in another window does not lie here any more."""
        for row in self.queue:
            if row["item"] == item:
                self.queue.remove(row)
                self.history.append(row)
                self.n_done += 1
                break
        while len(self.history) > _MAX_HISTORY:
            self.history.popleft()

    def pass_over(self, item: str) -> None:
        """Lay an item at the end."""
        if self.queue and self.queue[0]["item"] == item:
            self.queue.rotate(-1)

    def undo(self) -> str | None:
        """Lay the item judged last on top again; which one it was."""
        if not self.history:
            return None
        row = self.history.pop()
        self.queue.appendleft(row)
        self.n_done -= 1
        return str(row["item"])


def open_desk(
    workshop: Workshop,
    experiment: str,
    judge: str,
    kind: DeskKind,
    candidates: pl.DataFrame,
    history: deque[dict[str, Any]],
) -> Desk:
    """A desk with the next scenarios of this judge; an empty one where all is judged."""
    rubric = load_rubric()
    wanted = _wanted(candidates, kind)
    if kind == "tip":
        done = {(identity, None) for identity in SCORES.latest(workshop.lake, judge, rubric.version)["candidate_id"]}
    else:
        done = set(VERDICTS.latest(workshop.lake, judge, rubric.version).select("first_id", "second_id").iter_rows())
    pending: dict[str, int] = defaultdict(int)
    for scenario_id, about in wanted:
        pending[scenario_id] += about not in done
    chosen, n_items = set[str](), 0
    for scenario_id in sorted(pending, key=lambda name: shuffled(f"{judge}:{name}")):
        if pending[scenario_id] and n_items < _ENOUGH:
            chosen.add(scenario_id)
            n_items += pending[scenario_id]
    n_total = len(wanted)
    return Desk(
        experiment=experiment,
        judge=judge,
        kind=kind,
        queue=_laid_out(workshop, experiment, judge, kind, candidates, chosen) if chosen else deque(),
        history=history,
        n_done=n_total - sum(pending.values()),
        n_total=n_total,
    )


def _wanted(candidates: pl.DataFrame, kind: DeskKind) -> list[tuple[str, tuple[str, str | None]]]:
    """Everything that could be judged: its scenario, and the candidate or the ordered pair."""
    columns = candidates.unique("candidate_id", maintain_order=True)
    rows = columns.select("candidate_id", "model", "prompt", "scenario_id").iter_rows()
    if kind == "tip":
        return [(scenario_id, (identity, None)) for identity, _, _, scenario_id in rows]
    tips = (Tip(identity, f"{model}|{prompt}", scenario_id) for identity, model, prompt, scenario_id in rows)
    pairs = allocation.pairs(tips, PARTNERS)
    return [(pair.scenario_id, (pair.first_id, pair.second_id)) for pair in pairs]


def _laid_out(
    workshop: Workshop, experiment: str, judge: str, kind: DeskKind, candidates: pl.DataFrame, chosen: Iterable[str]
) -> deque[dict[str, Any]]:
    """The blind items of these scenarios that wait for the judge, as an export hands them out."""
    only = candidates.filter(pl.col("scenario_id").is_in(list(chosen)))["candidate_id"]
    ask = Ask(judge, partners=PARTNERS if kind == "pair" else None, only=set(only))
    scenarios = workshop.scenarios(experiment)
    batches = export.export(workshop.lake, experiment, candidates, scenarios, load_rubric(), ask)
    return deque(json.loads(line) for batch in batches for line in workshop.lake.read(batch.rows_path).splitlines())
