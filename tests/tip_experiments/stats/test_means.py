"""Means of cells: standard errors against statsmodels, coverage with known truth, and who gets no interval."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.clustered import clustered_mean
from tip_experiments.stats.intervals import Verdict
from tip_experiments.stats.means import CellMean, cell_means

_SCALE = np.arange(1.0, 6.0)


def _one_cell(per_scenario: Sequence[float], n_each: int = 1) -> CellMean:
    means = np.array([per_scenario])
    return cell_means(CellScores(means * n_each, np.full(means.shape, n_each)))[0]


@pytest.mark.parametrize("seed", range(4))
def test_the_standard_error_is_that_of_statsmodels_clustered_regression(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, n_cells, n_scenarios = 900, 3, 8 + 15 * seed
    cells = rng.choice(n_cells, n, p=[0.5, 0.3, 0.2])
    scenarios = rng.choice(n_scenarios, n, p=rng.dirichlet(np.full(n_scenarios, 2.0)))  # uneven on purpose
    values = np.clip(np.round(rng.normal(3.5, 1.0, n) + rng.normal(0, 0.8, n_scenarios)[scenarios]), 1, 5)
    for cell, found in enumerate(cell_means(CellScores.from_rows(values, cells, scenarios, n_cells, n_scenarios))):
        of_cell = cells == cell
        reference = sm.OLS(values[of_cell], np.ones(of_cell.sum())).fit(
            cov_type="cluster", cov_kwds={"groups": scenarios[of_cell]}
        )
        assert found.mean == pytest.approx(reference.params[0], abs=1e-12)
        assert found.standard_error == pytest.approx(reference.bse[0], abs=1e-10)
        one_by_one = clustered_mean(values[of_cell], scenarios[of_cell])
        assert one_by_one is not None
        assert found.standard_error == pytest.approx(one_by_one.standard_error, abs=1e-12)


def test_by_hand_twelve_scenarios_without_skewness_get_students_interval() -> None:
    per_scenario = [2.0, 3.0, 4.0] * 4
    found, reference = _one_cell(per_scenario, n_each=5), stats.sem(per_scenario)
    low, high = stats.t.interval(0.95, 11, loc=3.0, scale=reference)
    assert found.verdict is Verdict.OK
    assert (found.mean, found.n_scored, found.n_scenarios) == (3.0, 60, 12)
    assert (found.standard_error, found.low, found.high) == pytest.approx((reference, low, high))


def test_a_cell_nobody_scored_has_neither_mean_nor_interval() -> None:
    found = cell_means(CellScores(np.array([[0.0, 0.0], [4.0, 3.0]]), np.array([[0, 0], [1, 1]])))
    assert found[0] == CellMean(None, None, None, None, 0, 0, Verdict.UNSCORED)
    assert found[1].mean == 3.5


def test_one_scenario_gives_a_mean_and_nothing_to_judge_it_by() -> None:
    found = cell_means(CellScores(np.array([[13.0, 0.0]]), np.array([[4, 0]])))[0]
    assert found == CellMean(3.25, None, None, None, 4, 1, Verdict.ONE_SCENARIO)


@pytest.mark.parametrize("value", [5.0, 0.1, 0.0])
def test_constant_scores_get_no_interval_however_many_there_are(value: float) -> None:
    counts = np.random.default_rng(0).integers(1, 9, (1, 200))
    found = cell_means(CellScores(value * counts, counts))[0]
    assert found.verdict is Verdict.CONSTANT
    assert found.mean == pytest.approx(value)
    assert (found.low, found.high) == (None, None)


def test_two_scenarios_show_a_wide_interval_and_no_confidence() -> None:
    found = _one_cell([3.0, 4.0], n_each=50)
    assert found.verdict is Verdict.TOO_FEW
    assert found.low == pytest.approx(3.5 - 12.706 * 0.5, abs=1e-3)
    assert found.high == pytest.approx(3.5 + 12.706 * 0.5, abs=1e-3)


def test_nine_scenarios_are_too_few_and_ten_are_not() -> None:
    nine, ten = (_one_cell(np.linspace(2, 4, n).tolist()) for n in (9, 10))
    assert (nine.verdict, ten.verdict) == (Verdict.TOO_FEW, Verdict.OK)
    assert nine.high is not None
    assert ten.high is not None
    assert nine.high - 3.0 > 1.5 * (ten.high - 3.0)


def test_ten_scenarios_with_one_failure_among_perfect_ones_are_too_few_and_two_hundred_are_not() -> None:
    assert _one_cell([5.0] * 9 + [1.0]).verdict is Verdict.TOO_FEW
    assert _one_cell([5.0] * 99 + [1.0]).verdict is Verdict.TOO_FEW
    assert _one_cell([5.0] * 198 + [1.0] * 2).verdict is Verdict.OK


def test_most_samples_of_few_scenarios_from_a_heavy_tail_are_flagged_and_few_of_a_harmless_one() -> None:
    rng = np.random.default_rng(4)
    piled = rng.choice(_SCALE, (2000, 10), p=[0.05, 0.02, 0.03, 0.05, 0.85])
    harmless = rng.normal(3, 1, (2000, 10))
    flagged = [
        np.mean([found.verdict is not Verdict.OK for found in cell_means(_of_tables(values))])
        for values in (piled, harmless)
    ]
    assert flagged[0] > 0.85
    assert flagged[1] < 0.08


def test_an_interval_reaches_further_into_the_tail() -> None:
    values = [5.0] * 85 + [4.0] * 8 + [3.0] * 3 + [2.0] * 2 + [1.0] * 2
    found, mirrored = _one_cell(values), _one_cell([6.0 - value for value in values])
    assert found.mean is not None
    assert found.low is not None
    assert found.high is not None
    assert found.mean - found.low > 1.3 * (found.high - found.mean)
    assert (mirrored.low, mirrored.high) == (pytest.approx(6 - found.high), pytest.approx(6 - found.low))


def test_intervals_follow_shift_and_scale_and_do_not_see_the_order_of_scenarios() -> None:
    rng = np.random.default_rng(6)
    values, shuffled = rng.gamma(1.0, 1.0, 60), rng.permutation(60)
    one, other = _one_cell(values.tolist()), _one_cell((100.0 + 3.0 * values[shuffled]).tolist())
    assert one.low is not None
    assert one.high is not None
    assert (other.low, other.high) == (pytest.approx(100 + 3 * one.low), pytest.approx(100 + 3 * one.high))


def test_a_scenario_that_dominates_widens_the_interval_as_fewer_scenarios_would() -> None:
    per_scenario = np.array([[2.0, 3.0, 4.0] * 4])
    even, uneven = np.full((1, 12), 3), np.array([[1] * 11 + [25]])
    widths = []
    for counts in (even, uneven):
        found = cell_means(CellScores(per_scenario * counts, counts))[0]
        assert found.standard_error is not None
        assert found.high is not None
        assert found.mean is not None
        widths.append((found.high - found.mean) / found.standard_error)
    assert widths[1] > 1.5 * widths[0]


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        cell_means(CellScores(np.ones((1, 2)), np.ones((1, 2), np.int64)), confidence)


class _World(NamedTuple):
    """Where scores come from: a scenario draws what it is worth, its candidates scatter around that."""

    name: str
    shares: tuple[float, ...]
    """Of the values 1 to 5 of a scenario."""
    n_scenarios: int
    most: int
    """Candidates per scenario: from 1 to this many, at random; 1 gives unclustered scores."""
    scatter: float
    """Chance that a candidate stands one point off its scenario, up or down."""


_PILED = (0.02, 0.02, 0.03, 0.08, 0.85)
_WORLDS = [
    *(
        _World(f"{name}, {n} scenarios, up to {most}", shares, n, most, 0.2)
        for name, shares in {
            "symmetric": (0.1, 0.2, 0.4, 0.2, 0.1),
            "skewness 0.7": (0.35, 0.3, 0.2, 0.1, 0.05),
            "skewness -0.7": (0.06, 0.12, 0.17, 0.3, 0.35),
        }.items()
        for n in (10, 14, 30)
        for most in (1, 10)
    ),
    *(
        _World(f"{name}, 100 scenarios, up to {most}", shares, 100, most, scatter)
        for name, shares in {
            "piled high": _PILED,
            "piled low": _PILED[::-1],
            "five or four": (0.0, 0.0, 0.0, 0.15, 0.85),
            "one or five": (0.5, 0.0, 0.0, 0.0, 0.5),
            "one in six fails": (1 / 6, 0.0, 0.0, 0.0, 5 / 6),
            "flat": (0.2,) * 5,
            "rare failures": (0.04, 0.0, 0.01, 0.35, 0.6),
        }.items()
        for most, scatter in ((1, 0.0), (6, 0.15))
    ),
]


def _of_tables(values: NDArray[np.float64]) -> CellScores:
    return CellScores(values, np.ones(values.shape, np.int64))


def _simulate(world: _World, n_cells: int, rng: np.random.Generator) -> tuple[CellScores, float]:
    """Independent cells and the true mean of all of them. Candidates off the scale are put back on its end."""
    worth = rng.choice(5, (n_cells, world.n_scenarios), p=world.shares)
    counts = rng.integers(1, world.most + 1, worth.shape)
    expected = np.array([
        np.clip(value + np.array([-1, 0, 1]), 1, 5) @ [world.scatter, 1 - 2 * world.scatter, world.scatter]
        for value in _SCALE
    ])  # fmt: skip
    up = rng.binomial(counts, world.scatter)
    down = rng.binomial(counts - up, world.scatter / (1 - world.scatter))
    sums = (worth + 1.0) * counts + np.where(worth < 4, up, 0) - np.where(worth > 0, down, 0)
    return CellScores(sums, counts), float(expected @ world.shares)


@pytest.mark.parametrize("world", _WORLDS, ids=[world.name for world in _WORLDS])
def test_intervals_cover_the_truth_between_92_and_98_times_in_a_hundred(world: _World) -> None:
    scores, truth = _simulate(world, 6000, np.random.default_rng(20))
    trusted = [found for found in cell_means(scores) if found.verdict is Verdict.OK]
    covered = np.mean([found.low <= truth <= found.high for found in trusted])  # type: ignore[operator]
    assert len(trusted) > 0.75 * 6000
    assert 0.92 <= covered <= 0.98


@pytest.mark.parametrize(("skew", "n_scenarios"), [(0.4, 10), (0.75, 10), (0.75, 20), (2.0, 100), (4.0, 100)])
def test_intervals_of_continuous_skewed_scores_cover_too(skew: float, n_scenarios: int) -> None:
    rng, shape = np.random.default_rng(21), 4 / skew**2
    found = cell_means(_of_tables(rng.gamma(shape, 1.0, (6000, n_scenarios))))
    trusted = [cell for cell in found if cell.verdict is Verdict.OK]
    assert len(trusted) > 0.85 * 6000
    assert 0.92 <= np.mean([cell.low <= shape <= cell.high for cell in trusted]) <= 0.98  # type: ignore[operator]


@pytest.mark.parametrize(("n_scenarios", "at_least"), [(2, 0.89), (3, 0.88), (5, 0.92), (9, 0.96)])
def test_the_wide_interval_of_too_few_scenarios_mostly_holds_even_for_skewed_scores(
    n_scenarios: int, at_least: float
) -> None:
    rng = np.random.default_rng(22)
    found = cell_means(_of_tables(rng.exponential(1.0, (6000, n_scenarios))))
    assert np.mean([cell.low <= 1.0 <= cell.high for cell in found]) > at_least  # type: ignore[operator]
