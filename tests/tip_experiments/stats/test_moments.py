"""Sums of arms: however data are split they add up to the same, and they refuse what is none."""

import math
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tip_experiments.stats.moments import CloseToZeroError, JointMoments, Moments, Proportion

_VALUES = st.lists(st.floats(-1e3, 1e3), max_size=30)


@given(parts=st.lists(_VALUES, min_size=1, max_size=6))
def test_moments_of_parts_add_up_to_those_of_the_whole(parts: list[list[float]]) -> None:
    whole = Moments.of(np.concatenate([np.array(part, dtype=float) for part in parts]))
    summed = reduce(add, (Moments.of(part) for part in parts))
    assert summed.n == whole.n
    assert summed.mean == pytest.approx(whole.mean, abs=1e-9)
    assert summed.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-6)


def test_joint_moments_of_parts_add_up_in_any_order() -> None:
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=1_000), rng.gamma(2.0, size=1_000)
    cuts = [0, 1, 1, 300, 305, 1_000]
    parts = [JointMoments.of(y[a:b], x[a:b]) for a, b in pairwise(cuts)]
    whole = JointMoments.of(y, x)
    for order in (parts, parts[::-1]):
        summed = reduce(add, order, JointMoments())
        assert summed.c == pytest.approx(whole.c, rel=1e-10)
        assert summed.y_m2 == pytest.approx(whole.y_m2, rel=1e-12)
        assert summed.x_mean == pytest.approx(whole.x_mean, rel=1e-12)
    assert whole.c / 999 == pytest.approx(np.cov(y, x)[0, 1], rel=1e-10)


def test_a_large_offset_costs_no_digits() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 1_000, 10_000).astype(float)
    far = reduce(add, (Moments.of(part + 1e12) for part in np.split(values, 100)))
    assert far.m2 == pytest.approx(Moments.of(values).m2, rel=1e-6)  # sums of squares would have lost all of it


def test_by_hand_one_two_six() -> None:
    found = Moments.of([1.0, 2.0, 6.0])
    assert (found.n, found.mean, found.m2) == (3, 3.0, 14.0)
    assert found.estimate().standard_error == pytest.approx(math.sqrt(7 / 3))


def test_a_proportion_is_the_mean_of_zeros_and_ones() -> None:
    found = (Proportion(2, 5) + Proportion(1, 5)).moments()
    direct = Moments.of([1, 1, 1] + [0] * 7)
    assert (found.n, found.mean) == (direct.n, pytest.approx(direct.mean))
    assert found.m2 == pytest.approx(direct.m2)


def test_the_interval_of_a_ratio_covers_where_users_and_not_sessions_are_drawn() -> None:
    rng = np.random.default_rng(2)
    covered = naive = 0
    runs, n = 2_000, 400
    for _ in range(runs):
        sessions = rng.poisson(3, n) + 1
        clicks = rng.binomial(sessions, rng.beta(1, 3, n))  # a user's sessions are alike
        told = JointMoments.of(clicks, sessions).ratio()
        covered += abs(told.value - 0.25) < 1.96 * told.standard_error
        naive += abs(told.value - 0.25) < 1.96 * math.sqrt(told.value * (1 - told.value) / sessions.sum())
    assert covered / runs == pytest.approx(0.95, abs=0.015)
    assert naive / runs < 0.9


def test_a_ratio_over_what_could_be_nothing_is_refused_in_words() -> None:
    with pytest.raises(CloseToZeroError, match=r"A ratio cannot be told: its denominator .* too close to 0"):
        JointMoments.of([1.0, 2.0, 3.0], [-1.0, 0.5, 1.0]).ratio()


def test_values_that_are_none_are_listed_together() -> None:
    y, x = np.zeros(30), np.zeros(30)
    y[::2] = np.nan
    x[3] = np.inf
    with pytest.raises(ValueError, match=r"15 rows of y are not finite .*18: nan; 1 rows of x .*3: inf") as error:
        JointMoments.of(y, x)
    assert "20: nan" not in str(error.value)
    with pytest.raises(ValueError, match="vectors of one length"):
        JointMoments.of(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize("fields", [(-1, 0.0, 0.0), (2, math.nan, 0.0), (2, 0.0, -1.0)])
def test_moments_that_cannot_be_are_refused(fields: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="Moments cannot be kept"):
        Moments(*fields)


def test_counts_and_products_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="-1 of 5"):
        Proportion(-1, 5)
    with pytest.raises(ValueError, match="6 of 5"):
        Proportion(6, 5)
    with pytest.raises(ValueError, match="at least one"):
        _ = Proportion().share
    with pytest.raises(ValueError, match="sum of products"):
        JointMoments(2, 0.0, 0.0, 1.0, 1.0, 1.5)
    with pytest.raises(ValueError, match="at least 2 units"):
        Moments.of([1.0]).estimate()
