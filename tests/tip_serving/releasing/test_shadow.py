"""The shadow run: what it tells, by hand and through whole runs, and what refuses an arm that nobody has seen yet."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.releases import QUICK, START, House

from tip_serving.events.exposure import ShadowResult
from tip_serving.releasing.advancing import advance, advance_all
from tip_serving.releasing.outcomes import Decided, Decision
from tip_serving.releasing.plan import RolloutPlan, ShadowLimits
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.shadowing import findings, shadow_run
from tip_serving.releasing.state import Phase, ReleaseState, state
from tip_serving.releasing.step import Finding, Outcome

LATER = START + dt.timedelta(days=3)
PLAN = QUICK.model_copy(update={"auto_approve": False})


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def decision(number: int, *, took: bool = False, first: int = 0, shadow: tuple[Any, ...] = (), **told: Any) -> Decision:
    """One decision between two tips, with what the arm `x` said of it."""
    exposure = Decided(
        arm="default", kind="score", manifest_version="m", tip_ids=("a", "b"), order=(first, 1 - first),
        propensities=(0.5, 0.5), scores=(0.5, 0.3), latency_ms=5.0, shadow=shadow,
    )  # fmt: skip
    reactions = {"accepted_at": START + dt.timedelta(minutes=1)} if took else {}
    return Decision(f"u{number}", START, exposure, reactions | told)


def said(**changes: Any) -> tuple[ShadowResult, ...]:
    plain = {"arm": "x", "scores": (0.6, 0.4), "propensities": (0.8, 0.2), "latency_ms": 1.0}
    return (ShadowResult(**{**plain, **changes}),)


def told(decisions: Iterable[Decision], plan: RolloutPlan = PLAN, *, is_same_scale: bool = True) -> dict[str, Finding]:
    found = findings(shadow_run(decisions, "x"), plan, LATER, is_same_scale=is_same_scale)
    return {one.name: one for one in found}


def test_agreement_shift_latency_and_errors_by_hand() -> None:
    agree = [decision(n, shadow=said()) for n in range(6)]
    apart = [decision(n, shadow=said(propensities=(0.2, 0.8), scores=(0.1, 0.2))) for n in range(3)]
    found = told([*agree, *apart, decision(9, shadow=said(scores=(), propensities=(), error="ValueError"))])
    # The favourite of the champion is the first of two alike; both show the same tip in half of all cases.
    assert found["agreement"].numbers == {"favourite": pytest.approx(6 / 9), "shown": 0.5, "limit": 0.0, "n": 9.0}
    assert found["score shift"].numbers["mean"] == pytest.approx((6 * 0.1 + 3 * -0.25) / 9)
    assert found["latency"].numbers["p95_ms"] == 1.0
    assert found["latency"].numbers["champion_p95_ms"] == 5.0
    assert found["errors"].numbers["share"] == pytest.approx(0.1)
    assert "It failed on 1 of 10 decisions (ValueError)" in found["errors"].sentence
    assert found["errors"].outcome is Outcome.UNDETERMINED, "one of ten may be chance"


def test_requests_that_the_shadow_was_not_asked_about_are_counted_apart() -> None:
    run = shadow_run([decision(1, shadow=said()), decision(2), decision(3, shadow=said(arm="other"))], "x")
    assert (run.n_both, run.n_unasked) == (1, 2)


def test_an_arm_that_always_errs_fails_after_a_few_and_one_that_seldom_does_keeps_its_limit() -> None:
    broken = said(scores=(), propensities=(), error="ValueError")
    assert told([decision(n, shadow=broken) for n in range(6)])["errors"].outcome is Outcome.FAILED
    rare = [decision(n, shadow=broken if n == 0 else said()) for n in range(1_500)]
    assert told(rare)["errors"].outcome is Outcome.PASSED


def test_scores_of_the_default_rule_are_no_rewards_and_judge_nothing() -> None:
    far = [decision(n, shadow=said(scores=(0.9, 0.9))) for n in range(20)]
    assert told(far)["score shift"].outcome is Outcome.FAILED
    assert told(far, is_same_scale=False)["score shift"].outcome is Outcome.NOT_MEASURED


def test_too_little_agreement_fails_where_the_plan_asks_for_some() -> None:
    apart = [decision(n, shadow=said(propensities=(0.2, 0.8))) for n in range(20)]
    asking = PLAN.model_copy(update={"shadow": ShadowLimits(min_agreement=0.5)})
    assert told(apart)["agreement"].outcome is Outcome.PASSED
    assert told(apart, asking)["agreement"].outcome is Outcome.FAILED


def test_the_implied_value_is_that_of_the_champions_rewards_where_both_might_agree() -> None:
    rng = np.random.default_rng(2)

    def world(liked: int, n: int = 1_500) -> list[Decision]:
        firsts = rng.integers(2, size=n)
        took = rng.random(n) < np.where(firsts == liked, 0.8, 0.2)
        return [
            decision(k, first=int(first), took=bool(good), shadow=said())
            for k, (first, good) in enumerate(zip(firsts, took, strict=True))
        ]

    good, bad = told(world(0))["implied value"], told(world(1))["implied value"]
    # It shows the first tip in 80 % of cases, the champion in half: a gain of 0.3 * 0.6, or as great a loss.
    assert good.numbers["gain"] == pytest.approx(0.18, abs=0.04)
    assert (good.outcome, bad.outcome) == (Outcome.PASSED, Outcome.FAILED)
    assert "a loss of 0.1 may be" in bad.sentence


def test_rewards_that_are_not_known_yet_imply_nothing() -> None:
    found = findings(
        shadow_run([decision(n, shadow=said()) for n in range(9)], "x"), PLAN, START + dt.timedelta(hours=5),
        is_same_scale=True,
    )  # fmt: skip
    assert next(one for one in found if one.name == "implied value").outcome is Outcome.NOT_MEASURED


def shadowed(house: House, n: int, hours: float, **changes: Any) -> ReleaseState:
    """A candidate after so many decisions in so many hours."""
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, PLAN)
    advance_all(house.lake, house.sources, START)
    house.live(START + dt.timedelta(hours=0.1), 1, n, shadow=changes)
    advance_all(house.lake, house.sources, START + dt.timedelta(hours=hours))
    return state(house.lake, made.proposal_id)


def test_it_is_over_only_after_decisions_and_hours(house: House) -> None:
    found = shadowed(house, 400, 1.5)
    assert found.phase is Phase.SHADOW
    said = advance(house.lake, found.proposal_id, house.sources, START + dt.timedelta(hours=1.5))
    assert said.words == "400 decisions, 1.5 of 2 hours"
    advance_all(house.lake, house.sources, START + dt.timedelta(hours=2.5))
    assert state(house.lake, found.proposal_id).phase is Phase.APPROVAL


def test_few_decisions_are_not_enough_however_long_it_takes(house: House) -> None:
    assert shadowed(house, 150, 500).phase is Phase.SHADOW


def test_without_a_decision_it_says_under_which_manifest_it_waits(house: House) -> None:
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, PLAN)
    advance_all(house.lake, house.sources, START)
    said = advance(house.lake, made.proposal_id, house.sources, START)
    assert said.words == f"no decision under manifest {made.proposal_id}-2 has been answered in the shadow yet"


def test_an_arm_that_breaks_in_the_shadow_is_refused_before_its_time(house: House) -> None:
    found = shadowed(house, 20, 1.1, scores=(), propensities=(), error="ModelError")
    assert found.phase is Phase.REFUSED
    assert "errors: fail. It failed on 20 of 20 decisions (ModelError)" in found.reason
    assert [arm.name for arm in house.manifest.arms] == ["default"], "it is asked no more"


def test_an_arm_that_is_slow_in_the_shadow_is_refused(house: House) -> None:
    found = shadowed(house, 60, 1.1, latency_ms=400.0)
    assert found.phase is Phase.REFUSED
    assert "latency: fail. It scored in 400.0 ms (p95), where the champion's whole answers took 3.0 ms" in found.reason
