"""The grid that probabilities lie on, and the draw."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tip_experiments.policies.decision import GRID, drawn, least_weight, on_grid, ticket


def test_by_hand_preferences_share_what_the_floor_leaves() -> None:
    weights = on_grid([3.0, 1.0, 0.0], GRID // 8)
    assert weights == [GRID // 8 + 15 * GRID // 32, GRID // 8 + 5 * GRID // 32, GRID // 8]


def test_thirds_leave_their_rest_to_the_first() -> None:
    weights = on_grid([1.0, 1.0, 1.0], 0)
    assert sum(weights) == GRID
    assert weights == [GRID // 3 + 1, GRID // 3, GRID // 3]


@given(
    st.lists(st.floats(0.0, 1e6), min_size=1, max_size=60).filter(lambda values: math.fsum(values) > 1e-6),
    st.floats(0.0, 1.0),
)
def test_weights_fill_the_grid_keep_the_floor_and_follow_preferences(preferences: list[float], share: float) -> None:
    floor = share / len(preferences) * (1 - 1e-9)
    weights = on_grid(preferences, least_weight(floor))
    assert sum(weights) == GRID
    assert sum(weight / GRID for weight in weights) == 1.0
    assert min(weight / GRID for weight in weights) >= floor
    total = math.fsum(preferences)
    expected = [floor + (1 - len(weights) * floor) * value / total for value in preferences]
    assert [weight / GRID for weight in weights] == pytest.approx(expected, abs=2e-12 * len(weights))


def test_noise_of_another_machine_does_not_move_what_lies_on_the_grid() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        exact = rng.multinomial(64, np.ones(8) / 8) / 64
        noisy = exact * (1 + rng.uniform(-1, 1, 8) * 2e-16)
        assert on_grid(noisy.tolist(), 0) == on_grid(exact.tolist(), 0)


def test_by_hand_a_number_falls_where_the_weights_lie() -> None:
    weights = [2, 0, 3, GRID - 5]
    assert [drawn(weights, number) for number in (0, 1, 2, 4, 5, GRID - 1)] == [0, 0, 2, 2, 3, 3]
    with pytest.raises(ValueError, match="do not fill"):
        drawn([1, 2], 3)


def test_tickets_are_uniform_over_decision_ids_and_independent_between_versions() -> None:
    one = np.array([ticket("a" * 32, str(number)) for number in range(20_000)]) / GRID
    other = np.array([ticket("b" * 32, str(number)) for number in range(20_000)]) / GRID
    assert stats.kstest(one, "uniform").pvalue > 0.001
    assert abs(stats.pearsonr(one, other).statistic) < 0.03


def test_a_ticket_is_the_same_for_ever() -> None:
    assert ticket("0" * 32, "decision-1") == 671_441_153_020
