"""Whether a stage harms people: which guardrails there are, read off decisions, and the numbers of users."""

import datetime as dt
import math
from typing import NamedTuple

import polars as pl

from tip_experiments.stats.share_bounds import log_evidence
from tip_serving.releasing.harm import Measured, alarm_error, finding
from tip_serving.releasing.outcomes import rewarded
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.step import Finding, Outcome
from tip_serving.training.reward import WINDOW


class Stage(NamedTuple):
    """What was decided in one stage, by arm; tables of `outcomes.SCHEMA`."""

    control: pl.DataFrame
    treatment: pl.DataFrame
    share: float
    """Of all users that the treatment has."""
    is_concurrent: bool
    """Whether both arms were dealt at the same time; else the control is the stage before, and only what does not
    hang on the day is compared."""


def findings(stage: Stage, plan: RolloutPlan, now: dt.datetime) -> tuple[Finding, ...]:
    """Every guardrail as it stands at `now`."""
    planned_n = math.ceil(plan.min_decisions_per_stage / stage.share)
    found = [finding(_errors(stage, plan), plan, planned_n), _slow(stage, plan, planned_n)]
    if stage.is_concurrent:
        found += [finding(measured, plan, planned_n) for measured in _reactions(stage, plan, now)]
        found.append(_sample_ratio(stage, plan))
    return tuple(found)


def _reactions(stage: Stage, plan: RolloutPlan, now: dt.datetime) -> list[Measured]:
    """What people did, by the decisions that they see: scored ones, and where there are none, generated ones."""
    rails = plan.guardrails
    early = dt.timedelta(hours=rails.early_hours)
    tables: tuple[pl.DataFrame, ...] = (stage.control, stage.treatment)
    if any((table["kind"] == "score").any() for table in tables):
        tables = tuple(table.filter(pl.col("kind") == "score") for table in tables)

    def measured(name: str, within: dt.timedelta, column: str, margin: float, *, is_higher_better: bool) -> Measured:
        value = pl.col(column).cast(pl.Float64).alias("value")
        control, treatment = (rewarded(table, now, within).select("user", value) for table in tables)
        return Measured(name, control, treatment, margin, is_higher_better, is_technical=False)

    return [
        measured("reward", WINDOW, "reward", rails.reward, is_higher_better=True),
        measured("early reward", early, "reward", rails.early_reward, is_higher_better=True),
        measured("dismissed", early, "is_dismissed", rails.dismissed, is_higher_better=False),
    ]


def _errors(stage: Stage, plan: RolloutPlan) -> Measured:
    """Decisions in which the arm failed."""
    value = pl.col("error").is_not_null().cast(pl.Float64).alias("value")
    control, treatment = (table.select("user", value) for table in (stage.control, stage.treatment))
    return Measured("errors", control, treatment, plan.guardrails.errors, is_higher_better=False, is_technical=True)


def _slow(stage: Stage, plan: RolloutPlan, planned_n: int) -> Finding:
    """Decisions that took too long; a server on the clock of its requests does not say."""
    rails = plan.guardrails
    limit = pl.when(pl.col("kind") == "score").then(rails.slow_score_ms).otherwise(rails.slow_generate_ms)
    value = (pl.col("latency_ms") > limit).cast(pl.Float64).alias("value")
    control, treatment = (
        table.drop_nulls("latency_ms").select("user", value) for table in (stage.control, stage.treatment)
    )
    if stage.treatment.height and not treatment.height:
        return Finding(
            name="slow", outcome=Outcome.NOT_MEASURED, numbers={"margin": rails.slow},
            sentence="slow: not measured. No decision of this stage says how long it took",
        )  # fmt: skip
    measured = Measured("slow", control, treatment, rails.slow, is_higher_better=False, is_technical=True)
    return finding(measured, plan, planned_n)


def _sample_ratio(stage: Stage, plan: RolloutPlan) -> Finding:
    """Whether users were dealt as the stage says; where not, nothing else can be trusted."""
    n_treatment = stage.treatment["user"].n_unique()
    n = stage.control["user"].n_unique() + n_treatment
    evidence = float(log_evidence(n_treatment, n, stage.share))
    is_off = evidence >= -math.log(alarm_error(plan))
    told = f"{n_treatment:,} of {n:,} users have this arm, where {stage.share:.1%} should"
    words = (
        f"fail. {told}: chance gives that, at any look, with a probability of at most {math.exp(-evidence):.2g}"
        if is_off
        else f"pass. {told}: chance explains that"
    )
    return Finding(
        name="sample ratio", outcome=Outcome.FAILED if is_off else Outcome.PASSED, sentence=f"sample ratio: {words}",
        numbers={"share": n_treatment / n if n else None, "expected": stage.share, "n_users": float(n)},
    )  # fmt: skip
