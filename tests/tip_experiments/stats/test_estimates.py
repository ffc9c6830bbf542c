"""Intervals from standard errors, and the jackknife against what is known of a mean."""

import numpy as np
import pytest
from scipy import stats

from tip_experiments.stats.estimates import jackknifed, student


def test_students_interval_by_hand() -> None:
    # the 0.975 quantile of Student's distribution with 4 degrees of freedom is 2.7764
    assert student(1.0, 0.5, 4, 0.95) == (
        1.0,
        0.5,
        pytest.approx(1.0 - 1.3882, abs=1e-4),
        pytest.approx(2.3882, abs=1e-4),
    )


def test_without_an_error_or_degrees_there_is_no_interval() -> None:
    for error, degrees in ((None, 10), (0.0, 10), (0.3, 0)):
        assert student(1.0, error, degrees, 0.95) == (1.0, error, None, None)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=(30, 2))
    replicates = (values.sum(axis=0) - values) / 29
    covariance = jackknifed(replicates)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(stats.sem(values, axis=0))
    assert covariance == pytest.approx(np.cov(values.T) / 30)
