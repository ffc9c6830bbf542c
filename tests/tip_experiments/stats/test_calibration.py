"""An automatic judge against people: statsmodels as reference, by hand, and whether the intervals cover."""

from typing import NamedTuple

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from tip_experiments.stats.calibration import Calibration, calibrate, powered_mean
from tip_experiments.stats.estimates import Estimate

Floats = NDArray[np.float64]
NAN = np.nan


class Scored(NamedTuple):
    human: Floats
    automatic: Floats
    scenarios: NDArray[np.int64]


def _draw(rng: np.random.Generator, n_scenarios: int, *, noise: float = 0.4, per_scenario: int = 5) -> Scored:
    """People's scores from 1 to 5, automatic ones that are half a point too high and too close together."""
    scenarios = np.repeat(np.arange(n_scenarios), per_scenario)
    n = scenarios.size
    worth = 3.0 + rng.normal(0.0, 0.5, n_scenarios)[scenarios] + rng.normal(0.0, 0.7, n)
    human = np.clip(np.round(worth + rng.normal(0.0, 0.25, n_scenarios)[scenarios] + rng.normal(0.0, 0.4, n)), 1.0, 5.0)
    automatic = np.clip(np.round(2.0 * (3.5 + 0.6 * (worth - 3.0) + rng.normal(0.0, noise, n))) / 2.0, 1.0, 5.0)
    return Scored(human, automatic, scenarios)


def _calibrated(scored: Scored) -> Calibration:
    found = calibrate(*scored)
    assert found is not None
    return found


def _covers(estimate: Estimate | None, truth: float) -> bool:
    return estimate is not None and estimate.low is not None and estimate.high is not None and (
        estimate.low <= truth <= estimate.high
    )  # fmt: skip


def test_the_line_is_that_of_a_regression_and_its_errors_leave_out_one_scenario_at_a_time() -> None:
    scored = _draw(np.random.default_rng(1), 25)
    found = _calibrated(scored)
    design = sm.add_constant(scored.automatic - 4.2)
    whole = sm.OLS(scored.human, design).fit()
    without = np.array([
        sm.OLS(scored.human[kept], design[kept]).fit().params
        for kept in (scored.scenarios != scenario for scenario in range(25))
    ])  # fmt: skip
    errors = np.sqrt(24 / 25 * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    meaning = found.meaning(4.2)
    assert found.slope is not None
    assert meaning is not None
    assert found.slope[:2] == pytest.approx((whole.params[1], errors[1]), abs=1e-9)
    assert meaning.expected[:2] == pytest.approx((whole.params[0], errors[0]), abs=1e-9)
    assert meaning.spread == pytest.approx(np.sqrt(whole.mse_resid))
    assert found.correlation is not None
    assert found.correlation.value == pytest.approx(np.corrcoef(scored.human, scored.automatic)[0, 1])


def test_with_many_scenarios_the_errors_are_the_clustered_ones_of_statsmodels() -> None:
    scored = _draw(np.random.default_rng(2), 2000)
    found = _calibrated(scored)
    reference = sm.OLS(scored.human, sm.add_constant(scored.automatic)).fit(
        cov_type="cluster", cov_kwds={"groups": scored.scenarios}
    )
    assert found.slope is not None
    assert found.slope.standard_error == pytest.approx(reference.bse[1], rel=0.01)


def test_by_hand_bias_and_what_a_score_means() -> None:
    # people give the automatic score less one, and half a point more or less in turn
    automatic = np.resize([2.0, 2.0, 4.0, 4.0], 40)
    human = automatic - 1.0 + np.resize([0.5, -0.5], 40)
    found = calibrate(human, automatic, np.arange(40))
    assert found is not None
    assert found.bias.value == pytest.approx(1.0)
    assert found.slope is not None
    assert found.slope.value == pytest.approx(1.0)
    inside, outside = found.meaning(3.0), found.meaning(4.5)
    assert inside is not None
    assert outside is not None
    assert inside.expected.value == pytest.approx(2.0)
    assert (inside.is_extrapolated, outside.is_extrapolated) == (False, True)
    assert inside.spread == pytest.approx(0.5 * np.sqrt(40 / 38))


def test_turning_the_automatic_scale_round_changes_the_sign_of_the_slope_and_no_meaning() -> None:
    scored = _draw(np.random.default_rng(3), 20)
    one, other = _calibrated(scored), _calibrated(scored._replace(automatic=100.0 - 10.0 * scored.automatic))
    assert one.slope is not None
    assert other.slope is not None
    assert other.slope.value == pytest.approx(-one.slope.value / 10.0)
    for score in (2.0, 4.5):
        meant, again = one.meaning(score), other.meaning(100.0 - 10.0 * score)
        assert meant is not None
        assert again is not None
        assert again.expected == pytest.approx(meant.expected)


def test_what_the_data_cannot_tell_is_said() -> None:
    assert calibrate(np.array([NAN, 1.0]), np.array([1.0, NAN]), np.arange(2)) is None
    scored = _draw(np.random.default_rng(4), 9)
    few = _calibrated(scored)
    assert few.reason == "too few scenarios for intervals: 9, they need 10"
    assert few.slope is not None
    assert few.slope.standard_error is not None
    assert few.slope.low is None
    flat = _calibrated(scored._replace(automatic=np.full(45, 3.7)))
    assert (flat.slope, flat.correlation, flat.meaning(3.0)) == (None, None, None)
    assert flat.reason == "the automatic scores do not vary"
    assert flat.bias.value == pytest.approx(3.7 - scored.human.mean())
    alone = calibrate(np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.zeros(3, np.int64))
    assert alone is not None
    assert alone.slope == (pytest.approx(0.5), None, None, None)
    exact = _calibrated(scored._replace(automatic=scored.human))
    assert exact.correlation is None
    in_one_scenario = np.where(scored.scenarios == 0, np.arange(45.0), 3.0)
    leaning = _calibrated(_draw(np.random.default_rng(4), 20)._replace(
        automatic=np.r_[in_one_scenario, np.full(55, 3.0)]))  # fmt: skip
    assert leaning.slope is not None
    assert leaning.slope[1:] == (None, None, None)


def test_an_automatic_judge_that_is_right_up_to_a_constant_gives_the_mean_of_all() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(1, 6, 60).astype(np.float64)
    human = np.where(np.arange(60) % 4 == 0, truth, NAN)
    found = powered_mean(human, truth + 7.0, np.arange(60))
    assert found is not None
    assert found.human_only.value == pytest.approx(truth[::4].mean())
    assert found.trust == pytest.approx(1.0, abs=0.05)
    # only what the weight misses of 1 is left of the error of people's mean
    missed = (1.0 - found.trust) * (truth[::4].mean() - truth.mean())
    assert found.powered.value == pytest.approx(truth.mean() + missed)
    assert (found.n_human, found.n_automatic, found.n_scenarios) == (15, 60, 15)


def test_the_powered_mean_is_the_control_variate_with_the_best_weight() -> None:
    rng = np.random.default_rng(6)
    human, automatic, scenarios = _draw(rng, 30)
    human = np.where(rng.random(150) < 0.4, human, NAN)

    def by_definition(kept: NDArray[np.bool_]) -> float:
        y, x, groups = human[kept], automatic[kept], scenarios[kept]
        own = np.isfinite(y)
        mean_y, mean_x, mean_all = y[own].mean(), x[own].mean(), x.mean()
        errors = [
            (
                (y[own & (groups == group)] - mean_y).sum() / own.sum(),
                (x[own & (groups == group)] - mean_x).sum() / own.sum()
                - (x[groups == group] - mean_all).sum() / x.size,
            )
            for group in np.unique(groups)
        ]
        of_y, of_x = np.array(errors).T
        return float(mean_y - of_y @ of_x / (of_x @ of_x) * (mean_x - mean_all))

    found = powered_mean(human, automatic, scenarios)
    assert found is not None
    without = np.array([by_definition(scenarios != scenario) for scenario in range(30)])
    assert found.powered.value == pytest.approx(by_definition(np.ones(150, dtype=bool)), abs=1e-12)
    assert found.powered.standard_error == pytest.approx(
        np.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum()), abs=1e-12
    )


def test_a_judge_that_does_not_vary_or_people_who_scored_all_leave_peoples_mean() -> None:
    scored = _draw(np.random.default_rng(7), 20)
    for automatic in (np.full(100, 3.3), scored.automatic):
        found = powered_mean(scored.human, automatic, scored.scenarios)
        assert found is not None
        assert (found.trust, found.worth) == (0.0, pytest.approx(1.0))
        assert found.powered == pytest.approx(found.human_only)
    assert powered_mean(np.full(3, NAN), np.ones(3), np.arange(3)) is None
    few = powered_mean(np.where(scored.scenarios < 4, scored.human, NAN), scored.automatic, scored.scenarios)
    assert few is not None
    assert few.powered.low is None
    assert few.reason == "too few scenarios for intervals: 4, they need 10"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"of a person.*0: inf.*automatic score.*1: -inf.*confidence"):
        powered_mean(np.array([np.inf, 1.0]), np.array([1.0, -np.inf]), np.arange(2), confidence=2.0)
    with pytest.raises(ValueError, match="one length"):
        calibrate(np.ones(2), np.ones(3), np.arange(2))


@pytest.mark.slow
@pytest.mark.parametrize("n_scenarios", [10, 30, 100])
def test_intervals_of_the_calibration_cover(n_scenarios: int) -> None:
    limit = _calibrated(_draw(np.random.default_rng(0), 100_000))
    meant = limit.meaning(4.0)
    assert limit.slope is not None
    assert limit.correlation is not None
    assert meant is not None
    truth = (limit.bias.value, limit.slope.value, limit.correlation.value, meant.expected.value)
    rng = np.random.default_rng(n_scenarios)
    hits = []
    for _ in range(1000):
        found = _calibrated(_draw(rng, n_scenarios))
        meaning = found.meaning(4.0)
        estimates = (found.bias, found.slope, found.correlation, meaning and meaning.expected)
        hits.append([_covers(one, value) for one, value in zip(estimates, truth, strict=True)])
    shares = np.mean(hits, axis=0)
    assert ((shares >= 0.92) & (shares <= 0.98)).all(), shares


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.2, 5.0])
@pytest.mark.parametrize(("n_scenarios", "share"), [(20, 0.6), (60, 0.2), (200, 0.1)])
def test_the_powered_mean_covers_whatever_the_judge_and_saves_where_it_is_good(
    n_scenarios: int, share: float, noise: float
) -> None:
    truth = float(_draw(np.random.default_rng(0), 100_000).human.mean())
    rng = np.random.default_rng(n_scenarios)
    hits, worth = [], []
    for _ in range(1000):
        human, automatic, scenarios = _draw(rng, n_scenarios, noise=noise)
        found = powered_mean(np.where(rng.random(human.size) < share, human, NAN), automatic, scenarios)
        assert found is not None
        assert found.worth is not None
        hits.append(_covers(found.powered, truth))
        worth.append(found.worth)
    assert 0.92 <= np.mean(hits) <= 0.98
    if noise < 1.0 and n_scenarios >= 60:
        assert np.median(worth) > 1.3
    if noise > 1.0 and n_scenarios >= 60:
        assert np.median(worth) > 0.9
