"""What a demo keeps of itself: its plan, and the steps that are done."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from tip_assets.demo.journal import Journal
from tip_assets.demo.plan import Plan, PlanError, begin


class Result(BaseModel):
    n: int


def test_a_step_is_taken_once_and_its_result_is_kept(tmp_path: Path) -> None:
    taken: list[int] = []

    def act() -> Result:
        taken.append(1)
        return Result(n=len(taken))

    assert [Journal(tmp_path).once("step", Result, act).n for _ in range(3)] == [1, 1, 1]
    assert Journal(tmp_path).once("another", Result, act).n == 2


def test_a_step_that_died_is_taken_again(tmp_path: Path) -> None:
    def die() -> Result:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        Journal(tmp_path).once("step", Result, die)
    assert Journal(tmp_path).read("step", Result) is None
    assert Journal(tmp_path).once("step", Result, lambda: Result(n=5)).n == 5


def test_a_demo_goes_on_with_its_own_plan_and_refuses_another(tmp_path: Path) -> None:
    plan = Plan(seed=1, n_days=5, n_people=30)
    assert begin(tmp_path, plan) == plan
    assert begin(tmp_path, plan) == plan
    with pytest.raises(PlanError, match="began with seed 1, n_days 5, n_people 30"):
        begin(tmp_path, plan.model_copy(update={"seed": 2}))
    assert begin(tmp_path, plan) == plan
