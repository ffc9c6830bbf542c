"""Plans against statsmodels, by simulation, and what they refuse."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import power_proportions_2indep, samplesize_proportions_2indep_onetail

from tip_experiments.stats.planning import (
    Design,
    Plan,
    days_for,
    power_of_means,
    power_of_proportions,
    smallest_effect_of_means,
    units_for_means,
    units_for_proportions,
)


@pytest.mark.parametrize("effect", [0.05, -0.2, 0.5, 1.2])
@pytest.mark.parametrize("ratio", [1.0, 0.5, 3.0])
def test_units_for_means_are_those_of_the_t_test(effect: float, ratio: float) -> None:
    plan = units_for_means(Design(treatment_per_control=ratio), effect * 7, 7.0, 0.9)
    reference = TTestIndPower().solve_power(abs(effect), power=0.9, alpha=0.05, ratio=ratio)
    assert plan.n_control == pytest.approx(reference, abs=1.01)
    assert plan.power >= 0.9
    assert plan.n_total == plan.n_control + plan.n_treatment


@pytest.mark.parametrize("n", [3, 40, 4_000, 200_000])
def test_power_of_means_is_that_of_the_t_test(n: int) -> None:
    for effect in (0.01, 0.3, 2.0):
        reference = TTestIndPower().power(effect, n, 0.05)
        expected = 1.0 if np.isnan(reference) else reference  # theirs is NaN where the power is 1 in all digits
        assert power_of_means(Design(), effect, 1.0, n) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("baseline", "effect"), [(0.05, 0.01), (0.5, -0.1), (0.02, 0.02)])
def test_units_for_proportions_are_those_of_the_z_test(baseline: float, effect: float) -> None:
    plan = units_for_proportions(Design(), baseline, effect)
    reference = samplesize_proportions_2indep_onetail(effect, baseline, 0.8)
    assert plan.n_control == pytest.approx(reference, abs=1.01)
    assert power_of_proportions(Design(), baseline, effect, 500) == pytest.approx(
        power_proportions_2indep(effect, baseline, 500, return_results=False), abs=1e-9
    )


def test_planned_units_find_the_effect_as_often_as_planned() -> None:
    rng = np.random.default_rng(9)
    plan = units_for_means(Design(), 0.5, 1.0)
    control, treatment = rng.normal(0, 1, (4_000, plan.n_control)), rng.normal(0.5, 1, (4_000, plan.n_treatment))
    found = stats.ttest_ind(control, treatment, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_no_fewer_units_would_do() -> None:
    design = Design(n_treatments=3, treatment_per_control=0.6)
    plan = units_for_means(design, 0.4, 1.0)
    assert power_of_means(design, 0.4, 1.0, plan.n_control - 1) < 0.8 <= plan.power
    assert plan.n_total == plan.n_control + 3 * plan.n_treatment


def test_several_treatments_share_the_level() -> None:
    three = units_for_proportions(Design(n_treatments=3), 0.1, 0.02)
    strict = units_for_proportions(Design(level=1 - 0.05 / 3), 0.1, 0.02)
    assert (three.n_control, three.n_treatment) == (strict.n_control, strict.n_treatment)
    assert three.n_total == 4 * three.n_control


def test_the_smallest_effect_is_the_one_that_the_plan_was_made_for() -> None:
    plan = units_for_means(Design(), 0.25, 2.0)
    assert smallest_effect_of_means(Design(), 2.0, plan.n_control) == pytest.approx(0.25, rel=2e-3)
    assert power_of_means(Design(), smallest_effect_of_means(Design(), 2.0, 50), 2.0, 50) == pytest.approx(0.8)


def test_days_are_whole_weeks() -> None:
    plan = Plan(500, 500, 1_000, 0.8)
    assert days_for(plan, 1_000) == 7
    assert days_for(plan, 142.0) == 14
    assert days_for(plan, 1_000, coverage=0.1) == 14
    with pytest.raises(ValueError, match=r"units_per_day is 0.*coverage is 2"):
        days_for(plan, 0, 2)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"effect is 0.*power is 1.*standard_deviation is -1"):
        units_for_means(Design(), 0, -1, 1)
    with pytest.raises(ValueError, match=r"baseline \+ effect is 1.2"):
        units_for_proportions(Design(), 0.9, 0.3)
    with pytest.raises(ValueError, match="more than 10"):
        units_for_means(Design(), 1e-9, 1.0)
    with pytest.raises(ValueError, match=r"level must lie.*n_treatments is 0.*treatment_per_control is 0"):
        Design(1.0, 0, 0)
    with pytest.raises(ValueError, match=r"n_control is 1, .*standard_deviation is 0.*effect is nan"):
        power_of_means(Design(), float("nan"), 0.0, 1)
    with pytest.raises(ValueError, match=r"n_control is 0.*baseline is 0"):
        power_of_proportions(Design(), 0.0, 0.1, 0)
    with pytest.raises(ValueError, match=r"power 0.04 is not above .*n_control is 1"):
        smallest_effect_of_means(Design(), 1.0, 1, 0.04)
