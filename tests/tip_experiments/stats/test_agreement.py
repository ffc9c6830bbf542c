"""Agreement between judges: alpha against the library of its name, biases and pairs by hand, intervals that cover."""

from typing import NamedTuple

import krippendorff
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.agreement import judge_biases, pairwise_agreement
from tip_experiments.stats.alpha import Scale, krippendorff_alpha

Floats = NDArray[np.float64]
NAN = np.nan

# Krippendorff (2011): four observers, twelve units; nominal 0.743, ordinal 0.815, interval 0.849
TEXTBOOK = np.array([
    [1, 1, NAN, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [NAN, 5, 5, 5], [NAN, NAN, 1, 1], [NAN, NAN, 3, NAN],
])  # fmt: skip


class Judged(NamedTuple):
    scores: Floats
    scenarios: NDArray[np.int64]


def _draw(
    rng: np.random.Generator, n_scenarios: int, biases: list[float], *, per_scenario: int = 4, missing: float = 0.3
) -> Judged:
    scenarios = np.repeat(np.arange(n_scenarios), per_scenario)
    worth = 3.0 + rng.normal(0.0, 0.6, n_scenarios)[scenarios] + rng.normal(0.0, 0.6, scenarios.size)
    shape = (scenarios.size, len(biases))
    # Judges also differ in how they take a whole scenario.
    taste = rng.normal(0.0, 0.4, (n_scenarios, len(biases)))[scenarios]
    scores = np.clip(np.round(worth[:, None] + np.array(biases) + taste + rng.normal(0.0, 0.6, shape)), 1.0, 5.0)
    return Judged(np.where(rng.random(shape) < missing, NAN, scores), scenarios)


@pytest.mark.parametrize(("scale", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_textbook_example_has_the_textbook_alpha(scale: str, expected: float) -> None:
    found = krippendorff_alpha(TEXTBOOK, np.random.default_rng(0), scale=Scale(scale))
    assert found.alpha == pytest.approx(expected, abs=5e-4)
    assert (found.n_units, found.n_scores) == (11, 40)


@pytest.mark.parametrize("scale", list(Scale))
@pytest.mark.parametrize("n_judges", [2, 3, 6])
def test_alpha_is_that_of_the_library(scale: Scale, n_judges: int) -> None:
    rng = np.random.default_rng(n_judges)
    for missing in (0.0, 0.3, 0.7):
        scores, _ = _draw(rng, 30, list(np.linspace(-0.5, 0.5, n_judges)), missing=missing)
        found = krippendorff_alpha(scores, rng, scale=scale, n_resamples=100)
        assert found.alpha == pytest.approx(krippendorff.alpha(scores.T, level_of_measurement=scale), abs=1e-6)


@pytest.mark.parametrize("scale", list(Scale))
def test_a_resample_of_sums_is_a_resample_of_scenarios(scale: Scale) -> None:
    scores, scenarios = _draw(np.random.default_rng(4), 25, [0.0, 0.4, -0.2])
    found = krippendorff_alpha(scores, np.random.default_rng(5), scale=scale, clusters=scenarios, n_resamples=4000)
    rng = np.random.default_rng(6)
    anew = []
    for _ in range(400):
        chosen = rng.integers(0, 25, 25)
        rows = np.concatenate([np.flatnonzero(scenarios == scenario) for scenario in chosen])
        anew.append(krippendorff.alpha(scores[rows].T, level_of_measurement=scale))
    assert found.alpha is not None
    stretch = np.sqrt(25 / 24) * stats.t.isf(0.025, 24) / stats.norm.isf(0.025)
    low, high = found.alpha + stretch * (np.quantile(anew, [0.025, 0.975]) - found.alpha)
    assert found.low == pytest.approx(low, abs=0.04)
    assert found.high == pytest.approx(high, abs=0.04)


def test_scenarios_whose_tips_are_judged_alike_widen_the_interval() -> None:
    scores, scenarios = _draw(np.random.default_rng(7), 40, [0.0, 0.0], per_scenario=1, missing=0.0)
    tiled, names = np.repeat(scores, 10, axis=0), np.repeat(scenarios, 10)
    by_unit = krippendorff_alpha(tiled, np.random.default_rng(8))
    by_scenario = krippendorff_alpha(tiled, np.random.default_rng(8), clusters=names)
    assert by_unit.high is not None
    assert by_unit.low is not None
    assert by_scenario.high is not None
    assert by_scenario.low is not None
    assert by_scenario.high - by_scenario.low > 2.0 * (by_unit.high - by_unit.low)


def test_alpha_does_not_depend_on_the_order_of_units_and_judges_nor_on_the_unit_of_scores() -> None:
    rng = np.random.default_rng(9)
    scores, _ = _draw(rng, 20, [0.0, 0.4, -0.2])
    turned = 7.0 - 100.0 * scores[rng.permutation(80)][:, [2, 0, 1]]
    one, other = krippendorff_alpha(scores, rng), krippendorff_alpha(turned, rng)
    assert one.alpha == pytest.approx(other.alpha)
    far = krippendorff_alpha(scores + 1e6, rng)
    assert far.alpha == pytest.approx(one.alpha, abs=1e-9)


def test_full_agreement_is_one_and_opposition_is_below_zero() -> None:
    scores = np.tile(np.resize([1.0, 2.0, 4.0], 30)[:, None], 2)
    agreed = krippendorff_alpha(scores, np.random.default_rng(1))
    assert (agreed.alpha, agreed.low, agreed.high) == (1.0, 1.0, 1.0)
    opposed = krippendorff_alpha(np.column_stack([scores[:, 0], 5.0 - scores[:, 0]]), np.random.default_rng(1))
    assert opposed.high is not None
    assert opposed.high < 0.0


def test_too_little_overlap_and_constant_scores_are_said_instead_of_a_number() -> None:
    rng = np.random.default_rng(2)
    apart = np.full((40, 2), NAN)
    apart[:20, 0] = apart[20:, 1] = 3.0
    nothing = krippendorff_alpha(apart, rng)
    assert nothing == (None, None, None, 0, 0, "too little overlap: 0 units with two scores or more")
    few = krippendorff_alpha(TEXTBOOK[:6], rng)
    assert few.alpha is not None
    assert few.low is None
    assert few.reason == "too little overlap: 6 shared units in 6 clusters, an interval needs 10 of each"
    one_scenario = krippendorff_alpha(TEXTBOOK, rng, clusters=np.zeros(12, np.int64))
    assert one_scenario.low is None
    for scale in Scale:
        constant = krippendorff_alpha(np.full((40, 3), 3.1), rng, scale=scale)
        assert constant.alpha is None
        assert constant.reason is not None
        assert constant.reason.startswith("all scores are equal")


def test_by_hand_the_bias_of_each_judge_against_the_mean_of_the_others() -> None:
    scores = np.array([[3.0, 2.0, 1.0], [4.0, 4.0, NAN], [5.0, NAN, 3.0], [NAN, NAN, 2.0], [1.0, NAN, NAN]])
    first, second, third = judge_biases(scores)
    assert first.bias is not None
    # 3 - 1.5, 4 - 4, 5 - 3
    assert first.bias.value == pytest.approx((1.5 + 0.0 + 2.0) / 3)
    assert first.bias.standard_error == pytest.approx(np.std([1.5, 0.0, 2.0], ddof=1) / np.sqrt(3))
    assert first.bias.low is None
    assert first.reason == "too little overlap: 3 shared clusters, an interval needs 10"
    assert (first.spread, first.n_shared) == (pytest.approx(1.0), 3)
    assert first.spread_of_others == pytest.approx(np.std([2.0, 1.0, 4.0, 3.0], ddof=1))
    assert second.n_shared == 2
    assert third.bias is not None
    assert third.bias.value == pytest.approx((-1.5 - 2.0) / 2)
    alone = judge_biases(np.array([[1.0, NAN], [NAN, 2.0]]))
    assert [judge.reason for judge in alone] == ["too little overlap: 0 shared units"] * 2


def test_by_hand_pairs_of_judges() -> None:
    one = np.resize([1.0, 2.0, 3.0, 4.0], 20)
    other = one + np.resize([0.0, 1.0, 0.0, -2.0], 20)
    (pair,) = pairwise_agreement(np.column_stack([one, other]), tolerance=1.0)
    assert pair.equal is not None
    assert pair.close is not None
    assert pair.difference is not None
    assert (pair.n_shared, pair.equal.value, pair.close.value, pair.difference.value) == (20, 0.5, 0.75, 0.25)
    assert pair.correlation == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert pair.difference.low is not None
    constant, missing = np.full(20, 2.0), np.full(20, NAN)
    with_constant, with_missing, _ = pairwise_agreement(np.column_stack([one, constant, missing]), tolerance=0.0)
    assert with_constant.correlation is None
    assert with_missing.reason == "too little overlap: 0 shared units"


def test_what_cannot_be_a_table_of_scores_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"\(units, judges\).*\(3,\)"):
        krippendorff_alpha(np.ones(3), rng)
    with pytest.raises(ValueError, match=r"infinite score.*1: \[ 1\. inf\].*confidence.*n_resamples"):
        krippendorff_alpha(np.array([[1.0, 2.0], [1.0, np.inf]]), rng, confidence=0.0, n_resamples=5)
    with pytest.raises(ValueError, match="no scale of categories"):
        krippendorff_alpha(rng.random((300, 2)), rng, scale=Scale.NOMINAL)
    with pytest.raises(ValueError, match="tolerance"):
        pairwise_agreement(np.ones((3, 2)), tolerance=-1.0)
    with pytest.raises(ValueError, match="clusters"):
        judge_biases(np.ones((3, 2)), clusters=np.arange(2))


@pytest.mark.slow
@pytest.mark.parametrize("n_scenarios", [12, 60])
@pytest.mark.parametrize("scale", list(Scale))
def test_intervals_of_alpha_and_of_a_bias_cover(scale: Scale, n_scenarios: int) -> None:
    biases = [0.0, 0.5, -0.2]
    limit = _draw(np.random.default_rng(0), 30_000, biases)
    alpha = krippendorff_alpha(limit.scores, np.random.default_rng(0), scale=scale, n_resamples=100).alpha
    bias = judge_biases(limit.scores)[1].bias
    assert alpha is not None
    assert bias is not None
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(400):
        scores, scenarios = _draw(rng, n_scenarios, biases)
        found = krippendorff_alpha(scores, rng, scale=scale, clusters=scenarios, n_resamples=600)
        second = judge_biases(scores, clusters=scenarios)[1].bias
        assert found.low is not None
        assert found.high is not None
        assert second is not None
        assert second.low is not None
        assert second.high is not None
        hits.append((found.low <= alpha <= found.high, second.low <= bias.value <= second.high))
    shares = np.mean(hits, axis=0)
    assert ((shares >= 0.92) & (shares <= 0.98)).all(), shares
