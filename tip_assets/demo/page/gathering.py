"""What the page tells, found in the journal of the demo and in its lake."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tip_assets.demo.bench import BenchResult
from tip_assets.demo.page.content import ArmRate, Belief, Interval, JudgedCell, Lane, Moment, Page, Span
from tip_assets.demo.plan import BENCH_DAY, BROKEN_DAY, FIRST_TRAINING, SECOND_TRAINING, Plan
from tip_assets.demo.releases import served
from tip_assets.demo.stretch import Decision, Stretch
from tip_experiments.stats.clustered import clustered_mean
from tip_serving.lake.storage import Lake
from tip_serving.releasing.state import Phase, ReleaseState, proposals
from tip_serving.rewards import tables
from tip_serving.rewards.tables import Dimension, Window
from tip_serving.training.candidate import PROMPT_POLICY, candidates
from tip_serving.training.cards.keeping import read_card
from tip_serving.training.cards.of_prompt_policy import PEOPLE, PRIOR

_NORMAL_95 = 1.959964
_REWARD_WITH = "reward with "
_STOPPED = ("refused", "rolled back")


def gather(
    plan: Plan,
    lake: Lake,
    home: Path,
    bench: BenchResult,
    lived: Sequence[Stretch],
    n_restarts: int,
    *,
    has_broker: bool,
) -> Page:
    """The whole page.

    Args:
        plan: of the demo.
        lake: of its home, with the tables of rewards.
        home: of the demo.
        bench: what the bench came to.
        lived: everything that was lived, in order.
        n_restarts: how often a program was started again.
        has_broker: whether events went through a broker.
    """
    lanes = tuple(_lane(plan, one) for one in proposals(lake))
    return Page(
        seed=plan.seed,
        n_people=plan.n_people,
        n_days=plan.n_days,
        first_day=plan.first_day,
        n_events=sum(stretch.n_events for stretch in lived),
        n_decisions=sum(len(stretch.decisions) for stretch in lived),
        n_restarts=n_restarts,
        broker="through JetStream" if has_broker else "imported from write-ahead files",
        released=served(lake),
        milestones=(
            (BENCH_DAY, "bench proposes"),
            (FIRST_TRAINING, "first training"),
            (BROKEN_DAY, "broken pipeline"),
            (SECOND_TRAINING, "second training"),
        ),
        n_days_before_learning=min(FIRST_TRAINING, plan.n_days),
        spans=tuple(_spans(plan, lived)),
        lanes=lanes,
        arms=tuple(_arms(lake)),
        cells=tuple(_cells(lake, bench)),
        judge=bench.judge,
        verdict_on_judge=tuple(_plain(one) for one in tables.read(lake, "judge_worth")["sentence"]),
        beliefs=tuple(_beliefs(lake)),
        refused=tuple((one.title, one.outcome, one.moments[-1].reasons) for one in lanes if one.outcome in _STOPPED),
        home=str(home),
    )


def _spans(plan: Plan, lived: Sequence[Stretch]) -> Iterator[Span]:
    by_day: dict[int, list[Decision]] = {}
    for stretch in lived:
        by_day.setdefault((stretch.begin.date() - plan.first_day).days, []).extend(stretch.decisions)
    for day, found in sorted(by_day.items()):
        if found:
            yield Span(
                day=day,
                n=len(found),
                regret=_mean([one.best - one.chance for one in found], found),
                taken=_mean([float(one.is_taken) for one in found], found),
                possible=float(np.mean([one.best for one in found])),
            )


def _mean(values: Sequence[float], decisions: Sequence[Decision]) -> Interval:
    """The mean with a normal 95 % interval, people being the units."""
    users = np.array([one.decision_id.partition(".")[0] for one in decisions])
    found = clustered_mean(np.array(values), users)
    assert found is not None  # noqa: S101  there are values
    if found.standard_error is None:
        return Interval(found.mean, None, None)
    reach = _NORMAL_95 * found.standard_error
    return Interval(found.mean, max(found.mean - reach, 0.0), min(found.mean + reach, 1.0))


def _lane(plan: Plan, one: ReleaseState) -> Lane:
    moments = tuple(
        Moment(
            day=_days(plan, step.at), at=step.at, kind=str(step.kind), reasons=tuple(step.reason.split(" | ")),
            share=step.share,
            findings=tuple((found.name, str(found.outcome), found.sentence) for found in step.findings),
        )
        for step in one.steps
    )  # fmt: skip
    title, parts = _named(one)
    return Lane(title, parts, str(one.phase), _days(plan, one.proposal.at), moments)


def _arms(lake: Lake) -> Iterator[ArmRate]:
    """What people did with the tips of each released arm, in the order in which they came."""
    titles = {one.turn.arm.name: _named(one) for one in reversed(proposals(lake)) if one.has_begun}
    rates = {row["key"]: row for row in _rates(lake, Dimension.ARM).iter_rows(named=True)}
    for name in dict.fromkeys(["default", *reversed(titles), *rates]):
        if name in rates and rates[name]["reward_rate"] is not None:
            row = rates[name]
            title, parts = titles.get(name, ("The default rule", "planner@v1") if name == "default" else (name, ""))
            yield ArmRate(title, parts, row["n_due"], row["n_users"], _interval(row))


def _cells(lake: Lake, bench: BenchResult) -> Iterator[JudgedCell]:
    rates = {
        f"{row['model']}@{row['prompt_version']}": row for row in _rates(lake, Dimension.PROMPT).iter_rows(named=True)
    }
    for cell in bench.cells:
        row = rates.get(cell.cell)
        people = None if row is None or row["reward_rate"] is None else _interval(row)
        yield JudgedCell(
            cell.cell, Interval(cell.mean, cell.low, cell.high), people, 0 if row is None else row["n_due"]
        )


def _rates(lake: Lake, dimension: Dimension) -> pl.DataFrame:
    return tables.read(lake, "prompt_rewards").filter(dimension=dimension.value, window=Window.ALL.value)


def _interval(row: dict[str, Any]) -> Interval:
    return Interval(row["reward_rate"], row["reward_low"], row["reward_high"])


def _beliefs(lake: Lake) -> Iterator[Belief]:
    """By the card of the prompt policy that went to everybody, or else of the first: what it expected, and expects."""
    served_arms = {one.turn.arm.name for one in proposals(lake) if one.phase is Phase.FINISHED}
    known = sorted(
        (one for one in candidates(lake) if PROMPT_POLICY in one.cards),
        key=lambda one: (one.candidate_id not in served_arms, one.created_at),
    )
    if not known:
        return
    version = known[0].cards[PROMPT_POLICY]
    metrics = {(metric.name, metric.of): metric for metric in read_card(lake, PROMPT_POLICY, version).metrics}
    for (name, of), now in metrics.items():
        before, people = metrics.get((name, PRIOR)), metrics.get((name, PEOPLE))
        if of == version and before is not None:
            yield Belief(
                name.removeprefix(_REWARD_WITH), Interval(before.value, before.low, before.high),
                Interval(now.value, now.low, now.high), 0 if people is None else people.n_rows or 0,
            )  # fmt: skip


def _plain(sentence: str) -> str:
    """Without the marks that keep a foreign name from turning the direction of a line."""
    return sentence.replace("\u2068", "").replace("\u2069", "")


def _named(one: ReleaseState) -> tuple[str, str]:
    """What a proposal is called on the page, and what it is made of."""
    return one.proposal.note.removesuffix(".") or one.proposal.title, one.proposal.title


def _days(plan: Plan, at: dt.datetime) -> float:
    return (at - plan.midnight(0)) / dt.timedelta(days=1)
