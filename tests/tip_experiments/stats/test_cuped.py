"""CUPED: unbiased, as narrow as the correlation allows, and it covers."""

import numpy as np
import pytest
import statsmodels.api as sm

from tip_experiments.stats.cuped import adjusted
from tip_experiments.stats.difference import difference
from tip_experiments.stats.moments import JointMoments


def _arms(rng: np.random.Generator, n: int, effect: float, slope: float) -> tuple[JointMoments, JointMoments]:
    x = rng.gamma(2.0, 2.0, 2 * n)
    y = 1 + slope * x + rng.normal(0, 1, 2 * n)
    y[n:] += effect
    return JointMoments.of(y[:n], x[:n]), JointMoments.of(y[n:], x[n:])


def test_estimate_and_slope_are_those_of_a_regression_on_arm_and_covariate() -> None:
    control, treatment = _arms(np.random.default_rng(0), 400, 0.3, 0.7)
    rng = np.random.default_rng(0)
    x = rng.gamma(2.0, 2.0, 800)
    y = 1 + 0.7 * x + rng.normal(0, 1, 800)
    y[400:] += 0.3
    fit = sm.OLS(y, np.column_stack([np.ones(800), np.repeat([0, 1], 400), x])).fit()
    found = adjusted(control, treatment)
    effect = difference(*found.arms)
    assert effect.value == pytest.approx(fit.params[1], abs=1e-10)
    assert found.theta == pytest.approx(fit.params[2], abs=1e-10)
    assert effect.standard_error == pytest.approx(fit.bse[1], rel=0.01)


def test_the_effect_is_unbiased_its_interval_covers_and_its_variance_falls_by_the_squared_correlation() -> None:
    rng = np.random.default_rng(1)
    runs, n, effect = 1_500, 150, 0.2
    slope = 0.5
    correlation = slope * 8**0.5 / (slope**2 * 8 + 1) ** 0.5  # gamma(2, 2) has variance 8
    plain, told = np.empty(runs), np.empty(runs)
    covered, reductions = 0, []
    for run in range(runs):
        arms = _arms(rng, n, effect, slope)
        found = adjusted(*arms)
        compared = difference(*found.arms)
        assert compared.low is not None
        assert compared.high is not None
        covered += compared.low <= effect <= compared.high
        plain[run], told[run] = arms[1].y_mean - arms[0].y_mean, compared.value
        reductions.append(found.variance_reduction)
    assert told.mean() == pytest.approx(effect, abs=4 * told.std() / runs**0.5)
    assert covered / runs == pytest.approx(0.95, abs=0.018)
    assert 1 - told.var() / plain.var() == pytest.approx(correlation**2, abs=0.05)
    assert np.mean(reductions) == pytest.approx(correlation**2, abs=0.02)


def test_a_covariate_that_says_nothing_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(size=50)
    control, treatment = JointMoments.of(y[:25], np.full(25, 3.0)), JointMoments.of(y[25:], np.full(25, 3.0))
    found = adjusted(control, treatment)
    assert (found.theta, found.variance_reduction) == (0.0, 0.0)
    assert [arm.value for arm in found.arms] == [control.y_mean, treatment.y_mean]


def test_a_covariate_that_says_everything_leaves_the_effect_alone() -> None:
    x = np.arange(20.0)
    control, treatment = JointMoments.of(2 * x[:10], x[:10]), JointMoments.of(2 * x[10:] + 5, x[10:])
    found = adjusted(control, treatment)
    assert found.variance_reduction == pytest.approx(1)
    assert difference(*found.arms).value == pytest.approx(5)


def test_several_arms_are_adjusted_to_one_covariate_and_too_few_are_refused() -> None:
    rng = np.random.default_rng(3)
    arms = [JointMoments.of(rng.normal(size=30), rng.normal(size=30) + shift) for shift in (0.0, 0.5, 1.0)]
    found = adjusted(*arms)
    one, other = adjusted(*arms[::-1]).arms[2], found.arms[0]
    assert one == pytest.approx(other)
    with pytest.raises(ValueError, match=r"Arms of \[30\] units"):
        adjusted(arms[0])
    with pytest.raises(ValueError, match="at least 3 units"):
        adjusted(arms[0], JointMoments.of([1.0, 2.0], [1.0, 2.0]))
