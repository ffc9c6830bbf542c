"""Ranks: ties, who gets which interval, and how often the interval holds the true rank."""

import numpy as np
import pytest
from support.leaderboards import clustered_scores

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.ranks import CellRank, cell_ranks


def _rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_far_apart_cells_have_one_rank_each() -> None:
    scores = clustered_scores(_rng(), np.array([2.0, 4.5, 3.0]), 30)
    assert cell_ranks(scores, _rng()) == (CellRank(3, 3, 3), CellRank(1, 1, 1), CellRank(2, 2, 2))


def test_equal_means_share_the_better_rank() -> None:
    of_one = np.random.default_rng(3).integers(1, 6, 40) * 1.0
    sums = np.array([of_one, of_one[::-1], of_one - 0.5, of_one * 3])
    counts = np.ones((4, 40), np.int64) * [[1], [1], [1], [3]]
    found = cell_ranks(CellScores(sums, counts), _rng())
    assert [cell.rank for cell in found] == [1, 1, 4, 1]
    assert [(cell.low, cell.high) for cell in (found[0], found[3])] == [(1, 2), (1, 2)]  # the same scores: always tied


def test_two_scored_scenarios_may_mean_any_rank_and_no_score_means_none() -> None:
    scores = clustered_scores(_rng(), np.array([2.0, 4.5, 3.0, 3.5, 1.0]), 30)
    counts = scores.counts.copy()
    counts[0, 2:], counts[3], counts[4, 1:] = 0, 0, 0
    found = cell_ranks(CellScores(np.where(counts > 0, scores.sums, 0.0), counts), _rng())
    assert found[3] == CellRank(None, None, None)
    assert [(cell.low, cell.high) for cell in (found[0], found[4])] == [(1, 4), (1, 4)]
    # a cell known by one scenario only may be better or worse than the best one
    assert found[1].low == 1
    assert found[1].high is not None
    assert found[1].high >= 2


def test_a_cell_known_by_few_scenarios_blurs_the_ranks_near_it_and_not_those_far_away() -> None:
    rng = _rng()
    scores = clustered_scores(rng, np.array([4.6, 3.0, 2.9, 1.0]), 400)
    counts = scores.counts.copy()
    counts[1, 6:] = 0
    found = cell_ranks(CellScores(np.where(counts > 0, scores.sums, 0.0), counts), rng)
    assert (found[1].low, found[1].high) == (1, 4)
    assert (found[2].low, found[2].high) == (2, 3)
    assert (found[0].low, found[0].high) == (1, 1)


def test_scenarios_that_all_cells_share_do_not_blur_their_order() -> None:
    rng = _rng()
    scores = clustered_scores(rng, np.array([3.0, 3.4, 3.2]), 60, n_each=5)
    blurred = CellScores(scores.sums + 5 * rng.normal(0, 5, 60), scores.counts)
    assert cell_ranks(scores, _rng()) == cell_ranks(blurred, _rng())


def test_the_order_of_cells_does_not_matter_and_the_same_dice_give_the_same_ranks() -> None:
    scores = clustered_scores(_rng(), np.array([3.0, 3.1, 3.2, 3.05]), 25)
    turned = CellScores(scores.sums[::-1], scores.counts[::-1])
    assert cell_ranks(scores, _rng()) == cell_ranks(turned, _rng())[::-1] == cell_ranks(scores, _rng())


def test_nothing_scored_and_nothing_sensible_asked() -> None:
    nothing = CellScores(np.zeros((2, 3)), np.zeros((2, 3), np.int64))
    assert cell_ranks(nothing, _rng()) == (CellRank(None, None, None),) * 2
    with pytest.raises(ValueError, match=r"found 0\.95 and 0"):
        cell_ranks(nothing, _rng(), n_resamples=0)
    with pytest.raises(ValueError, match=r"found 1\.0 and"):
        cell_ranks(nothing, _rng(), confidence=1.0)


@pytest.mark.parametrize(("n_scenarios", "step"), [(10, 0.05), (30, 0.02), (30, 0.3), (100, 0.1)])
def test_intervals_hold_the_true_rank(n_scenarios: int, step: float) -> None:
    rng, means = np.random.default_rng(12), np.array([0.0, 3.0, 1.0, 4.0, 2.0, 5.0])
    truth = 6 - means
    held = []
    for _ in range(300):
        found = cell_ranks(clustered_scores(rng, 3 + step * means, n_scenarios), rng, n_resamples=500)
        held += [cell.low <= rank <= cell.high for cell, rank in zip(found, truth, strict=True)]  # type: ignore[operator]
    assert np.mean(held) >= 0.93
