"""Sample ratios: against scipy, by hand, and how often chance alone raises the alarm."""

import numpy as np
import pytest
from scipy import stats

from tip_experiments.stats.sample_ratio import SampleRatioVerdict, sample_ratio


def test_statistic_and_p_value_are_those_of_the_chi_square_test() -> None:
    counts, weights = np.array([5_100, 2_950, 1_950]), np.array([0.5, 0.3, 0.2])
    found = sample_ratio(counts, weights)
    reference = stats.chisquare(counts, weights * counts.sum())
    assert (found.statistic, found.p_value) == (pytest.approx(reference.statistic), pytest.approx(reference.pvalue))
    assert (found.degrees, found.verdict) == (2, SampleRatioVerdict.AS_PLANNED)


def test_by_hand_a_thousand_against_eleven_hundred() -> None:
    found = sample_ratio([1_000, 1_100], [1, 1])
    assert (found.statistic, found.degrees) == (pytest.approx(2 * 50**2 / 1_050), 1)


def test_an_arm_of_weight_0_takes_no_degree_of_freedom() -> None:
    without, beside = sample_ratio([900, 1_100], [1, 1]), sample_ratio([900, 0, 1_100, 0], [1, 0, 1, 0])
    assert beside == without
    assert beside.verdict is SampleRatioVerdict.MISMATCH


def test_a_single_unit_in_an_arm_of_weight_0_is_a_mismatch() -> None:
    found = sample_ratio([1_000, 1_000, 1], [1, 1, 0])
    assert (found.verdict, found.p_value) == (SampleRatioVerdict.MISMATCH, 0.0)
    assert "arm 2: 1" in found.words


def test_the_scale_of_weights_does_not_matter() -> None:
    assert sample_ratio([510, 490], [0.5, 0.5]) == pytest.approx(sample_ratio([510, 490], [7, 7]))


def test_few_units_and_none_are_not_judged() -> None:
    assert sample_ratio([9, 0], [1, 1]).verdict is SampleRatioVerdict.TOO_FEW
    empty = sample_ratio([0, 0], [1, 1])
    assert (empty.verdict, empty.statistic, empty.p_value) == (SampleRatioVerdict.TOO_FEW, 0.0, 1.0)


def test_one_open_arm_cannot_mismatch() -> None:
    found = sample_ratio([100, 0], [1, 0])
    assert (found.verdict, found.degrees, found.p_value) == (SampleRatioVerdict.AS_PLANNED, 0, 1.0)


def test_chance_raises_the_alarm_as_often_as_the_threshold_says() -> None:
    rng = np.random.default_rng(7)
    weights = np.array([0.6, 0.3, 0.1, 0.0])
    draws = rng.multinomial(2_000, weights, 5_000)
    alarms = [sample_ratio(counts, weights, 0.05).verdict is SampleRatioVerdict.MISMATCH for counts in draws]
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.01)


def test_a_loss_of_two_percent_in_one_arm_is_found_among_200_000() -> None:
    assert sample_ratio([100_000, 98_000], [1, 1]).verdict is SampleRatioVerdict.MISMATCH


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(
        ValueError, match=r"3 rows of counts .*0: -1.0, 1: nan, 2: 1.5; 1 rows of weights .*3: -1.0; threshold"
    ):
        sample_ratio([-1, np.nan, 1.5, 4], [1, 1, 1, -1], threshold=2)
    with pytest.raises(ValueError, match="no weight is positive"):
        sample_ratio([1, 2], [0, 0])
    with pytest.raises(ValueError, match="vectors of one length"):
        sample_ratio([1, 2, 3], [1, 1])
