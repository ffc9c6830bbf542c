"""Usual counts: by hand, unmoved by odd days, and as seldom wrong as claimed."""

import math

import numpy as np
import pytest

from tip_experiments.stats.volume import MIN_DAYS, usual_volume


def test_bounds_are_as_computed_by_hand() -> None:
    found = usual_volume([90, 100, 100, 110, 100, 80, 120], 0.95)
    assert found is not None
    center = math.log(101)
    spread = max(1.482602218505602 * (math.log(111) - center), 1 / math.sqrt(101))
    assert found.expected == pytest.approx(100)
    reach = 2.446911851 * spread * math.sqrt(8 / 7)
    assert (found.low, found.high) == pytest.approx((math.exp(center - reach) - 1, math.exp(center + reach) - 1))
    assert found.is_usual(100)
    assert not found.is_usual(30)
    assert not found.is_usual(0)


def test_two_odd_days_of_fourteen_hide_no_outage() -> None:
    rng = np.random.default_rng(1)
    days = rng.poisson(1000, 14).tolist()
    days[3], days[9] = 0, 50_000
    found = usual_volume(days, 0.999)
    assert found is not None
    assert not found.is_usual(500)
    assert found.is_usual(1000)


def test_the_order_of_days_does_not_matter() -> None:
    days = [5, 9, 7, 30, 12, 11, 8, 10]
    assert usual_volume(days, 0.99) == usual_volume(sorted(days), 0.99)


def test_a_few_days_say_nothing() -> None:
    assert usual_volume([10] * (MIN_DAYS - 1), 0.99) is None
    assert usual_volume([0] * MIN_DAYS, 0.99) is not None


@pytest.mark.parametrize("size", [3, 40, 5000])
@pytest.mark.parametrize("n_days", [7, 28])
def test_usual_days_are_called_unusual_about_as_rarely_as_told(size: int, n_days: int) -> None:
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(800):
        *earlier, today = rng.poisson(size * np.exp(rng.normal(0, 0.1, n_days + 1))).tolist()
        found = usual_volume(earlier, 0.99)
        assert found is not None
        missed += not found.is_usual(today)
    assert missed / 800 < (0.075 if n_days == 7 else 0.03)


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match=r"a count of -1; level must lie in \(0, 1\)"):
        usual_volume([-1] * 1, 2.0)
