"""The steps of a demo in their order. Each is in the journal when it is done, so the same command goes on behind it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tip_assets.demo import faulty, releases
from tip_assets.demo.assets import Materializing
from tip_assets.demo.bench import BenchResult, run_bench
from tip_assets.demo.installation import Installation
from tip_assets.demo.journal import Journal
from tip_assets.demo.page.content import Page
from tip_assets.demo.page.gathering import gather
from tip_assets.demo.plan import (
    BENCH_DAY,
    BROKEN_DAY,
    FIRST_PROPOSAL,
    FIRST_TRAINING,
    NEED_ALL,
    SECOND_PROPOSAL,
    SECOND_TRAINING,
    Plan,
)
from tip_assets.demo.releases import Advanced
from tip_assets.demo.stretch import Stretch
from tip_serving.lake.storage import Lake
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.ports import Sources
from tip_serving.training.candidate import candidates

_LOOKS_A_DAY = 4
_LOOK_EVERY = dt.timedelta(days=1) / _LOOKS_A_DAY
_PILOT = ("embedded/maxim", "embedded/first")
_WRITER = "embedded/planner"


class Done(BaseModel):
    """A step that comes to nothing but what it left in the lake."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: dt.datetime


class Trained(BaseModel):
    """What a training came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate_id: str | None
    why_not: str | None
    """What kept a candidate from being made."""


@dataclass
class Story:
    """A demo under way.

    Args:
        plan: what it is asked to do.
        home: of the demo.
        up: what it runs with.
        lake: of its home.
        materializing: of its assets.
        sources: by which releases are decided.
        journal: what is done.
        tell: hears of each step, with how much of the whole is done, in [0, 1].
    """

    plan: Plan
    home: Path
    up: Installation
    lake: Lake
    materializing: Materializing
    sources: Sources
    journal: Journal
    tell: Callable[[str, float], None]

    def run(self) -> Page:
        """Everything, from the bench to the last day; what there is to tell."""
        begin = self.plan.midnight(0)
        self.up.prepare(self._writer(0))
        self._tell("the bench: which prompt on which model", 0)
        bench = self.journal.once("bench", BenchResult, lambda: run_bench(self.up.settings, self.plan.seed, begin))
        self._tell("what the app knows of its people", 0)
        before = self.journal.once("history", Stretch, self.up.living.history)
        self._assets(-1)
        lived = [before]
        at = Advanced(steps=(), manifest=None, is_open=False)
        for day in range(self.plan.n_days):
            at = self._decide(day, at, bench)
            at = self._day(day, lived, at)
        self._tell("what people did with tips", self.plan.n_days)
        self.journal.once("rewards", Done, self._rewards)
        n_restarts = sum(self.up.fleet.n_restarts.values())
        return gather(self.plan, self.lake, self.home, bench, lived, n_restarts, has_broker=bool(self.up.broker))

    def _decide(self, day: int, at: Advanced, bench: BenchResult) -> Advanced:
        """What is trained and proposed before a day begins."""
        now = self.plan.midnight(day)
        if day == BENCH_DAY:
            at = self._propose(
                "propose-bench", bench.proposal_id, now, "Leads the board of the bench.", releases.SMALL_STEP
            )
        if day == FIRST_TRAINING:
            self._train("first", day)
        if day == FIRST_PROPOSAL:
            at = self._put_forward("first", FIRST_TRAINING, now, at, releases.PLAN)
        if day == BROKEN_DAY:
            at = self._break(day, at)
        if day == SECOND_TRAINING:
            self._train("second", day)
        if day == SECOND_PROPOSAL:
            at = self._put_forward("second", SECOND_TRAINING, now, at, releases.SMALL_STEP)
        return at

    def _day(self, day: int, lived: list[Stretch], at: Advanced) -> Advanced:
        """Live one day: in one piece where nothing is being released, else with looks at the release in between.

        Args:
            day: which.
            lived: everything before it; the day is added.
            at: what is released.
        """
        begin, end = self.plan.midnight(day), self.plan.midnight(day + 1)
        while begin < end:
            until = begin + _LOOK_EVERY if at.is_open else end
            self._tell(f"day {day + 1}", day)
            lived.append(self._live(day, begin, until, lived[-1], at.manifest))
            if at.is_open:
                at = self._look(until)
            begin = until
        self._assets(day)
        return at

    def _live(self, day: int, begin: dt.datetime, end: dt.datetime, before: Stretch, manifest: str | None) -> Stretch:
        def act() -> Stretch:
            self.up.prepare(self._writer(day))
            self.up.serve(manifest)
            is_pilot = self._writer(day) != _WRITER
            return self.up.living.stretch(begin, end, before.later, manifest, is_pilot=is_pilot)

        return self.journal.once(f"lived-{begin:%m%dT%H}", Stretch, act)

    def _writer(self, day: int) -> str:
        """The model that writes on this day: before the bench's word counts, the others in turn."""
        return _PILOT[day % len(_PILOT)] if day < BENCH_DAY else _WRITER

    def _assets(self, day: int) -> None:
        """Materialize the day that is over; before something rests on them, also what late reactions have opened."""
        end, is_needed = self.plan.midnight(day + 1), day + 1 in {*NEED_ALL, self.plan.n_days}

        def act() -> Done:
            self.materializing.day(self.plan.day(day), end)
            if is_needed:
                self.materializing.days(end)
            return Done(at=end)

        self.journal.once(f"assets-{end:%m%dT%H}", Done, act)

    def _train(self, which: str, day: int) -> None:
        """Train on all days so far."""
        now = self.plan.midnight(day)
        self._tell(f"day {day + 1}: the {which} training", day)

        def act() -> Trained:
            first, last = self.plan.day(0), self.plan.day(day - 1)
            why_not = self.materializing.models(first, last, self.plan.seed, now)
            if why_not is not None:
                return Trained(candidate_id=None, why_not=why_not)
            return Trained(candidate_id=candidates(self.lake)[0].candidate_id, why_not=None)

        self.journal.once(f"train-{which}", Trained, act)

    def _put_forward(self, which: str, n_days: int, now: dt.datetime, at: Advanced, plan: RolloutPlan) -> Advanced:
        """Propose what came of a training."""
        trained = self.journal.read(f"train-{which}", Trained)
        if trained is None or trained.candidate_id is None:
            return at
        note = f"Trained on what people did on days 1 to {n_days}."
        return self._propose(f"propose-{which}", trained.candidate_id, now, note, plan)

    def _break(self, day: int, at: Advanced) -> Advanced:
        """Train on a broken export and propose that; then once more, to a gate that is shown old evidence."""
        now = self.plan.midnight(day)
        self._tell(f"day {day + 1}: a broken pipeline", day)

        def act() -> Trained:
            broken = faulty.broken_lake(self.lake, self.home / "broken-lake", now)
            days = tuple(self.plan.day(number) for number in range(day))
            made = faulty.trained_on(broken, self.lake, days, self.plan.seed, now)
            return Trained(candidate_id=None if made is None else made.candidate_id, why_not=None)

        trained = self.journal.once("train-broken", Trained, act)
        if trained.candidate_id is None:
            return at
        note = "Trained on an export in which taken tips count as waved away."
        at = self._propose("propose-broken", trained.candidate_id, now, note)
        if at.is_open:  # another release is under way, so it waits
            return at
        note = (
            "The same once more, with a careless plan, and a gate that is shown by mistake what the last arm passed by."
        )
        later, source_id = now + dt.timedelta(seconds=1), trained.candidate_id

        def again() -> Advanced:
            mixed_up = faulty.mixed_up(self.sources, self.lake)
            if mixed_up is None:
                return at
            releases.put_forward(self.lake, source_id, later, note, releases.CARELESS)
            return releases.look(self.lake, mixed_up, later)

        return self.journal.once("propose-broken-again", Advanced, again)

    def _look(self, now: dt.datetime) -> Advanced:
        return self.journal.once(f"look-{now:%m%dT%H}", Advanced, lambda: releases.look(self.lake, self.sources, now))

    def _propose(
        self, step: str, source_id: str, now: dt.datetime, note: str, plan: RolloutPlan = releases.PLAN
    ) -> Advanced:
        def act() -> Advanced:
            releases.put_forward(self.lake, source_id, now, note, plan)
            return releases.look(self.lake, self.sources, now)

        return self.journal.once(step, Advanced, act)

    def _rewards(self) -> Done:
        now = self.plan.midnight(self.plan.n_days)
        self.materializing.rewards(now)
        return Done(at=now)

    def _tell(self, what: str, day: int) -> None:
        self.tell(what, day / self.plan.n_days)
