"""Comparison with the best: by hand for two cells, the level where the naive way loses it, and the power to drop."""

import numpy as np
import pytest
from scipy import stats
from support.leaderboards import clustered_scores, rubric_scores

from tip_experiments.stats.best import AgainstBest, against_best
from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.paired import differences


def _rng() -> np.random.Generator:
    return np.random.default_rng(31)


def test_with_two_cells_it_is_the_one_sided_paired_t_test() -> None:
    scores = clustered_scores(_rng(), np.array([3.0, 3.25]), 16)
    worse, better = against_best(scores, _rng(), n_draws=200_000)
    reference = stats.ttest_rel(*scores.scenario_means, alternative="less")
    low, high = (reference.confidence_interval(confidence)[1] for confidence in (0.05, 0.95))
    assert high < 0.0, "the case must be one where the test rejects"
    assert worse.difference == pytest.approx(np.diff(scores.means[::-1])[0])
    assert (worse.low, worse.high) == (pytest.approx(low, rel=0.02), 0.0)
    assert (better.low, better.high) == (0.0, pytest.approx(-low, rel=0.02))
    assert (worse.can_be_dropped, worse.may_be_best) == (True, False)
    assert (better.can_be_dropped, better.may_be_best) == (False, True)


def test_a_clear_winner_is_alone_and_close_followers_are_kept() -> None:
    found = against_best(clustered_scores(_rng(), np.array([2.0, 4.0, 3.98, 1.0]), 60), _rng())
    assert [cell.may_be_best for cell in found] == [False, True, True, False]
    assert found[0].low is not None
    assert found[0].low < -1.8
    assert all(cell.low <= 0.0 <= cell.high for cell in found)  # type: ignore[operator]


def test_cells_without_scores_or_without_shared_scenarios_are_never_dropped() -> None:
    scores = clustered_scores(_rng(), np.array([2.0, 4.0, 3.0, 1.0]), 60)
    counts = scores.counts.copy()
    counts[2], counts[3, 1:] = 0, 0
    found = against_best(CellScores(np.where(counts > 0, scores.sums, 0.0), counts), _rng())
    assert found[2] == AgainstBest(None, None, None, may_be_best=True, can_be_dropped=False)
    assert found[3].may_be_best
    assert (found[3].low, found[3].high) == (None, None)  # one shared scenario bounds nothing
    assert found[0].can_be_dropped
    assert found[1].low is None, "the cell that nothing bounds may be the best by far"


def test_cells_with_the_same_scores_do_not_drop_each_other() -> None:
    sums = np.tile(np.random.default_rng(0).integers(1, 6, 30) * 1.0, (2, 1))
    found = against_best(CellScores(sums, np.ones((2, 30), np.int64)), _rng())
    assert [cell.may_be_best for cell in found] == [True, True]


def test_the_order_of_cells_and_what_scenarios_share_do_not_matter() -> None:
    rng = _rng()
    scores = clustered_scores(rng, np.array([3.0, 3.1, 3.3, 2.6]), 25)
    moved = CellScores(scores.sums[::-1] + 5 * rng.normal(0, 4, 25), scores.counts[::-1])
    found, other = (against_best(table, _rng(), n_draws=100_000) for table in (scores, moved))
    for cell, same in zip(found, other[::-1], strict=True):
        assert (cell.difference, cell.low, cell.high) == pytest.approx((same.difference, same.low, same.high), abs=0.01)


def test_one_cell_is_the_best_there_is() -> None:
    (only,) = against_best(CellScores(np.ones((1, 3)), np.ones((1, 3), np.int64)), _rng())
    assert only.may_be_best
    assert not only.can_be_dropped
    with pytest.raises(ValueError, match=r"found 0\.0 and"):
        against_best(CellScores(np.ones((1, 3)), np.ones((1, 3), np.int64)), _rng(), confidence=0.0)


def _naively_dropped(scores: CellScores, cell: int) -> bool:
    """Whether a paired t test against the leader of the same scores finds the cell worse."""
    leader = int(np.argmax(scores.means))
    if leader == cell:
        return False
    lead = differences(scores, leader, np.array([cell]))
    return bool(stats.t.sf(lead.means[0] / lead.standard_errors[0], lead.n_shared[0] - 1) <= 0.05)


@pytest.mark.parametrize(
    ("n_cells", "n_scenarios", "missing"),
    [(2, 10, 0.0), (6, 12, 0.0), pytest.param(15, 30, 0.3, marks=pytest.mark.slow)],
)
def test_a_best_cell_is_dropped_one_time_in_twenty_where_naive_tests_drop_it_far_more_often(
    n_cells: int, n_scenarios: int, missing: float
) -> None:
    rng, dropped = np.random.default_rng(32), []
    for _ in range(500):
        scores = clustered_scores(rng, np.full(n_cells, 3.0), n_scenarios, missing=missing)
        dropped.append((against_best(scores, rng, n_draws=1000)[0].can_be_dropped, _naively_dropped(scores, 0)))
    ours, naive = np.mean(dropped, axis=0)
    assert ours <= 0.075
    if n_cells > 2:
        assert naive > 0.12, "testing against the leader picked from the same scores is what loses the level"


@pytest.mark.slow
def test_all_intervals_hold_at_once() -> None:
    rng, means, held = np.random.default_rng(33), np.array([3.0, 3.1, 3.1, 2.7, 2.9]), []
    n_bounded, truth = 0, np.array([mean - np.delete(means, cell).max() for cell, mean in enumerate(means)])
    for _ in range(500):
        found = against_best(clustered_scores(rng, means, 15), rng, n_draws=1000)
        bounds = np.array([(cell.low, cell.high) for cell in found], dtype=float)
        held.append(not ((bounds[:, 0] > truth) | (bounds[:, 1] < truth)).any())
        n_bounded += np.isfinite(bounds).sum()
    assert np.mean(held) >= 0.935
    assert n_bounded > 0.95 * 500 * 10


@pytest.mark.slow
def test_the_level_holds_for_rubric_scores_that_are_skewed_against_each_other() -> None:
    rng = np.random.default_rng(34)
    failing, middling = [0.1, 0.0, 0.05, 0.3, 0.55], [0.0, 0.05, 0.15, 0.35, 0.45]
    shares = np.array([middling, middling, failing, failing])
    assert shares @ np.arange(1, 6) == pytest.approx(np.full(4, 4.2))
    for n_scenarios in (30, 100):
        found = [against_best(rubric_scores(rng, shares, n_scenarios), rng, n_draws=1000) for _ in range(500)]
        dropped = np.mean([[cell.can_be_dropped for cell in cells] for cells in found], axis=0)
        assert dropped.max() <= 0.085


def test_scenarios_buy_the_power_to_drop() -> None:
    rng, means = np.random.default_rng(35), np.linspace(3.0, 4.0, 6)
    kept = [
        np.mean([
            sum(cell.may_be_best for cell in against_best(clustered_scores(rng, means, n), rng, n_draws=1000))
            for _ in range(40)
        ])
        for n in (10, 40, 160)
    ]  # fmt: skip
    assert kept[0] > kept[1] > kept[2] >= 1.0
    assert kept[2] < 1.3
