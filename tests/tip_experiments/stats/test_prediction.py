"""Metrics of predicted probabilities: by hand, against scikit-learn, and whether clustered intervals cover."""

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from tip_experiments.stats import prediction

Floats = NDArray[np.float64]


def _people(
    rng: np.random.Generator, n_people: int, n_each: int, spread: float
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Predictions that are right on average over people, and wrong for each of them by the same amount."""
    users = np.repeat(np.arange(n_people), n_each)
    signal = rng.normal(-0.5, 1.0, users.size)
    predicted = 1 / (1 + np.exp(-signal))
    truth = np.clip(predicted + rng.normal(0, spread, n_people)[users], 0.0, 1.0)
    return predicted, (rng.random(users.size) < truth).astype(float), users


def test_losses_by_hand() -> None:
    predicted, outcomes = np.array([0.8, 0.5, 0.1]), np.array([1.0, 0.0, 1.0])
    assert prediction.log_losses(predicted, outcomes) == pytest.approx([-log(0.8), log(2), -log(0.1)])
    assert prediction.brier_scores(predicted, outcomes) == pytest.approx([0.04, 0.25, 0.81])


def test_a_sure_mistake_costs_much_and_not_everything() -> None:
    assert prediction.log_losses(np.array([0.0]), np.array([1.0]))[0] == pytest.approx(-log(prediction.CLIP))


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_those_of_scikit_learn(seed: int) -> None:
    predicted, outcomes, users = _people(np.random.default_rng(seed), 30, 20, 0.0)
    predicted = predicted.round(2)  # with ties
    assert prediction.log_losses(predicted, outcomes).mean() == pytest.approx(metrics.log_loss(outcomes, predicted))
    area = prediction.area_under_curve(predicted, outcomes, users)
    assert area is not None
    assert area.value == pytest.approx(metrics.roc_auc_score(outcomes, predicted))


def test_the_area_by_hand_with_a_tie() -> None:
    area = prediction.area_under_curve(np.array([0.9, 0.4, 0.4, 0.1]), np.array([1.0, 1.0, 0.0, 0.0]), np.arange(4))
    assert area is not None
    assert area.value == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_the_area_depends_on_the_order_of_scores_alone() -> None:
    predicted, outcomes, users = _people(np.random.default_rng(5), 20, 20, 0.1)
    one = prediction.area_under_curve(predicted, outcomes, users)
    assert one == prediction.area_under_curve(np.exp(3 * predicted), outcomes, users)


def test_without_failures_there_is_no_area() -> None:
    assert prediction.area_under_curve(np.array([0.1, 0.2]), np.ones(2), np.arange(2)) is None


def test_each_person_as_a_cluster_of_one_is_delongs_variance() -> None:
    rng = np.random.default_rng(8)
    scores, wins = rng.normal(size=40), np.arange(40) % 2 == 0
    wanted = [[(a > b) + 0.5 * (a == b) for b in scores[~wins]] for a in scores[wins]]
    matrix = np.array(wanted, float)
    variance = matrix.mean(axis=1).var(ddof=0) / 20 + matrix.mean(axis=0).var(ddof=0) / 20
    found = prediction.area_under_curve(scores, wins.astype(float), np.arange(40))
    assert found is not None
    assert found.standard_error == pytest.approx((variance * 40 / 39) ** 0.5)


def test_the_curve_of_equal_predictions_is_one_bin() -> None:
    (only,) = prediction.calibration_curve(np.full(10, 0.3), np.r_[np.ones(3), np.zeros(7)], np.arange(10))
    assert (only.predicted, only.observed, only.n, only.n_clusters) == (pytest.approx(0.3), pytest.approx(0.3), 10, 10)


def test_bins_of_the_curve_hold_equally_many_rows_in_growing_order() -> None:
    predicted, outcomes, users = _people(np.random.default_rng(2), 50, 20, 0.0)
    curve = prediction.calibration_curve(predicted, outcomes, users, n_bins=8)
    assert [one.n for one in curve] == [125] * 8
    assert [one.predicted for one in curve] == sorted(one.predicted for one in curve)


def test_the_calibration_error_by_hand() -> None:
    predicted, outcomes = np.array([0.2, 0.2, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    found = prediction.calibration_error(predicted, outcomes, np.arange(4), np.random.default_rng(0), n_bins=2)
    assert found is not None
    assert found.value == pytest.approx((0.3 * 2 + 0.1 * 2) / 4)


def test_chance_alone_leaves_zero_in_the_interval_and_a_shift_does_not() -> None:
    rng = np.random.default_rng(3)
    predicted, outcomes, users = _people(rng, 400, 10, 0.0)
    right = prediction.calibration_error(predicted, outcomes, users, rng)
    off = prediction.calibration_error(np.clip(predicted + 0.1, 0, 1), outcomes, users, rng)
    assert right is not None
    assert off is not None
    assert off.low is not None
    assert (right.value, right.low) == (pytest.approx(0.0, abs=0.03), 0.0)
    assert off.low > 0.05


def test_predictions_outside_of_their_range_are_refused_with_their_rows() -> None:
    with pytest.raises(ValueError, match=r"2 rows of predicted are not in \[0, 1\].*0: 1.5, 2: nan"):
        prediction.log_losses(np.array([1.5, 0.2, np.nan]), np.zeros(3))


@pytest.mark.slow
def test_clustered_intervals_cover_where_those_of_rows_do_not() -> None:
    rng = np.random.default_rng(11)
    truth_p, truth_y, truth_users = _people(rng, 40_000, 10, 0.25)
    truth = prediction.brier_scores(truth_p, truth_y).mean()
    true_area = prediction.area_under_curve(truth_p, truth_y, truth_users)
    assert true_area is not None
    held = {"brier": 0, "area": 0, "rows": 0}
    n_worlds = 400
    for _ in range(n_worlds):
        p, y, users = _people(rng, 60, 25, 0.25)
        brier = prediction.mean_of(prediction.brier_scores(p, y), users)
        by_row = prediction.mean_of(prediction.brier_scores(p, y), np.arange(p.size))
        area = prediction.area_under_curve(p, y, users)
        for name, found, value in (("brier", brier, truth), ("rows", by_row, truth), ("area", area, true_area.value)):
            assert found is not None
            assert found.low is not None
            assert found.high is not None
            held[name] += found.low <= value <= found.high
    assert 0.92 <= held["brier"] / n_worlds <= 0.975
    assert 0.92 <= held["area"] / n_worlds <= 0.975
    assert held["rows"] < held["brier"]


@pytest.mark.slow
def test_the_interval_of_the_calibration_error_holds_the_true_one() -> None:
    """Shifted by 0.08 everywhere, the true error is 0.08; unshifted it is 0 but for the bins' own width."""
    rng = np.random.default_rng(12)
    held = {0.0: 0, 0.08: 0}
    n_worlds = 300
    for _ in range(n_worlds):
        p, y, users = _people(rng, 80, 20, 0.05)
        for shift in held:
            shifted = np.clip(p + shift, 0, 1)
            found = prediction.calibration_error(shifted, y, users, rng, n_resamples=300)
            assert found is not None
            true = float(np.abs(shifted - p).mean())
            held[shift] += (found.low or 0.0) <= true <= (found.high or 1.0)
    assert held[0.08] / n_worlds >= 0.92
    assert held[0.0] / n_worlds >= 0.92
