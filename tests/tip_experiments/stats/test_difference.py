"""Differences and lifts against scipy and statsmodels, and how often their intervals hold."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tip_experiments.stats.difference import difference, difference_of_proportions, relative_lift, wilson
from tip_experiments.stats.moments import ArmEstimate, CloseToZeroError, Moments, Proportion


@pytest.mark.parametrize("seed", range(5))
def test_a_difference_of_means_is_welchs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    control, treatment = rng.normal(1, 1, 10 + 7 * seed), rng.normal(1.3, 3, 40)
    found = difference(Moments.of(control).estimate(), Moments.of(treatment).estimate(), 0.9)
    reference = stats.ttest_ind(treatment, control, equal_var=False)
    interval = reference.confidence_interval(0.9)
    assert found.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert found.n == control.size + 40


@pytest.mark.parametrize(
    ("control", "treatment"), [((0, 20), (3, 25)), ((5, 50), (1, 40)), ((480, 1000), (530, 1000)), ((10, 10), (0, 10))]
)
def test_a_difference_of_proportions_is_newcombes(control: tuple[int, int], treatment: tuple[int, int]) -> None:
    found = difference_of_proportions(Proportion(*control), Proportion(*treatment))
    low, high = confint_proportions_2indep(*treatment, *control, method="newcomb")
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
    assert wilson(Proportion(*control), stats.norm.isf(0.025)) == pytest.approx(
        proportion_confint(*control, method="wilson"), abs=1e-12
    )


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.999])
def test_the_p_value_and_the_interval_of_proportions_never_disagree(level: float) -> None:
    for successes in range(31):
        found = difference_of_proportions(Proportion(9, 40), Proportion(successes, 30), level)
        assert found.low is not None
        assert found.high is not None
        assert found.p_value is not None
        assert (found.low > 0 or found.high < 0) is (found.p_value < 1 - level)


def test_shares_too_far_apart_for_any_doubt_have_a_p_value_of_0() -> None:
    assert difference_of_proportions(Proportion(0, 100_000), Proportion(100_000, 100_000)).p_value == 0
    assert difference_of_proportions(Proportion(3, 10), Proportion(6, 20)).p_value == 1


def test_swapping_the_arms_turns_the_difference_around() -> None:
    one, other = Proportion(3, 40), Proportion(11, 60)
    there, back = difference_of_proportions(one, other), difference_of_proportions(other, one)
    assert there.low is not None
    assert back.high is not None
    assert (there.value, there.low) == (pytest.approx(-back.value), pytest.approx(-back.high))
    assert there.p_value == pytest.approx(back.p_value)


def test_by_hand_a_lift_of_a_quarter() -> None:
    found = relative_lift(ArmEstimate(4.0, 0.3, 10_000), ArmEstimate(5.0, 0.4, 10_000))
    # variance 0.4^2 / 16 + 25 * 0.3^2 / 256
    assert found.value == 0.25
    assert found.standard_error == pytest.approx(math.sqrt(0.16 / 16 + 25 * 0.09 / 256))


def test_a_lift_has_no_unit_and_turns_with_the_sign_of_its_baseline() -> None:
    control, treatment = ArmEstimate(4.0, 0.2, 100), ArmEstimate(5.0, 0.4, 100)
    plain = relative_lift(control, treatment)
    for factor in (1e-6, 250.0, -3.0):
        scaled = [
            ArmEstimate(arm.value * factor, arm.standard_error * abs(factor), 100) for arm in (control, treatment)
        ]
        assert relative_lift(*scaled) == pytest.approx(plain)


def test_a_lift_over_a_baseline_that_could_be_0_is_refused_in_words() -> None:
    with pytest.raises(CloseToZeroError, match=r"A relative lift cannot be told: its denominator 0.7 .*more than 50"):
        relative_lift(ArmEstimate(0.7, 0.1, 50), ArmEstimate(1.0, 0.1, 50))
    with pytest.raises(CloseToZeroError):
        relative_lift(ArmEstimate(0.0, 0.0, 50), ArmEstimate(1.0, 0.1, 50))


def test_arms_that_do_not_vary_have_a_difference_without_interval() -> None:
    found = difference(Moments.of(np.ones(5)).estimate(), Moments.of(np.ones(5)).estimate())
    assert (found.value, found.low, found.high, found.p_value) == (0.0, None, None, None)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"level must lie.*the control is nan.*the treatment has 1 units"):
        difference(ArmEstimate(math.nan, 1.0, 5), ArmEstimate(1.0, 1.0, 1), level=1.5)


@pytest.mark.parametrize(("n", "share"), [(30, 0.1), (200, 0.02), (1_000, 0.5)])
def test_intervals_of_proportions_cover(n: int, share: float) -> None:
    # Exactly, over all outcomes of both arms rather than by draws.
    lift = 0.3 * share
    by_control = stats.binom.pmf(np.arange(n + 1), n, share)
    by_treatment = stats.binom.pmf(np.arange(n + 1), n, share + lift)
    covered = 0.0
    likely = [np.flatnonzero(pmf > 1e-7) for pmf in (by_control, by_treatment)]
    step = 4 if n == 1_000 else 1  # every fourth outcome is enough of many
    for c in likely[0][::step]:
        for t in likely[1][::step]:
            found = difference_of_proportions(Proportion(int(c), n), Proportion(int(t), n))
            assert found.low is not None
            assert found.high is not None
            if found.low <= lift <= found.high:
                covered += by_control[c] * by_treatment[t] * step**2
    assert 0.94 <= covered <= 0.98


@pytest.mark.slow
def test_lifts_that_are_reported_are_wrong_no_more_often_than_they_claim() -> None:
    rng = np.random.default_rng(3)
    runs = 3_000
    for distance, lift in ((6, 0.5), (8, 0.5), (12, 0.0), (40, 0.2)):
        wrong = 0
        for _ in range(runs):
            control = ArmEstimate(1 + rng.normal() / distance, 1 / distance, 10_000)
            treatment = ArmEstimate(1 + lift + rng.normal() / distance, 1 / distance, 10_000)
            try:
                found = relative_lift(control, treatment)
            except CloseToZeroError:
                continue
            assert found.low is not None
            assert found.high is not None
            wrong += not found.low <= lift <= found.high
        assert wrong / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
