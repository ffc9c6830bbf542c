"""The stability index is what the formula says, and chance alone exceeds its noise as rarely as claimed."""

import math

import numpy as np
import pytest

from tip_experiments.stats.shift import MAX_BINS, shift


def test_the_index_of_two_bins_is_as_computed_by_hand() -> None:
    reference, current = np.array([0.0] * 60 + [1.0] * 40), np.array([0.0] * 30 + [1.0] * 70)
    found = shift(reference, current, 0.99)
    before, after = 60.5 / 101, 30.5 / 101
    expected = (after - before) * math.log(after / before)
    expected += (before - after) * math.log((1 - after) / (1 - before))
    assert found.psi == pytest.approx(expected, rel=1e-12)
    assert found.noise == pytest.approx(6.634896601 * 0.02)
    assert (found.n_bins, found.n_reference, found.n_current) == (2, 100, 100)
    assert found.is_beyond(0.25)
    assert not found.is_beyond(0.5)


def test_order_and_scale_of_the_numbers_change_nothing() -> None:
    rng = np.random.default_rng(4)
    reference, current = rng.normal(size=3000), rng.normal(0.3, size=2000)
    found = shift(reference, current, 0.99)
    again = shift(rng.permutation(reference) * 8 + 1, rng.permutation(current) * 8 + 1, 0.99)
    assert again.psi == pytest.approx(found.psi)
    assert found.n_bins == MAX_BINS


def test_a_sample_against_itself_has_no_shift_and_a_constant_no_noise() -> None:
    numbers = np.random.default_rng(1).normal(size=500)
    assert shift(numbers, numbers, 0.99).psi == 0
    constant = shift(np.ones(50), np.ones(20), 0.99)
    assert (constant.psi, constant.noise, constant.n_bins) == (0, 0, 1)


def test_numbers_that_go_missing_are_a_shift() -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=1000), rng.normal(size=1000)
    current[:400] = np.nan
    assert shift(reference, current, 0.999).is_beyond(0.25)
    assert not shift(current, rng.permutation(current), 0.999).is_beyond(0.0)


def test_a_value_never_seen_before_is_a_shift_where_it_is_common() -> None:
    assert shift(np.zeros(400), np.r_[np.zeros(200), np.full(200, np.nan)], 0.999).is_beyond(0.25)
    discrete = np.repeat([1.0, 2.0, 3.0], 100)
    for other in (0.0, 2.5, 9.0):
        assert shift(discrete, np.r_[discrete, np.full(300, other)], 0.999).is_beyond(0.25)
    assert shift(np.full(100, 5.0), np.full(100, 5.1), 0.999).is_beyond(0.25)
    assert not shift(discrete, np.r_[discrete, 9.0], 0.999).is_beyond(0.0)
    assert shift(np.full(50, np.nan), np.ones(50), 0.999).is_beyond(0.25)
    assert shift(np.full(50, np.nan), np.full(9, np.nan), 0.999).psi == 0


def test_a_reference_of_a_few_different_numbers_does_not_take_them_for_all_there_are() -> None:
    rng = np.random.default_rng(6)
    found = [shift(rng.normal(size=9), rng.normal(size=200), 0.95) for _ in range(200)]
    assert np.mean([one.psi > one.noise for one in found]) < 0.1


@pytest.mark.parametrize("sizes", [(100, 100), (2000, 150), (5000, 5000)])
@pytest.mark.parametrize("kind", ["continuous", "few values", "some missing"])
def test_chance_exceeds_the_noise_no_more_often_than_claimed(sizes: tuple[int, int], kind: str) -> None:
    rng = np.random.default_rng(3)

    def draw(n: int) -> np.ndarray:
        found = rng.normal(size=n) if kind != "few values" else rng.integers(4, size=n).astype(float)
        if kind == "some missing":
            found[rng.random(n) < 0.2] = np.nan
        return found

    exceeded = [(found := shift(draw(sizes[0]), draw(sizes[1]), 0.95)).psi > found.noise for _ in range(400)]
    assert 0.005 < np.mean(exceeded) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_shift_of_half_a_deviation_is_found_in_two_samples_of_a_thousand() -> None:
    rng = np.random.default_rng(5)
    found = [shift(rng.normal(size=1000), rng.normal(0.5, size=1000), 0.999).is_beyond(0.1) for _ in range(50)]
    assert np.mean(found) > 0.98


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"reference has the shape \(0,\).*current has the shape \(2, 2\).*level"):
        shift(np.empty(0), np.ones((2, 2)), 1.0)
