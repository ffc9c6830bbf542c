"""Two noisy measurements of the same things: published numbers, scipy, no noise, much noise, and whether it covers."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.estimates import Estimate
from tip_experiments.stats.noisy_correlation import MIN_PAIRS, Association, associated

Floats = NDArray[np.float64]


def _drawn(rng: np.random.Generator, rho: float, n: int, noise: float = 0.6) -> Association:
    true = rng.multivariate_normal([3.4, 0.2], [[0.16, rho * 0.4 * 0.05], [rho * 0.4 * 0.05, 0.0025]], n)
    errors = np.column_stack([np.full(n, 0.4 * noise), 0.05 * rng.uniform(noise / 2, 1.5 * noise, n)])
    seen = true + rng.normal(size=(n, 2)) * errors
    return associated(seen[:, 0], seen[:, 1], errors[:, 0], errors[:, 1])


def _told(estimate: Estimate | None) -> tuple[float, float, float]:
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.value, estimate.low, estimate.high


def test_the_rank_correlation_and_its_interval_are_those_of_the_published_example() -> None:
    y = np.array([21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19], np.float64)
    x = np.array([67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51], np.float64)
    found = associated(x, y, np.zeros(15), np.zeros(15))
    assert found.by_rank is not None
    assert found.by_rank == pytest.approx((0.8699639, 0.08241326, 0.5840951, 0.9638297), abs=1e-6)


def test_the_linear_correlation_and_its_interval_are_scipys() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=20)
    y = 0.6 * x + rng.normal(size=20)
    found, expected = associated(x, y, np.full(20, 0.1), np.full(20, 0.2)), stats.pearsonr(x, y)
    interval = expected.confidence_interval(0.95)
    assert _told(found.linear) == pytest.approx((expected.statistic, interval.low, interval.high))


def test_without_noise_the_correction_changes_little() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=200)
    y = 0.5 * x + rng.normal(size=200) * 0.5
    found = associated(x, y, np.zeros(200), np.zeros(200))
    assert _told(found.without_noise) == pytest.approx(_told(found.linear), abs=0.03)
    assert _told(found.slope)[0] == pytest.approx(np.polyfit(x, y, 1)[0], abs=0.03)
    assert (found.reliability_x, found.reliability_y) == (1.0, 1.0)


def test_noise_hides_and_the_correction_finds_what_was_hidden() -> None:
    found = [_drawn(np.random.default_rng(seed), 0.9, 40) for seed in range(6)]
    measured = np.mean([_told(one.linear)[0] for one in found])
    corrected = np.mean([_told(one.without_noise)[0] for one in found])
    assert measured < 0.75
    assert corrected == pytest.approx(0.9, abs=0.08)
    assert np.mean([one.reliability_x or 0.0 for one in found]) == pytest.approx(1 / 1.36, abs=0.08)


def test_where_all_is_noise_the_interval_says_that_it_could_be_anything() -> None:
    rng = np.random.default_rng(3)
    found = associated(rng.normal(size=12), rng.normal(size=12), np.full(12, 1.0), np.full(12, 1.0))
    _, low, high = _told(found.without_noise)
    assert low < -0.7
    assert high > 0.7


def test_units_of_measurement_do_not_matter_and_turning_one_turns_the_sign() -> None:
    rng = np.random.default_rng(4)
    x, y, errors = rng.normal(size=15), rng.normal(size=15), rng.uniform(0.1, 0.4, 15)
    here = associated(x, y, errors, errors)
    there = associated(100 - 20 * x, y / 1000 + 5, errors * 20, errors / 1000)
    value, low, high = _told(here.without_noise)
    assert _told(there.without_noise) == pytest.approx((-value, -high, -low), abs=1e-9)
    assert _told(there.slope)[0] == pytest.approx(-_told(here.slope)[0] / 20_000, rel=1e-6)
    assert _told(there.by_rank)[0] == pytest.approx(-_told(here.by_rank)[0])


def test_too_few_or_constant_things_have_no_interval_and_say_so() -> None:
    few = associated(np.arange(4.0), np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4), np.ones(4))
    assert few.reason == f"too few for intervals: 4, they need {MIN_PAIRS}"
    assert few.by_rank == Estimate(pytest.approx(0.8), None, None, None)
    assert few.without_noise is None
    still = associated(np.full(9, 2.0), np.arange(9.0), np.zeros(9), np.zeros(9))
    assert (still.linear, still.by_rank, still.without_noise, still.reliability_x) == (None, None, None, None)
    assert still.reason == "one of the two does not vary"
    nothing = associated(*[np.zeros(0)] * 4)
    assert (nothing.n, nothing.linear) == (0, None)


def test_what_fits_exactly_has_no_interval_of_fishers() -> None:
    x = np.arange(8.0)
    found = associated(x, 2 * x, np.zeros(8), np.zeros(8))
    assert found.linear is not None
    assert (found.linear.value, found.linear.low) == (pytest.approx(1.0), None)
    assert _told(found.without_noise)[1] > 0.8


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"of y are not finite.*of errors_x are negative.*level must lie"):
        associated(np.zeros(2), np.array([0.0, np.nan]), np.array([-1.0, 0.0]), np.zeros(2), level=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 12, 30])
def test_the_interval_without_noise_covers_whatever_the_truth_is(n: int) -> None:
    rng = np.random.default_rng(5)
    hits, slopes, runs = 0, 0, 200
    for _ in range(runs):
        rho = rng.uniform(-1.0, 1.0)
        found = _drawn(rng, rho, n)
        _, low, high = _told(found.without_noise)
        hits += low <= rho <= high
        _, low, high = _told(found.slope)
        slopes += low <= rho * 0.05 / 0.4 <= high
    assert 0.92 <= hits / runs <= 0.985
    assert slopes / runs >= 0.92
