"""Comparisons that are watched: their error over all looks together, and their formulas by quadrature."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from tip_experiments.stats.difference import Effect, difference
from tip_experiments.stats.moments import Moments, Proportion
from tip_experiments.stats.sequential import ConfidenceSequence, ShareTest


def _effect(z: float, n: int = 5_000) -> Effect:
    return Effect(z * 0.1, 0.1, None, None, None, n)


def _evidence_by_quadrature(z: float, spread: float, lowest: float, height: float) -> float:
    """Likelihood ratio of an effect at z standard errors, mixed over effects that are normal about 0."""

    def mixed(effect: float) -> float:
        return height * stats.norm.pdf(effect, 0, math.sqrt(spread)) * math.exp(z * effect - effect**2 / 2)

    return float(integrate.quad(mixed, lowest, 60, points=[0.0, z], limit=200)[0])


@pytest.mark.parametrize("n", [500, 5_000, 40_000])
def test_at_the_ends_of_the_interval_the_mixture_reaches_the_evidence_that_is_asked_for(n: int) -> None:
    sequence = ConfidenceSequence(5_000)
    spread = (
        8.211968062068253 * n / 5_000
    )  # of the best mixture at 95 %: the root of spread - log(1 + spread) = 2 log 20
    assert spread * 5_000 / n - math.log1p(spread * 5_000 / n) == pytest.approx(2 * math.log(20))
    told = sequence.watch(_effect(0.0, n))
    assert told.high is not None
    assert _evidence_by_quadrature(told.high / 0.1, spread, -60, 1) == pytest.approx(20, rel=1e-6)
    assert told.low == -told.high
    at_the_end = sequence.watch(_effect(told.high / 0.1, n))
    assert at_the_end.p_value == pytest.approx(0.05)
    assert at_the_end.low == pytest.approx(0, abs=1e-12)


def test_at_a_side_bound_the_mixture_over_positive_effects_reaches_it() -> None:
    sequence = ConfidenceSequence(5_000, 0.95)
    bounds = sequence.sides(_effect(0.0))
    assert bounds.at_most is not None
    spread = next(s for s in np.linspace(5, 8, 300_001) if s - math.log1p(s) >= 2 * math.log(10))
    assert _evidence_by_quadrature(bounds.at_most / 0.1, spread, 0, 2) == pytest.approx(20, rel=1e-3)
    both = sequence.watch(_effect(0.0))
    assert both.high is not None
    assert stats.norm.isf(0.05) * 0.1 < bounds.at_most < both.high


def test_the_interval_is_narrowest_for_its_width_in_a_fixed_sample_at_the_planned_number() -> None:
    def reach(n: int, planned: int) -> float:
        told = ConfidenceSequence(planned).watch(_effect(0.0, n))
        assert told.high is not None
        return told.high

    assert reach(5_000, 5_000) < min(reach(5_000, 4_000), reach(5_000, 6_300))


def test_nothing_is_told_before_the_burn_in_and_of_arms_that_do_not_vary() -> None:
    sequence = ConfidenceSequence(1_000, burn_in=200)
    early, still = _effect(9.0, 199), Effect(1.0, 0.0, None, None, None, 500)
    for effect in (early, still):
        assert sequence.watch(effect)[2:5] == (None, None, None)
        assert sequence.sides(effect) == (None, None)
    assert sequence.watch(_effect(9.0, 200)).p_value is not None
    with pytest.raises(ValueError, match=r"planned_n is 0.*burn_in is -1.*level must lie"):
        ConfidenceSequence(0, 0.4, -1)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_watching_at_every_look_finds_what_is_not_there_in_5_percent_at_most(share: float) -> None:
    rng = np.random.default_rng(4)
    runs, looks, step = 400, 160, 50
    sequence = ConfidenceSequence(8_000)
    watched = peeked = 0
    for _ in range(runs):
        control, treatment = rng.binomial(step, share, (2, looks)).cumsum(axis=1)
        is_watched = is_peeked = False
        for look in range(1, looks):
            n = (look + 1) * step
            effect = difference(
                Proportion(int(control[look]), n).moments().estimate(),
                Proportion(int(treatment[look]), n).moments().estimate(),
            )
            told = sequence.watch(effect)
            is_watched |= told.p_value is not None and told.p_value < 0.05
            is_peeked |= effect.p_value is not None and effect.p_value < 0.05
        watched, peeked = watched + is_watched, peeked + is_peeked
    assert watched / runs < 0.05
    assert peeked / runs > 0.2


@pytest.mark.slow
def test_skewed_metrics_stay_within_the_level_under_peeking() -> None:
    rng = np.random.default_rng(5)
    runs, looks, step = 400, 60, 100
    sequence = ConfidenceSequence(6_000)
    wrong = 0
    for _ in range(runs):
        arms = [Moments(), Moments()]
        is_wrong = False
        for _ in range(looks):
            arms = [arm + Moments.of(rng.exponential(1.0, step // 2)) for arm in arms]
            if arms[0].n >= 100:
                told = sequence.watch(difference(arms[0].estimate(), arms[1].estimate()))
                is_wrong |= told.p_value is not None and told.p_value < 0.05
        wrong += is_wrong
    assert wrong / runs < 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(("seen_c", "seen_t"), [((0, 0), (0, 0)), ((3, 5), (1, 9)), ((0, 40), (20, 30))])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9])
@pytest.mark.parametrize(("n_c", "n_t"), [(1, 1), (3, 2), (0, 4), (7, 1)])
def test_a_batch_multiplies_the_evidence_by_1_at_most_on_average(
    seen_c: tuple[int, int], seen_t: tuple[int, int], share: float, n_c: int, n_t: int
) -> None:
    # Over all outcomes of a batch, exactly: this is what makes the test valid at every look.
    before = ShareTest(Proportion(*seen_c), Proportion(*seen_t))
    mean = 0.0
    for c, t in itertools.product(range(n_c + 1), range(n_t + 1)):
        probability = stats.binom.pmf(c, n_c, share) * stats.binom.pmf(t, n_t, share)
        mean += probability * math.exp(before.after(Proportion(c, n_c), Proportion(t, n_t)).log_evidence)
    assert mean <= 1 + 1e-12


def test_by_hand_the_second_batch_is_judged_by_the_first() -> None:
    first = ShareTest().after(Proportion(0, 1), Proportion(1, 1))
    assert first.log_evidence == pytest.approx(0)  # both arms were expected at a half
    second = first.after(Proportion(0, 1), Proportion(1, 1))
    expected = 1.18 / 1.36  # treatment, and 0.18 / 1.36 for the control: a half between them
    assert second.log_evidence == pytest.approx(2 * math.log(expected / 0.5))
    assert second.p_value == pytest.approx((0.5 / expected) ** 2)
    assert second.after(Proportion(), Proportion()) == second


def test_evidence_that_was_strong_once_stays_reported() -> None:
    test = ShareTest()
    for _ in range(20):
        test = test.after(Proportion(1, 10), Proportion(8, 10))
    strongest = test.p_value
    for _ in range(40):
        test = test.after(Proportion(6, 10), Proportion(2, 10))
    assert test.log_evidence < test.log_evidence_at_most
    assert test.p_value == strongest < 1e-6


@pytest.mark.slow
def test_the_test_of_shares_keeps_its_level_from_the_first_unit_on_and_finds_what_is_there() -> None:
    rng = np.random.default_rng(6)

    def found(share: float, lift: float, batches: int) -> bool:
        test = ShareTest()
        control, treatment = rng.binomial(5, share, batches), rng.binomial(5, share + lift, batches)
        for c, t in zip(control, treatment, strict=True):
            test = test.after(Proportion(int(c), 5), Proportion(int(t), 5))
            if test.p_value < 0.05:
                return True
        return False

    for share in (0.02, 0.5):
        assert np.mean([found(share, 0.0, 300) for _ in range(600)]) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)
    assert np.mean([found(0.3, 0.2, 300) for _ in range(200)]) > 0.95
