"""Adjusted p-values against statsmodels, by hand, and what they promise over many families."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from tip_experiments.stats.multiplicity import benjamini_hochberg, holm

Adjust = Callable[[NDArray[np.float64]], NDArray[np.float64]]
BOTH = pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])


@pytest.mark.parametrize(("adjust", "method"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
@pytest.mark.parametrize("seed", range(20))
def test_both_agree_with_statsmodels(adjust: Adjust, method: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p_values = np.round(rng.beta(0.4, 1.0, rng.integers(1, 60)), rng.integers(1, 6))  # few digits: many ties
    assert adjust(p_values) == pytest.approx(multipletests(p_values, method=method)[1], abs=1e-14)


def test_by_hand_four_tests() -> None:
    p_values = np.array([0.03, 0.01, 0.04, 0.5])
    # Holm: 4 * 0.01, then 3 * 0.03, then 2 * 0.04 = 0.08 raised to the 0.09 before it, then 0.5
    assert holm(p_values) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    # Benjamini-Hochberg from above: 0.5, then 4/3 * 0.04, then 4/2 * 0.03 lowered to that, then 4 * 0.01
    assert benjamini_hochberg(p_values) == pytest.approx([0.16 / 3, 0.04, 0.16 / 3, 0.5])


@BOTH
def test_the_order_of_the_tests_does_not_matter(adjust: Adjust) -> None:
    rng = np.random.default_rng(3)
    p_values, shuffled = rng.random(40) ** 2, rng.permutation(40)
    assert adjust(p_values)[shuffled] == pytest.approx(adjust(p_values[shuffled]))


@BOTH
def test_a_test_that_could_not_be_made_is_no_member_of_the_family(adjust: Adjust) -> None:
    found = adjust(np.array([np.nan, 0.01, 0.3, np.nan]))
    assert np.isnan(found[[0, 3]]).all()
    assert found[1:3] == pytest.approx(adjust(np.array([0.01, 0.3])))


@BOTH
def test_an_empty_family_has_no_p_values_and_a_family_of_one_keeps_its_own(adjust: Adjust) -> None:
    assert adjust(np.array([])).shape == (0,)
    assert adjust(np.array([0.031])) == pytest.approx([0.031])


def test_holm_errs_in_one_family_of_twenty_and_benjamini_hochberg_in_one_finding_of_twenty() -> None:
    rng = np.random.default_rng(8)
    any_false, false_shares, unadjusted = [], [], []
    for _ in range(2000):
        p_values = rng.random(20)
        p_values[12:] = rng.beta(0.05, 8.0, 8)  # eight true findings
        any_false.append((holm(p_values)[:12] <= 0.05).any())
        found = benjamini_hochberg(p_values) <= 0.05
        false_shares.append(found[:12].sum() / max(found.sum(), 1))
        unadjusted.append((p_values[:12] <= 0.05).any())
    assert np.mean(any_false) == pytest.approx(0.04, abs=0.02)
    assert np.mean(false_shares) == pytest.approx(0.05 * 12 / 20, abs=0.01)
    assert np.mean(unadjusted) > 0.4, "the families must be such that adjusting matters"


@BOTH
def test_what_is_no_probability_is_listed_by_row(adjust: Adjust) -> None:
    with pytest.raises(ValueError, match=r"2 do not .* 1: -0.1, 3: 1.5"):
        adjust(np.array([0.2, -0.1, np.nan, 1.5]))
    with pytest.raises(ValueError, match=r"12 do not .* 9: 7$"):
        adjust(np.full(12, 7.0))
    with pytest.raises(ValueError, match=r"shape \(2, 1\)"):
        adjust(np.ones((2, 1)))
