"""How much worse an arm is than the champion in one respect, whichever moment one looks.

Harm is told twice. It ends a rollout where it is certain enough that, over all guardrails, stages and looks together,
arms that keep their margins are rolled back in at most `max_false_rollbacks` of rollouts; it is ruled out at the plan's
`confidence`. Units are people: errors of means are clustered by them, and exact bounds count each once, by the first
decision of the stage.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from tip_experiments.stats.clustered import clustered_mean
from tip_experiments.stats.guardrails import Guardrail, guarded
from tip_experiments.stats.moments import ArmEstimate, Proportion
from tip_experiments.stats.sequential import ConfidenceSequence, SideBounds
from tip_experiments.stats.share_bounds import ShareBounds
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.step import Finding, Outcome

N_ALARMS = 6
"""Reward, early reward, dismissals, errors, slow answers and the numbers of users share the error rate."""
BURN_IN = 200
"""Decisions of both arms below which spreads say nothing."""
ENOUGH_TO_SPREAD = 20
"""Users with it, and users without, below which a standard error promises too much."""
_UNKNOWN = SideBounds(None, None)


class Measured(NamedTuple):
    """One outcome per decision, 0 or 1: columns `user` and `value`."""

    name: str
    control: pl.DataFrame
    treatment: pl.DataFrame
    margin: float
    is_higher_better: bool
    is_technical: bool
    """Whether it hangs on the request more than on who asks."""


def alarm_error(plan: RolloutPlan) -> float:
    """The error rate of one alarm in one stage."""
    return plan.guardrails.max_false_rollbacks / (len(plan.stages) * N_ALARMS)


def finding(measured: Measured, plan: RolloutPlan, planned_n: int) -> Finding:
    """What is known of the harm.

    Args:
        measured: both arms.
        plan: says how certain is certain.
        planned_n: decisions of both arms at which bounds shall be narrowest.
    """
    name, margin = measured.name, measured.margin
    alarm = _harm(measured, alarm_error(plan), planned_n, plan.guardrails.min_users)
    calm = _harm(measured, 1 - plan.guardrails.confidence, planned_n, plan.guardrails.min_users)
    told = calm
    if alarm.at_least is not None and alarm.at_least > margin:
        outcome, told = Outcome.FAILED, alarm
        words = f"fail. Worse by at least {alarm.at_least:.2%}, {margin:.2%} may be"
    elif calm.at_most is not None and calm.at_most < margin:
        outcome = Outcome.PASSED
        words = f"pass. Worse by at most {calm.at_most:.2%}, {margin:.2%} may be"
    else:
        outcome = Outcome.UNDETERMINED
        words = f"not yet. Worse by between {calm.at_least:.2%} and {calm.at_most:.2%}, {margin:.2%} may be"
    told_of = [f"{who} {_told(table)}" for who, table in zip(("champion", "this arm"), measured[1:3], strict=True)]
    numbers = {
        "champion": _mean(measured.control), "this_arm": _mean(measured.treatment), "margin": margin,
        "harm_at_least": told.at_least, "harm_at_most": told.at_most,
        "n_champion": float(measured.control.height), "n_this_arm": float(measured.treatment.height),
    }  # fmt: skip
    return Finding(name=name, outcome=outcome, sentence=f"{name}: {words} ({'; '.join(told_of)})", numbers=numbers)


def _harm(measured: Measured, error: float, planned_n: int, min_users: int) -> SideBounds:
    """By how much the treatment is worse, at least and at most, each at the error rate: of two kinds, the narrower."""
    by_spread = _harm_by_spread(measured, error / 2, planned_n, min_users)
    by_count = _harm_by_count(measured, error / 2)
    return SideBounds(
        max(bound for bound in (by_count.at_least, by_spread.at_least) if bound is not None),
        min(bound for bound in (by_count.at_most, by_spread.at_most) if bound is not None),
    )


def _harm_by_count(measured: Measured, error: float) -> SideBounds:
    """Exact, whether hardly anybody has it or everybody: each user counts once.

    Where what is technical shows no clusters, each time another user, all decisions count instead: else a hundred
    people could never rule out what happens once in a thousand requests.
    """
    tables: Sequence[pl.DataFrame] = measured[1:3]
    if not (measured.is_technical and all(_n_affected(table) == table["value"].sum() for table in tables)):
        tables = [table.group_by("user", maintain_order=True).first() for table in tables]
    control, treatment = (Proportion(int(table["value"].sum()), table.height) for table in tables)
    if measured.is_higher_better:
        control, treatment = treatment, control  # harm is what the treatment lacks
    return ShareBounds(1 - error).harm(control, treatment)


def _n_affected(table: pl.DataFrame) -> int:
    """Users with at least one."""
    return table.filter(pl.col("value") > 0)["user"].n_unique()


def _harm_by_spread(measured: Measured, error: float, planned_n: int, min_users: int) -> SideBounds:
    tables = measured[1:3]
    users = (
        pl.concat(tables).group_by("user").agg(pl.col("value").max().alias("any"), pl.col("value").min().alias("all"))
    )
    n_told = min(int((users["any"] > 0).sum()), int((users["all"] < 1).sum()))
    if min(table["user"].n_unique() for table in tables) < min_users or n_told < ENOUGH_TO_SPREAD:
        return _UNKNOWN
    rail = Guardrail(measured.name, measured.margin, is_higher_better=measured.is_higher_better)
    control, treatment = map(_estimate, tables)
    verdict = guarded(rail, control, treatment, ConfidenceSequence(max(planned_n, BURN_IN), 1 - error, BURN_IN))
    return SideBounds(verdict.harm_at_least, verdict.harm_at_most)


def _estimate(table: pl.DataFrame) -> ArmEstimate:
    """The mean over decisions with its error over users; decisions are counted, since they are what grows."""
    found = clustered_mean(table["value"].to_numpy(), table["user"].to_numpy())
    assert found is not None  # noqa: S101  there are users
    return ArmEstimate(found.mean, found.standard_error or 0.0, found.n)


def _mean(table: pl.DataFrame) -> float | None:
    return float(table["value"].to_numpy().mean()) if table.height else None


def _told(table: pl.DataFrame) -> str:
    mean = _mean(table)
    counted = f"{table.height:,} decisions of {table['user'].n_unique():,} users"
    return counted if mean is None else f"{mean:.2%} in {counted}"
