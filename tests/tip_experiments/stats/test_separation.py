"""How many more scenarios: against statsmodels' power, by playing it out, and where nothing can be said."""

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower
from support.leaderboards import clustered_scores

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.paired import paired_differences
from tip_experiments.stats.separation import Outcome, scenarios_needed, separate_first_two


def _of(differences: list[float]) -> CellScores:
    sums = np.array([3.0 + np.array(differences), np.full(len(differences), 3.0)])
    return CellScores(sums, np.ones(sums.shape, np.int64))


@pytest.mark.parametrize("effect", [0.05, 0.089, 0.0883, 0.2, 0.5, 1.0, 2.0])
def test_the_number_needed_is_that_of_statsmodels(effect: float) -> None:
    reference = TTestPower().solve_power(effect, alpha=0.05, power=0.8)
    assert scenarios_needed(effect, 0.05, 0.8) == pytest.approx(np.ceil(reference), abs=1)


def test_by_hand_an_effect_of_half_a_deviation_takes_34_scenarios() -> None:
    # the textbook's number for two-sided 5 % and power 80 %
    assert scenarios_needed(0.5, 0.05, 0.8) == 34
    values = [0.5 + 1.0, 0.5 - 1.0] * 6  # mean 0.5, deviation sqrt(12 / 11)
    found = separate_first_two(_of(values))
    needed = scenarios_needed(0.5 / (12 / 11) ** 0.5, 0.05, 0.8)
    assert needed is not None
    assert (found.outcome, found.n_more, found.n_shared) == (Outcome.NEEDS_MORE, needed - 12, 12)
    assert (found.first, found.second, found.difference) == (0, 1, 0.5)
    assert found.n_more_at_least is not None
    assert 1 <= found.n_more_at_least < needed - 12
    assert str(found.n_more) in found.reason


@pytest.mark.parametrize(("effect", "level", "power"), [(30.0, 0.05, 0.8), (3.0, 0.001, 0.99), (0.4, 1e-4, 0.99)])
def test_extreme_demands_have_an_answer(effect: float, level: float, power: float) -> None:
    needed = scenarios_needed(effect, level, power)
    assert needed is not None
    assert needed >= 2
    assert scenarios_needed(1e-5, level, power) is None


def test_as_many_scenarios_as_it_says_separate_as_often_as_it_says() -> None:
    rng, effect = np.random.default_rng(1), 0.45
    needed = scenarios_needed(effect, 0.05, 0.8)
    assert needed is not None
    found = [separate_first_two(_of(rng.normal(effect, 1.0, needed).tolist())) for _ in range(800)]
    share = np.mean([one.outcome is Outcome.SEPARATED and one.first == 0 for one in found])
    assert share == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize("n_cells", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_equal_cells_are_rarely_called_separated_although_the_first_two_are_picked(n_cells: int) -> None:
    rng = np.random.default_rng(2)
    found = [separate_first_two(clustered_scores(rng, np.full(n_cells, 3.0), 15)).outcome for _ in range(600)]
    assert np.mean([outcome is Outcome.SEPARATED for outcome in found]) <= 0.065
    if n_cells == 2:
        assert np.mean([outcome is Outcome.SEPARATED for outcome in found]) >= 0.03


def test_first_and_second_are_those_with_the_highest_means_and_p_is_that_of_their_pair() -> None:
    scores = clustered_scores(np.random.default_rng(3), np.array([3.0, 2.0, 4.0, 3.3]), 50, missing=0.2)
    found = separate_first_two(scores)
    pair = next(pair for pair in paired_differences(scores) if (pair.first, pair.second) == (2, 3))
    assert (found.first, found.second, found.outcome) == (2, 3, Outcome.SEPARATED)
    assert (found.n_more, found.n_more_at_least, found.p_value) == (0, 0, pair.p_value)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (CellScores(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[1, 1], [0, 0]])), "Fewer than two"),
        (_of([0.2, 0.4] * 4), "share 8"),
        (_of([0.5] * 40), "the same on every"),
        (_of([0.0] * 11 + [4.0]), "too skewed"),
        (_of([1e-6 + 1.0, 1e-6 - 1.0] * 20), "more than 10,000,000"),
        (_of([1.0, -1.0] * 20), "not ahead"),
    ],
)
def test_where_nothing_can_be_said_it_says_why(scores: CellScores, reason: str) -> None:
    found = separate_first_two(scores)
    assert found.outcome is Outcome.CANNOT_SAY
    assert reason in found.reason
    assert (found.n_more, found.n_more_at_least) == (None, None)


def test_a_power_below_the_level_is_refused() -> None:
    with pytest.raises(ValueError, match=r"level 0\.05 and power 0\.01"):
        separate_first_two(_of([1.0, 2.0]), power=0.01)
