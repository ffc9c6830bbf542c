"""Chances to win against closed forms, and what must hold for any arms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from tip_experiments.stats.bayes import chance_to_win, chance_to_win_of_means
from tip_experiments.stats.moments import ArmEstimate, Proportion

_ARM = st.integers(0, 2_000).flatmap(lambda n: st.builds(Proportion, st.integers(0, n), st.just(n)))


def _closed_form(control: Proportion, treatment: Proportion) -> float:
    """P(treatment > control) under uniform priors: a finite sum (Miller 2014)."""
    a, b = control.successes + 1, control.n - control.successes + 1
    other_a, other_b = treatment.successes + 1, treatment.n - treatment.successes + 1
    i = np.arange(other_a)
    logs = special.betaln(a + i, b + other_b) - np.log(other_b + i) - special.betaln(1 + i, other_b)
    return float(np.exp(logs - special.betaln(a, b)).sum())


@settings(deadline=None, max_examples=30)
@given(control=_ARM, treatment=_ARM)
def test_chances_of_two_shares_are_those_of_the_closed_form(control: Proportion, treatment: Proportion) -> None:
    lost, won = chance_to_win([control, treatment])
    assert won.to_win == pytest.approx(_closed_form(control, treatment), abs=1e-9)
    # The expected gain is the difference of the means, whichever way it is cut into gain and loss.
    assert lost.expected_loss - won.expected_loss == pytest.approx(won.mean - lost.mean, abs=1e-10)


@settings(deadline=None, max_examples=30)
@given(arms=st.lists(_ARM, min_size=2, max_size=6), prior=st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)))
def test_chances_of_any_arms_sum_to_1_and_losses_are_not_negative(
    arms: list[Proportion], prior: tuple[float, float]
) -> None:
    found = chance_to_win(arms, prior)
    assert sum(chance.to_win for chance in found) == pytest.approx(1, abs=1e-8)
    assert min(chance.expected_loss for chance in found) >= 0


def test_chances_of_means_are_those_of_the_normal_difference() -> None:
    control, treatment = ArmEstimate(1.0, 0.3, 100), ArmEstimate(1.5, 0.4, 100)
    lost, won = chance_to_win_of_means([control, treatment])
    z = 0.5 / 0.5
    assert won.to_win == pytest.approx(stats.norm.cdf(z), abs=1e-10)
    assert won.expected_loss == pytest.approx(0.5 * (stats.norm.pdf(z) - z * stats.norm.sf(z)), abs=1e-10)
    assert lost.expected_loss == pytest.approx(0.5 * (stats.norm.pdf(z) + z * stats.norm.cdf(z)), abs=1e-10)


def test_arms_that_are_alike_have_equal_chances() -> None:
    for found in (chance_to_win([Proportion(7, 20)] * 5), chance_to_win_of_means([ArmEstimate(3.0, 0.2, 9)] * 5)):
        assert [chance.to_win for chance in found] == pytest.approx([0.2] * 5, abs=1e-9)


def test_three_arms_as_drawn() -> None:
    arms = [Proportion(12, 100), Proportion(15, 100), Proportion(60, 400)]
    rng = np.random.default_rng(8)
    draws = np.stack([rng.beta(arm.successes + 1, arm.n - arm.successes + 1, 400_000) for arm in arms])
    found = chance_to_win(arms)
    wins = np.bincount(draws.argmax(axis=0), minlength=3) / 400_000
    assert [chance.to_win for chance in found] == pytest.approx(list(wins), abs=0.004)
    losses = (draws.max(axis=0) - draws).mean(axis=1)
    assert [chance.expected_loss for chance in found] == pytest.approx(list(losses), abs=2e-4)


def test_a_tiny_loss_keeps_its_digits() -> None:
    _, won = chance_to_win_of_means([ArmEstimate(0.0, 1.0, 9), ArmEstimate(10.0, 1.0, 9)])
    z = 10 / 2**0.5
    assert won.expected_loss == pytest.approx(2**0.5 * (stats.norm.pdf(z) - z * stats.norm.sf(z)), rel=1e-5)


def test_arms_of_very_different_certainty_do_not_confuse_the_quadrature() -> None:
    sure, open_question = ArmEstimate(0.3, 1e-9, 9), ArmEstimate(0.0, 1.0, 9)
    assert chance_to_win_of_means([sure, open_question])[1].to_win == pytest.approx(stats.norm.sf(0.3), abs=1e-8)
    found = chance_to_win([Proportion(300_000, 1_000_000), Proportion(0, 0)])
    assert found[1].to_win == pytest.approx(0.7, abs=1e-6)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"1 arms, expected at least 2; the prior is \(0, 1\)"):
        chance_to_win([Proportion(1, 2)], (0, 1))
    with pytest.raises(ValueError, match=r"arm 0 is nan .*; arm 1 is 1.0 with standard error 0.0"):
        chance_to_win_of_means([ArmEstimate(np.nan, 1.0, 5), ArmEstimate(1.0, 0.0, 5)])
