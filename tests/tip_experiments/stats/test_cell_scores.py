"""The tables of scores: how rows become sums and counts, and what is refused."""

import numpy as np
import pytest

from tip_experiments.stats.cell_scores import CellScores


def _by_hand() -> CellScores:
    values = np.array([4.0, 2.0, 5.0, 1.0, 3.0])
    return CellScores.from_rows(values, np.array([0, 0, 0, 2, 2]), np.array([0, 0, 1, 1, 1]), 3, 3)


def test_by_hand_five_rows() -> None:
    scores = _by_hand()
    assert scores.sums.tolist() == [[6, 5, 0], [0, 0, 0], [0, 4, 0]]
    assert scores.counts.tolist() == [[2, 1, 0], [0, 0, 0], [0, 2, 0]]
    assert scores.n_scored.tolist() == [3, 0, 2]
    assert scores.n_scored_scenarios.tolist() == [2, 0, 1]
    # residual sums of the first cell with mean 11/3: 6 - 22/3 and 5 - 11/3, over its three scores
    assert scores.influence[0] == pytest.approx([-4 / 9, 4 / 9, 0])


def test_what_is_not_scored_has_no_mean_and_is_never_zero() -> None:
    scores = _by_hand()
    assert np.array_equal(scores.scenario_means, [[3, 5, np.nan], [np.nan] * 3, [np.nan, 2, np.nan]], equal_nan=True)
    assert np.array_equal(scores.means, [11 / 3, np.nan, 2], equal_nan=True)


def test_scores_that_arrive_in_pieces_add_up_to_those_that_arrive_at_once() -> None:
    rng = np.random.default_rng(1)
    values, cells, scenarios = rng.integers(1, 6, 500) * 1.0, rng.integers(0, 7, 500), rng.integers(0, 40, 500)
    whole = CellScores.from_rows(values, cells, scenarios, 7, 40)
    first, second = (
        CellScores.from_rows(values[part], cells[part], scenarios[part], 7, 40)
        for part in (slice(0, 123), slice(123, None))
    )
    assert np.array_equal((first + second).sums, whole.sums)
    assert np.array_equal((first + second).counts, whole.counts)


def test_every_fault_of_the_rows_is_listed_at_once() -> None:
    values = np.array([1.0, np.nan, 3.0, np.inf])
    with pytest.raises(ValueError, match=r"2 rows .*1: nan, 3: inf.*1 rows .*0: -1.*1 rows .*2: 9") as caught:
        CellScores.from_rows(values, np.array([-1, 0, 0, 0]), np.array([0, 0, 9, 0]), 2, 3)
    assert "[0, 2)" in str(caught.value)
    assert "[0, 3)" in str(caught.value)
    with pytest.raises(ValueError, match=r"scenarios \(2,\)"):
        CellScores.from_rows(values, np.zeros(4, int), np.zeros(2, int), 2, 3)


def test_only_the_first_ten_faulty_rows_are_listed() -> None:
    with pytest.raises(ValueError, match=r"30 rows .*9: nan$"):
        CellScores.from_rows(np.full(30, np.nan), np.zeros(30, int), np.zeros(30, int), 1, 1)


def test_tables_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match=r"negative count.*2: -1.*not finite.*1: nan.*without a score.*3: 4.0"):
        CellScores(np.array([[1.0, np.nan], [2.0, 4.0]]), np.array([[1, 1], [-1, 0]]))
    with pytest.raises(ValueError, match="one shape"):
        CellScores(np.ones((2, 3)), np.ones((3, 2), np.int64))
    with pytest.raises(ValueError, match=r"\(3, 3\).*\(1, 1\)"):
        _by_hand() + CellScores(np.ones((1, 1)), np.ones((1, 1), np.int64))
