"""Guardrails of a stage: by hand, in what they cannot know, and over whole rollouts how often they are wrong."""

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from support.releases import START

from tip_serving.releasing.harm import Measured, alarm_error, finding
from tip_serving.releasing.outcomes import SCHEMA
from tip_serving.releasing.plan import Guardrails, RolloutPlan
from tip_serving.releasing.step import Finding, Outcome
from tip_serving.releasing.watching import Stage, findings

PLAN = RolloutPlan(
    stages=(0.1, 0.5, 1.0), min_decisions_per_stage=400,
    guardrails=Guardrails(reward=0.08, early_reward=0.08, dismissed=0.08, errors=0.03, slow=0.03),
)  # fmt: skip
LATER = START + dt.timedelta(days=9)


def arm(values: list[int], name: str = "u", per_user: int = 1) -> pl.DataFrame:
    users = [f"{name}{row // per_user}" for row in range(len(values))]
    return pl.DataFrame({"user": users, "value": [float(value) for value in values]})


def measured(control: pl.DataFrame, treatment: pl.DataFrame, margin: float = 0.1, **changes: bool) -> Measured:
    kind = {"is_higher_better": False, "is_technical": False, **changes}
    return Measured("metric", control, treatment, margin, **kind)


def test_an_arm_in_which_everybody_is_harmed_fails_after_a_dozen_people() -> None:
    few = finding(measured(arm([0] * 40), arm([1] * 4, "v")), PLAN, 1_000)
    assert few.outcome is Outcome.UNDETERMINED
    found = finding(measured(arm([0] * 40), arm([1] * 14, "v")), PLAN, 1_000)
    assert found.outcome is Outcome.FAILED
    assert found.sentence.startswith("metric: fail. Worse by at least")
    assert "(champion 0.00% in 40 decisions of 40 users; this arm 100.00% in 14 decisions" in found.sentence


def test_harm_of_what_should_be_high_is_its_lack() -> None:
    fell = finding(measured(arm([1] * 60), arm([0] * 60, "v"), is_higher_better=True), PLAN, 1_000)
    assert fell.outcome is Outcome.FAILED
    rose = finding(measured(arm([0] * 60), arm([1] * 60, "v"), is_higher_better=True), PLAN, 1_000)
    assert rose.outcome is Outcome.PASSED
    assert rose.numbers["harm_at_most"] is not None
    assert rose.numbers["harm_at_most"] < 0, "a gain"


def test_what_one_person_does_a_thousand_times_is_one_persons() -> None:
    one = arm([1] * 1_000, "v", per_user=1_000)
    assert finding(measured(arm([0] * 1_000), one), PLAN, 1_000).outcome is Outcome.UNDETERMINED
    many = arm([1] * 1_000, "v", per_user=10)
    assert finding(measured(arm([0] * 1_000), many), PLAN, 1_000).outcome is Outcome.FAILED


def test_what_is_technical_is_ruled_out_by_decisions_while_it_shows_no_clusters() -> None:
    quiet, still = arm([0] * 4_000, per_user=40), arm([0] * 4_000, "v", per_user=40)
    assert finding(measured(quiet, still, 0.02, is_technical=True), PLAN, 1_000).outcome is Outcome.PASSED
    assert finding(measured(quiet, still, 0.02), PLAN, 1_000).outcome is Outcome.UNDETERMINED
    apart = arm(([1] + [0] * 1_999) * 2, "v", per_user=40)
    assert finding(measured(quiet, apart, 0.02, is_technical=True), PLAN, 1_000).outcome is Outcome.PASSED
    together = arm([1, 1] + [0] * 3_998, "v", per_user=40)
    assert finding(measured(quiet, together, 0.02, is_technical=True), PLAN, 1_000).outcome is Outcome.UNDETERMINED


def test_a_handful_of_people_who_have_it_tell_no_spread() -> None:
    control, few = arm([0] * 4_000, per_user=20), arm(([0] * 9 + [1] * 3 + [0] * 988) * 4, "v", per_user=20)
    assert finding(measured(control, few, 0.02), PLAN, 1_000).outcome is Outcome.UNDETERMINED
    many = arm(([0] * 9 + [1] + [0] * 90) * 40, "v", per_user=20)
    assert finding(measured(control, many, 0.02), PLAN, 1_000).outcome is Outcome.PASSED


def test_the_error_rate_is_shared_by_all_alarms_of_all_stages() -> None:
    assert alarm_error(PLAN) == pytest.approx(0.05 / 18)


def test_the_answer_does_not_hang_on_the_order_of_users_or_their_names() -> None:
    rng = np.random.default_rng(4)
    control, treatment = arm(list(rng.integers(0, 2, 900)), per_user=3), arm(list(rng.integers(0, 2, 900)), "v", 3)
    there = finding(measured(control, treatment), PLAN, 1_000)
    shuffled = treatment.with_columns(pl.col("user").str.reverse()).sort("user", maintain_order=True)
    found = finding(measured(control, shuffled), PLAN, 1_000)
    assert (found.outcome, found.sentence) == (there.outcome, there.sentence)
    assert found.numbers == pytest.approx(there.numbers)


def lived(
    rng: np.random.Generator, share: float, rates: tuple[float, float], n: int = 1_600, n_users: int = 400
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One stage of people who differ, by arm: each asks often or seldom, and likes tips more or less."""
    of_arm = rng.random(n_users) < share
    taste = rng.beta(4, 6, n_users) - 0.4
    activity = rng.gamma(1.0, 1.0, n_users)
    users = rng.choice(n_users, n, p=activity / activity.sum())
    hours = np.sort(rng.uniform(0, 100, n))
    wanted = np.clip(np.where(of_arm[users], rates[1], rates[0]) + taste[users], 0, 1)
    took = rng.random(n) < wanted
    at = [START + dt.timedelta(hours=float(hour)) for hour in hours]
    soon = dt.timedelta(minutes=3)
    table = pl.DataFrame(
        {
            **dict.fromkeys(SCHEMA), "user": [f"u{user}" for user in users], "arm": np.where(of_arm[users], "b", "a"),
            "kind": ["score"] * n, "at": at, "latency_ms": np.where(rng.random(n) < 0.002, 90.0, 4.0),
            "error": [None if one else "E" for one in rng.random(n) > 0.001],
            "accepted_at": [one + soon if good else None for one, good in zip(at, took, strict=True)],
            "dismissed_at": [one + soon if bad else None for one, bad in zip(at, rng.random(n) < 0.1, strict=True)],
        },
        SCHEMA,
    )  # fmt: skip
    return table.filter(pl.col("arm") == "a"), table.filter(pl.col("arm") == "b")


def failures(rng: np.random.Generator, plan: RolloutPlan, rates: tuple[float, float]) -> list[str]:
    """What ended a rollout of two stages that is looked at every few hours; nothing where nothing did."""
    for share in (0.1, 0.5):
        control, treatment = lived(rng, share, rates)
        for hours in range(6, 127, 12):
            now = START + dt.timedelta(hours=hours)
            known = [table.filter(pl.col("at") <= now) for table in (control, treatment)]
            found = findings(Stage(*known, share, is_concurrent=True), plan, now)
            if failed := [one.name for one in found if one.outcome is Outcome.FAILED]:
                return failed
    return []


def test_a_stage_tells_all_guardrails_and_the_numbers_of_users() -> None:
    control, treatment = lived(np.random.default_rng(1), 0.5, (0.4, 0.4))
    found = {one.name: one for one in findings(Stage(control, treatment, 0.5, is_concurrent=True), PLAN, LATER)}
    assert list(found) == ["errors", "slow", "reward", "early reward", "dismissed", "sample ratio"]
    assert found["reward"].numbers["champion"] == pytest.approx(0.4, abs=0.06)
    assert found["reward"].numbers["n_champion"] == control.height
    last = findings(Stage(control, treatment, 1.0, is_concurrent=False), PLAN, LATER)
    assert [one.name for one in last] == ["errors", "slow"], "the days differ, so what people do is not compared"


def test_young_decisions_do_not_count_for_rewards_yet() -> None:
    control, treatment = lived(np.random.default_rng(1), 0.5, (0.4, 0.4))
    now = START + dt.timedelta(hours=50)

    def n_read(name: str) -> float | None:
        found = findings(Stage(control, treatment, 0.5, is_concurrent=True), PLAN, now)
        return next(one for one in found if one.name == name).numbers["n_this_arm"]

    assert n_read("reward") == treatment.filter(pl.col("at") <= now - dt.timedelta(hours=24)).height
    assert n_read("early reward") == treatment.filter(pl.col("at") <= now - dt.timedelta(hours=1)).height


def outcome_of(found: tuple[Finding, ...], name: str) -> Outcome:
    return next(one.outcome for one in found if one.name == name)


@pytest.mark.parametrize(("n_of_arm", "outcome"), [(200, Outcome.PASSED), (130, Outcome.FAILED), (280, Outcome.FAILED)])
def test_users_dealt_otherwise_than_the_stage_says_are_found(n_of_arm: int, outcome: Outcome) -> None:
    control, treatment = lived(np.random.default_rng(1), 0.5, (0.4, 0.4))
    both = [
        pl.concat([table] * 2).head(n).with_columns(user=pl.Series([f"{name}{row}" for row in range(n)]))
        for name, table, n in (("a", control, 400 - n_of_arm), ("b", treatment, n_of_arm))
    ]
    assert outcome_of(findings(Stage(*both, 0.5, is_concurrent=True), PLAN, LATER), "sample ratio") is outcome


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "n_rollouts"), [(0.0, 50), (0.08, 50)])
def test_arms_that_keep_their_margins_are_rolled_back_no_more_often_than_promised(loss: float, n_rollouts: int) -> None:
    promised = 0.2
    rails = PLAN.guardrails.model_copy(update={"max_false_rollbacks": promised})
    plan, rng = PLAN.model_copy(update={"guardrails": rails}), np.random.default_rng(5)
    wrong = sum(bool(failures(rng, plan, (0.4, 0.4 - loss))) for _ in range(n_rollouts))
    assert wrong / n_rollouts <= promised + 2 * math.sqrt(promised * (1 - promised) / n_rollouts)


@pytest.mark.slow
def test_arms_that_harm_are_caught() -> None:
    rng = np.random.default_rng(6)
    caught = [failures(rng, PLAN, (0.45, 0.12)) for _ in range(20)]
    assert sum(bool({"reward", "early reward"} & set(names)) for names in caught) >= 18
