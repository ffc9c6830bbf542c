"""Bounds of a share at every look: by hand, at the ends, and how often any of them misses the truth."""

import math

import numpy as np
import pytest

from tip_experiments.stats.moments import Proportion
from tip_experiments.stats.share_bounds import ShareBounds, log_evidence


def test_the_evidence_of_one_unit_is_that_of_the_mixture_by_hand() -> None:
    # Mixed over Beta(1/2, 1/2) one success has the probability 1/2; under a share of 0.1 it had 0.1.
    assert log_evidence(1, 1, 0.1) == pytest.approx(math.log(5))
    # Two successes: E p^2 = 3/8.
    assert log_evidence(2, 2, 0.5) == pytest.approx(math.log(3 / 8 / 0.25))
    assert log_evidence(1, 1, 0.0) == math.inf
    assert log_evidence(0, 1, 1.0) == math.inf


def test_at_each_bound_the_evidence_reaches_what_the_level_asks_for() -> None:
    for successes, n in ((1, 10), (5, 10), (9, 10), (3, 4_000)):
        seen = Proportion(successes, n)
        low, high = ShareBounds(0.99).of(seen)
        assert low is not None
        assert high is not None
        assert low < seen.share < high
        assert log_evidence(successes, n, low) == pytest.approx(math.log(100), rel=1e-6)
        assert log_evidence(successes, n, high) == pytest.approx(math.log(100), rel=1e-6)


def test_nothing_seen_says_nothing_and_an_arm_that_always_does_it_is_told_after_a_few() -> None:
    assert ShareBounds().of(Proportion()) == (0.0, 1.0)
    low, high = ShareBounds(0.999).of(Proportion(12, 12))
    assert high == 1.0
    assert low is not None
    assert low > 0.3
    mirrored = ShareBounds(0.999).of(Proportion(0, 12))
    assert mirrored.at_most == pytest.approx(1 - low)


def test_harm_turns_its_sign_when_the_arms_change_places() -> None:
    one, other = Proportion(30, 1_000), Proportion(80, 900)
    there, back = ShareBounds().harm(one, other), ShareBounds().harm(other, one)
    assert there.at_least is not None
    assert back.at_most is not None
    assert there.at_least == pytest.approx(-back.at_most)
    assert 0 < there.at_least < 80 / 900 - 30 / 1_000


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="level must lie in"):
        ShareBounds(1.0)


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5, 0.97])
def test_over_all_looks_together_the_truth_is_missed_no_more_often_than_promised(share: float) -> None:
    rng, level, n_runs, n = np.random.default_rng(8), 0.9, 600, 3_000
    n_seen = np.arange(1, n + 1)
    missed = 0
    for _ in range(n_runs):
        successes = np.cumsum(rng.random(n) < share)
        missed += bool((log_evidence(successes, n_seen, share) >= -math.log(1 - level)).any())
    assert missed / n_runs <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / n_runs)
    assert missed > 0, "a bound that is never missed promises too little"
