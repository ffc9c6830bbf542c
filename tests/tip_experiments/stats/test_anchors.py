"""Judges against known anchors: who is biased, drifts, does not look or gives one score is found, others are not."""

from typing import NamedTuple

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from tip_experiments.stats.anchors import Finding, JudgeReport, judge_drift

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
NAN = np.nan


class Batches(NamedTuple):
    judges: Codes
    batches: Codes
    scores: Floats
    known: Floats


def _draw(
    rng: np.random.Generator, judge: int, *, n_batches: int = 8, n_anchors: int = 4, n_others: int = 8,
    bias: float = 0.0, drift: float = 0.0, noise: float = 0.6, moods: float = 0.0, is_blind: bool = False,
) -> Batches:  # fmt: skip
    per_batch = n_anchors + n_others
    batches = np.repeat(np.arange(n_batches), per_batch)
    people = rng.integers(1, 6, batches.size).astype(np.float64)
    progress = batches / max(n_batches - 1, 1)
    seen = rng.permutation(people) if is_blind else people
    given = seen + bias + drift * progress + rng.normal(0.0, moods, n_batches)[batches]
    scores = np.clip(np.round(given + rng.normal(0.0, noise, batches.size)), 0.0, 6.0)
    known = np.where(np.arange(batches.size) % per_batch < n_anchors, people, NAN)
    return Batches(np.full(batches.size, judge), batches, scores, known)


def _joined(*drawn: Batches) -> Batches:
    return Batches(*(np.concatenate(columns) for columns in zip(*drawn, strict=True)))


def _reported(drawn: Batches, seed: int = 0) -> JudgeReport:
    (report,) = judge_drift(*drawn, np.random.default_rng(seed))
    return report


def test_each_kind_of_judge_is_told_from_the_others() -> None:
    rng = np.random.default_rng(1)
    flat = _draw(rng, 4)
    reports = judge_drift(
        *_joined(
            _draw(rng, 0), _draw(rng, 1, bias=0.8), _draw(rng, 2, drift=2.0, bias=-1.0, noise=0.3),
            _draw(rng, 3, is_blind=True),
            flat._replace(scores=np.full(flat.scores.size, 4.0)),
        ),
        np.random.default_rng(2),
    )  # fmt: skip
    assert [report.judge for report in reports] == [0, 1, 2, 3, 4]
    assert reports[0].findings == (Finding.STEADY,)
    assert reports[0].reasons == ()
    assert reports[1].findings == (Finding.BIASED,)
    assert "points above people on 32 anchors" in reports[1].reasons[0]
    assert reports[2].findings == (Finding.DRIFTING,)
    assert "points up from the first batch to the last" in reports[2].reasons[0]
    assert reports[3].findings == (Finding.CARELESS,)
    assert "no smaller than chance" in reports[3].reasons[0]
    assert Finding.STRAIGHT_LINING in reports[4].findings
    assert "8 of 8 batches though anchors differ: 0, 1, 2" in reports[4].reasons[0]
    assert reports[4].attention_p_value is None


def test_by_hand_deviations_and_drift() -> None:
    # four batches of three anchors; the judge is 0, 1, 1, 2 above in turn
    known = np.tile([1.0, 2.0, 4.0], 4)
    batches = np.repeat([10, 20, 30, 40], 3)
    scores = known + np.repeat([0.0, 1.0, 1.0, 2.0], 3)
    report = _reported(Batches(np.zeros(12, np.int64), batches, scores, known))
    assert [batch.deviation for batch in report.batches] == [0.0, 1.0, 1.0, 2.0]
    assert [batch.batch for batch in report.batches] == [10, 20, 30, 40]
    assert report.bias is not None
    assert report.drift is not None
    assert report.bias.value == pytest.approx(1.0)
    assert report.drift.value == pytest.approx(1.8)  # slope 0.6 a batch
    assert report.error == pytest.approx(np.sqrt(0.5))
    assert report.chance_error == pytest.approx(np.sqrt(scores.var() + known.var()))


def test_drift_is_that_of_a_weighted_regression_on_batches() -> None:
    drawn = _draw(np.random.default_rng(3), 0, drift=1.0, moods=0.3)
    kept = np.random.default_rng(4).random(drawn.scores.size) < 0.7
    report = _reported(Batches(*(column[kept] for column in drawn)))
    heights = [batch.deviation for batch in report.batches]
    weights = [batch.n_anchors for batch in report.batches]
    reference = sm.WLS(heights, sm.add_constant(np.linspace(0.0, 1.0, 8)), weights=weights).fit()
    assert report.drift is not None
    assert len(set(weights)) > 1
    assert report.drift[:2] == pytest.approx((reference.params[1], reference.bse[1]), abs=1e-9)
    assert report.drift[2:] == pytest.approx(reference.conf_int()[1], abs=1e-9)


def test_a_shift_of_all_scores_moves_the_bias_and_nothing_else() -> None:
    drawn = _draw(np.random.default_rng(5), 0, drift=0.5)
    one, other = _reported(drawn), _reported(drawn._replace(scores=drawn.scores + 2.0))
    assert one.bias is not None
    assert other.bias is not None
    assert other.bias.value == pytest.approx(one.bias.value + 2.0)
    assert other.drift == pytest.approx(one.drift)
    assert (other.error, other.attention_p_value) == (pytest.approx(one.error), one.attention_p_value)


def test_too_few_anchors_and_batches_give_no_verdict_and_no_numbers() -> None:
    few = _reported(_draw(np.random.default_rng(6), 0, n_batches=2, bias=3.0))
    assert few.findings == (Finding.TOO_FEW,)
    assert few.reasons == ("8 anchors, a verdict needs 12",)
    assert (few.bias, few.drift, few.error) == (None, None, None)
    three_batches = _reported(_draw(np.random.default_rng(6), 0, n_batches=3, n_anchors=8, bias=1.0))
    assert three_batches.drift is None
    assert three_batches.findings == (Finding.BIASED,)
    no_anchors = _draw(np.random.default_rng(6), 0)
    nothing = _reported(no_anchors._replace(known=np.full(no_anchors.known.size, NAN)))
    assert nothing.findings == (Finding.TOO_FEW,)
    assert [batch.deviation for batch in nothing.batches] == [None] * 8


def test_one_score_throughout_is_no_fault_where_people_gave_one_score_too() -> None:
    drawn = _draw(np.random.default_rng(7), 0)
    same = np.where(np.isfinite(drawn.known), 5.0, NAN)
    report = _reported(drawn._replace(scores=np.full(drawn.scores.size, 5.0), known=same))
    assert report.findings == (Finding.STEADY,)
    only_one = np.where(drawn.batches == 3, 4.0, drawn.scores)
    lazy_once = _reported(drawn._replace(scores=only_one))
    assert [batch.batch for batch in lazy_once.batches if batch.is_constant] == [3]
    assert Finding.STRAIGHT_LINING in lazy_once.findings


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no finite score.*0: nan.*infinite known.*1: inf.*confidence must"):
        judge_drift(np.zeros(2, np.int64), np.zeros(2, np.int64), np.array([NAN, 1.0]), np.array([1.0, np.inf]),
                    np.random.default_rng(0), confidence=0.0)  # fmt: skip
    with pytest.raises(ValueError, match="one length"):
        judge_drift(np.zeros(2, np.int64), np.zeros(1, np.int64), np.ones(2), np.ones(2), np.random.default_rng(0))


@pytest.mark.slow
def test_steady_judges_with_moods_are_seldom_called_biased_or_drifting_and_intervals_cover() -> None:
    rng = np.random.default_rng(8)
    n_runs, n_judges = 400, 3
    n_biased = n_drifting = 0
    covered = []
    for _ in range(n_runs):
        reports = judge_drift(*_joined(*(_draw(rng, judge, moods=0.4) for judge in range(n_judges))), rng)
        n_biased += any(Finding.BIASED in report.findings for report in reports)
        n_drifting += any(Finding.DRIFTING in report.findings for report in reports)
        for estimate in (reports[0].bias, reports[0].drift):
            assert estimate is not None
            assert estimate.low is not None
            assert estimate.high is not None
            covered.append(estimate.low <= 0.0 <= estimate.high)
    # 5 % and three standard errors
    assert n_biased / n_runs <= 0.083
    assert n_drifting / n_runs <= 0.083
    shares = np.reshape(covered, (n_runs, 2)).mean(axis=0)
    assert ((shares >= 0.92) & (shares <= 0.98)).all(), shares


@pytest.mark.slow
def test_judges_who_deal_out_scores_are_found_and_those_who_look_are_left_alone() -> None:
    rng = np.random.default_rng(9)
    n_found = n_wronged = 0
    for _ in range(200):
        blind, looking = judge_drift(*_joined(_draw(rng, 0, is_blind=True), _draw(rng, 1, noise=1.2)), rng)
        n_found += Finding.CARELESS in blind.findings
        n_wronged += Finding.CARELESS in looking.findings
    assert n_found >= 170
    assert n_wronged <= 4
