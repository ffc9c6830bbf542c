"""Ratings from pairs: against evalica and statsmodels, by hand, under stress, and whether their intervals cover."""

import math
from typing import NamedTuple

import evalica
import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import expit

from tip_experiments.stats.comparisons import Comparisons, both_orders
from tip_experiments.stats.ratings import ELO_PER_LOGIT, Features, bradley_terry, plain_and_controlled


class World(NamedTuple):
    comparisons: Comparisons
    longer: NDArray[np.float64]


def _draw(
    rng: np.random.Generator, strengths: list[float], n_scenarios: int, *,
    position: float = 0.3, per_length: float = 0.0, verbosity: float = 0.0, ties: float = 0.15, spread: float = 0.7,
) -> World:  # fmt: skip
    """Every pair of cells in both orders in each scenario, in which some cells happen to be better than elsewhere."""
    n_cells = len(strengths)
    first, second = np.array([(one, other) for one in range(n_cells) for other in range(n_cells) if one != other]).T
    scenarios = np.repeat(np.arange(n_scenarios), first.size)
    first, second = np.tile(first, n_scenarios), np.tile(second, n_scenarios)
    local = np.array(strengths) + rng.normal(0.0, spread, (n_scenarios, n_cells))
    lengths = verbosity * np.arange(n_cells) + rng.normal(0.0, 1.0, (n_scenarios, n_cells))
    longer = lengths[scenarios, first] - lengths[scenarios, second]
    odds = local[scenarios, first] - local[scenarios, second] + position + per_length * longer
    outcome = (rng.random(first.size) < expit(odds)).astype(np.float64)
    outcome[rng.random(first.size) < ties] = 0.5
    return World(Comparisons(first, second, outcome, scenarios, n_cells), longer)


def _logits(comparisons: Comparisons, **options: bool) -> list[float]:
    cells = bradley_terry(comparisons, **options).cells
    return [cell.logit.value for cell in cells if cell.logit is not None]


@pytest.mark.parametrize("seed", range(4))
def test_plain_ratings_are_those_of_evalica(seed: int) -> None:
    rng = np.random.default_rng(seed)
    comparisons = _draw(rng, [0.0, 0.4, -0.3, 1.0, 0.2], 15).comparisons
    winners = {1.0: evalica.Winner.X, 0.5: evalica.Winner.Draw, 0.0: evalica.Winner.Y}
    scores = evalica.bradley_terry(
        comparisons.first.tolist(), comparisons.second.tolist(), [winners[value] for value in comparisons.outcome],
        tolerance=1e-14, limit=100_000,
    ).scores.sort_index()  # fmt: skip
    expected = np.log(scores.to_numpy())
    found = np.array(_logits(comparisons, has_position=False))
    assert found == pytest.approx(expected - expected.mean(), abs=1e-6)


def test_ratings_position_and_features_are_those_of_a_clustered_logistic_regression() -> None:
    rng = np.random.default_rng(3)
    comparisons, longer = _draw(rng, [0.0, 0.5, -0.4], 25, per_length=0.5)
    found = bradley_terry(comparisons, features=Features(("log words",), longer[:, None]), reference=0)
    cells = np.eye(3)[comparisons.first] - np.eye(3)[comparisons.second]
    design = np.column_stack([cells[:, 1:], np.ones(longer.size), longer])
    reference = sm.GLM(comparisons.outcome, design, family=sm.families.Binomial()).fit(
        tol=1e-14, cov_type="cluster", cov_kwds={"groups": comparisons.scenarios, "use_correction": False}
    )
    estimates = [found.cells[1].logit, found.cells[2].logit, found.position, found.coefficients[0].logit]
    errors = reference.bse * math.sqrt(25 / 24)
    for estimate, value, error in zip(estimates, reference.params, errors, strict=True):
        assert estimate is not None
        assert estimate.value == pytest.approx(value, abs=1e-6)
        assert estimate.standard_error == pytest.approx(error, abs=1e-6)


def test_by_hand_three_wins_to_one_are_odds_of_three() -> None:
    comparisons = Comparisons(
        np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]), np.array([1.0, 1.0, 0.0, 1.0]), np.arange(4), 2
    )
    found = bradley_terry(comparisons, reference=1, has_position=False)
    assert found.cells[0].logit is not None
    assert found.cells[0].elo is not None
    assert found.cells[0].logit.value == pytest.approx(math.log(3.0))
    assert found.cells[0].elo.value == pytest.approx(1000.0 + ELO_PER_LOGIT * math.log(3.0))
    # each verdict's residual: 1/4, 1/4, 1/4, -3/4; information 4 * 3/16; factor 4/3
    assert found.cells[0].logit.standard_error == pytest.approx(math.sqrt(4 / 3 * 12 / 16) / (12 / 16))
    assert (found.cells[0].share_won, found.cells[1].share_won) == (0.75, 0.25)
    assert found.cells[1].logit == (0.0, 0.0, None, None)


def test_a_tied_verdict_counts_half_for_each_side() -> None:
    first, second, scenarios = np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([0, 1, 2])
    tied = Comparisons(first, second, np.array([1.0, 0.5, 0.0]), scenarios, 2, weights=np.array([3.0, 2.0, 1.0]))
    split = Comparisons(np.zeros(6, np.int64), np.ones(6, np.int64), np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
                        np.array([0, 0, 0, 1, 1, 2]), 2)  # fmt: skip
    one, other = bradley_terry(tied, has_position=False), bradley_terry(split, has_position=False)
    assert one.cells[0].logit == pytest.approx(other.cells[0].logit)
    assert (one.n_ties, other.n_ties) == (1, 0)


def test_swapping_every_pair_and_its_outcome_changes_only_the_sign_of_the_position() -> None:
    comparisons = _draw(np.random.default_rng(8), [0.0, 0.6, 0.1], 20).comparisons
    swapped = Comparisons(comparisons.second, comparisons.first, 1.0 - comparisons.outcome, comparisons.scenarios, 3)
    one, other = bradley_terry(comparisons), bradley_terry(swapped)
    assert one.position is not None
    assert other.position is not None
    assert one.position.value == pytest.approx(-other.position.value)
    assert [cell.logit for cell in one.cells] == [pytest.approx(cell.logit) for cell in other.cells]


def test_the_names_of_cells_and_scenarios_and_the_order_of_rows_do_not_matter() -> None:
    rng = np.random.default_rng(9)
    drawn = _draw(rng, [0.0, 0.6, 0.1, -0.5], 20).comparisons
    rows, renamed = rng.permutation(drawn.first.size), np.array([2, 0, 3, 1])
    other = Comparisons(renamed[drawn.first][rows], renamed[drawn.second][rows], drawn.outcome[rows],
                        7 - 3 * drawn.scenarios[rows], 4)  # fmt: skip
    one, again = bradley_terry(drawn), bradley_terry(other)
    for cell in range(4):
        assert again.cells[renamed[cell]].logit == pytest.approx(one.cells[cell].logit)
    assert again.difference(0, 3) == pytest.approx(one.difference(1, 2))


def test_judging_every_pair_ten_times_in_its_scenario_tells_nothing_new() -> None:
    drawn = _draw(np.random.default_rng(10), [0.0, 0.6, 0.1], 20).comparisons
    columns = (drawn.first, drawn.second, drawn.outcome, drawn.scenarios)
    first, second, outcome, scenarios = (np.tile(column, 10) for column in columns)
    often = Comparisons(first, second, outcome, scenarios, 3)
    one, other = bradley_terry(drawn), bradley_terry(often)
    assert [cell.logit for cell in other.cells] == [pytest.approx(cell.logit) for cell in one.cells]


def test_a_cell_that_wins_always_gets_a_finite_rating_a_wide_interval_and_a_remark() -> None:
    drawn = _draw(np.random.default_rng(11), [0.0, 0.3, 0.1], 20, ties=0.0).comparisons
    outcome = np.where(drawn.first == 2, 1.0, np.where(drawn.second == 2, 0.0, drawn.outcome))
    found = bradley_terry(Comparisons(drawn.first, drawn.second, outcome, drawn.scenarios, 3))
    assert found.is_separated
    assert any("separate perfectly" in remark for remark in found.remarks)
    best, other = found.cells[2].logit, found.cells[0].logit
    assert best is not None
    assert other is not None
    assert other.value < best.value < 10.0
    assert best.standard_error is not None
    assert other.standard_error is not None
    assert best.standard_error > 1.5 * other.standard_error
    assert best.low is not None
    assert best.low > 0.0


def test_a_judge_who_always_takes_the_first_is_seen_as_such() -> None:
    drawn = _draw(np.random.default_rng(12), [0.0, 0.3, 0.1], 12).comparisons
    found = bradley_terry(Comparisons(drawn.first, drawn.second, np.ones(drawn.first.size), drawn.scenarios, 3))
    assert found.is_separated
    assert found.position is not None
    assert found.position.low is not None
    assert found.position.low > 0.0
    assert (found.orders.share, found.orders.n_first_twice, found.orders.n_texts) == (1.0, 36, 36)
    assert [cell.logit.value for cell in found.cells if cell.logit] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_cells_that_nothing_connects_have_no_rating_and_are_named() -> None:
    # 0-1-2 hang together, 3-4 have fewer verdicts, 5 has none
    first = np.array([0, 1, 1, 2, 2, 0, 3, 4])
    second = np.array([1, 0, 2, 1, 0, 2, 4, 3])
    outcome = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    comparisons = Comparisons(first, second, outcome, np.arange(8), 6)
    found = bradley_terry(comparisons)
    assert [cell.logit is None for cell in found.cells] == [False, False, False, True, True, True]
    assert any("3 of 6 cells" in remark and "3, 4, 5" in remark for remark in found.remarks)
    assert np.isnan(found.covariance[3:]).all()
    assert found.difference(0, 3) is None
    around_4 = bradley_terry(comparisons, reference=4)
    assert [cell.logit is None for cell in around_4.cells] == [True, True, True, False, False, True]


def test_no_verdicts_and_one_scenario_give_no_intervals() -> None:
    empty = np.array([], dtype=np.int64)
    nothing = bradley_terry(Comparisons(empty, empty, np.array([]), empty, 2))
    assert [cell.logit for cell in nothing.cells] == [None, None]
    assert nothing.remarks == ("No verdicts: no cell is rated.",)
    drawn = _draw(np.random.default_rng(13), [0.0, 0.1, 0.1], 20).comparisons
    one = bradley_terry(Comparisons(drawn.first, drawn.second, drawn.outcome, np.zeros(drawn.first.size, np.int64), 3))
    assert one.cells[0].logit is not None
    assert one.cells[0].logit.low is None
    assert any("1 scenarios, below" in remark for remark in one.remarks)


def test_what_the_cells_explain_wholly_is_reported_as_untold() -> None:
    first, second = np.zeros(30, np.int64), np.ones(30, np.int64)
    outcome = np.tile([1.0, 0.0, 1.0], 10)
    found = bradley_terry(Comparisons(first, second, outcome, np.arange(30), 2))
    assert found.position is None
    assert any("being shown first cannot be told" in remark for remark in found.remarks)
    drawn = _draw(np.random.default_rng(14), [0.0, 0.1, 0.1], 10).comparisons
    of_the_cell = (np.array([3.0, 5.0, 9.0])[drawn.first] - np.array([3.0, 5.0, 9.0])[drawn.second])[:, None]
    controlled = bradley_terry(drawn, features=Features(("bullets",), of_the_cell))
    assert controlled.coefficients == (("bullets", None),)
    assert [cell.logit for cell in controlled.cells] == [cell.logit for cell in bradley_terry(drawn).cells]


def test_at_equal_length_a_cell_that_only_writes_more_loses_its_lead() -> None:
    drawn = _draw(np.random.default_rng(15), [0.0, 0.0, 0.0], 400, per_length=0.8, verbosity=1.0)
    plain, controlled = plain_and_controlled(drawn.comparisons, Features(("log words",), drawn.longer[:, None]))
    lead, at_equal_length = plain.difference(2, 0), controlled.difference(2, 0)
    assert lead is not None
    assert at_equal_length is not None
    assert lead.low is not None
    assert lead.low > 0.5
    assert abs(at_equal_length.value) < 0.3
    slope = controlled.coefficients[0].logit
    assert slope is not None
    assert slope.low is not None
    assert slope.low > 0.3


def test_the_unit_of_a_feature_changes_its_coefficient_and_nothing_else() -> None:
    drawn = _draw(np.random.default_rng(16), [0.0, 0.4, 0.2], 30, per_length=0.5)
    _, one = plain_and_controlled(drawn.comparisons, Features(("words",), drawn.longer[:, None]))
    _, other = plain_and_controlled(drawn.comparisons, Features(("words",), drawn.longer[:, None] * 1e4))
    assert one.coefficients[0].logit is not None
    assert other.coefficients[0].logit is not None
    assert other.coefficients[0].logit.value * 1e4 == pytest.approx(one.coefficients[0].logit.value)
    assert [cell.logit for cell in other.cells] == [pytest.approx(cell.logit) for cell in one.cells]


def test_orders_are_compared_by_pair_of_tips() -> None:
    # by scenario: 0 wins in both orders; the first wins twice; a tie, then 1 wins; one order only
    comparisons = Comparisons(
        np.array([0, 1, 0, 1, 0, 1, 0]), np.array([1, 0, 1, 0, 1, 0, 1]),
        np.array([1.0, 0.0, 1.0, 1.0, 0.5, 1.0, 0.0]), np.array([0, 0, 1, 1, 2, 2, 3]), 2,
    )  # fmt: skip
    assert both_orders(comparisons) == (3, 2, 1, 0)
    by_text = Comparisons(np.array([0, 1]), np.array([1, 0]), np.array([1.0, 1.0]), np.zeros(2, np.int64), 2,
                          texts=np.array([5, 6]))  # fmt: skip
    assert both_orders(by_text).share is None


def test_all_faults_of_the_input_are_listed_at_once() -> None:
    with pytest.raises(ValueError, match=r"first are no cell.*1: 9.*with itself.*2: 1.*outcome are none.*0: 0\.7"):
        Comparisons(np.array([0, 9, 1]), np.array([1, 0, 1]), np.array([0.7, 1.0, 0.0]), np.arange(3), 2)
    with pytest.raises(ValueError, match="one length"):
        Comparisons(np.array([0]), np.array([1, 0]), np.array([1.0]), np.arange(1), 2)
    fine = Comparisons(np.array([0, 1]), np.array([1, 0]), np.array([1.0, 1.0]), np.arange(2), 2)
    with pytest.raises(ValueError, match=r"'x' are not finite.*1: nan.*confidence.*reference"):
        bradley_terry(fine, features=Features(("x",), np.array([[1.0], [np.nan]])), confidence=1.5, reference=2)
    with pytest.raises(ValueError, match=r"shape \(2, 1\)"):
        bradley_terry(fine, features=Features(("x",), np.ones((3, 1))))


def test_fifty_cells_with_sparse_and_lopsided_verdicts_are_all_rated() -> None:
    rng = np.random.default_rng(17)
    for n_verdicts in (100, 300, 2000):
        first = rng.integers(0, 50, n_verdicts)
        second = (first + rng.integers(1, 50, n_verdicts)) % 50
        outcome = (rng.random(n_verdicts) < expit(0.3 * (first - second))).astype(np.float64)
        found = bradley_terry(Comparisons(first, second, outcome, rng.integers(0, 40, n_verdicts), 50))
        values = [cell.logit.value for cell in found.cells if cell.logit is not None]
        assert len(values) >= 45
        assert np.abs(values).max() < 15.0
        assert np.corrcoef(values, np.arange(50)[[cell.logit is not None for cell in found.cells]])[0, 1] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("n_scenarios", [10, 30, 100])
def test_intervals_of_ratings_position_and_differences_cover(n_scenarios: int) -> None:
    strengths = [-0.5, 0.0, 0.1, 0.4]
    # Scenarios that differ flatten the average odds: what is estimated is the fit to very many scenarios.
    limit = bradley_terry(_draw(np.random.default_rng(0), strengths, 60_000).comparisons)
    truth = [cell.logit.value for cell in limit.cells if cell.logit is not None]
    assert limit.position is not None
    rng = np.random.default_rng(n_scenarios)
    hits = []
    for _ in range(500):
        found = bradley_terry(_draw(rng, strengths, n_scenarios).comparisons)
        asked = [found.cells[0].logit, found.position, found.difference(3, 0)]
        expected = [truth[0], limit.position.value, truth[3] - truth[0]]
        hits.append([
            one is not None and one.low is not None and one.high is not None and one.low <= value <= one.high
            for one, value in zip(asked, expected, strict=True)
        ])  # fmt: skip
    shares = np.mean(hits, axis=0)
    assert ((shares >= 0.92) & (shares <= 0.98)).all(), shares
