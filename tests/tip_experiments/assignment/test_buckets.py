"""Ranges, and how many places of the line each one holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tip_experiments.assignment.buckets import bucket_ranges, choose_variation, places_in

_WEIGHTS = st.lists(st.integers(1, 50), min_size=2, max_size=8).map(lambda parts: [p / sum(parts) for p in parts])


@given(weights=_WEIGHTS, coverage=st.floats(0, 1), n_places=st.sampled_from([1_000, 10_000]))
def test_places_are_counted_as_they_are_chosen(weights: list[float], coverage: float, n_places: int) -> None:
    ranges = bucket_ranges(len(weights), coverage, weights)
    chosen = [choose_variation(k / n_places, ranges) for k in range(n_places)]
    assert places_in(ranges, n_places) == [chosen.count(i) for i in range(len(weights))]


@given(weights=_WEIGHTS, lower=st.floats(0, 1), higher=st.floats(0, 1), at=st.floats(0, 1, exclude_max=True))
def test_more_coverage_moves_nobody_to_another_variation(
    weights: list[float], lower: float, higher: float, at: float
) -> None:
    lower, higher = sorted((lower, higher))
    before = choose_variation(at, bucket_ranges(len(weights), lower, weights))
    after = choose_variation(at, bucket_ranges(len(weights), higher, weights))
    assert before in {after, -1}


def test_by_hand_thirds_of_a_line_of_ten_places() -> None:
    ranges = bucket_ranges(3, 1, None)
    assert places_in(ranges, 10) == [4, 3, 3]  # 0 to 3, 4 to 6, 7 to 9
    assert places_in([(0.25, 0.25), (0.3, 1.0)], 10) == [0, 7]


def test_full_coverage_leaves_no_place_out() -> None:
    for n in range(2, 40):
        counts = places_in(bucket_ranges(n, 1, None), 10_000)
        assert sum(counts) == pytest.approx(10_000, abs=1)  # sums of 1/n may fall short of 1 by one bit
        assert max(counts) - min(counts) <= 2
