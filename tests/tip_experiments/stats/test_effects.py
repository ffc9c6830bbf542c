"""Which of model and prompt explains more: by hand, against statsmodels, holes in the grid, level and coverage."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from statsmodels.stats.anova import AnovaRM
from support.leaderboards import clustered_scores

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.effects import effects
from tip_experiments.stats.intervals import Verdict
from tip_experiments.stats.means import cell_means

MODELS, PROMPTS = np.repeat([0, 1, 2], 4), np.tile([0, 1, 2, 3], 3)


def _grid(
    rng: np.random.Generator, of_model: NDArray[np.float64], of_prompt: NDArray[np.float64], n: int
) -> CellScores:
    return clustered_scores(rng, 3.0 + of_model[MODELS] + of_prompt[PROMPTS], n)


def _without(scores: CellScores, holes: list[int]) -> CellScores:
    counts = scores.counts.copy()
    counts[holes] = 0
    return CellScores(np.where(counts > 0, scores.sums, 0.0), counts)


def test_by_hand_a_two_by_two_grid() -> None:
    # means 1, 2 / 3, 8: deviations of models 2 = +-2, of prompts +-1.5, and +-1 together; scenarios hardly vary
    wobble = np.tile([1e-4, -1e-4], 20)
    sums = np.array([[1.0], [2.0], [3.0], [8.0]]) + np.array([[1.0], [-1.0], [2.0], [0.5]]) * wobble
    found = effects(CellScores(sums, np.ones(sums.shape, np.int64)), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    variances = (found.model.variance, found.prompt.variance, found.interaction.variance)
    assert variances == pytest.approx((4.0, 2.25, 1.0), rel=1e-6)
    assert (found.model.share, found.prompt.share, found.interaction.share) == pytest.approx(
        (4 / 7.25, 2.25 / 7.25, 1 / 7.25), rel=1e-6
    )
    assert [margin.mean for margin in found.models] == pytest.approx([1.5, 5.5])
    assert [margin.mean for margin in found.prompts] == pytest.approx([2.0, 5.0])


def test_on_a_complete_grid_the_test_is_that_of_repeated_measures_with_the_same_f() -> None:
    rng = np.random.default_rng(1)
    # Two levels each: one degree of freedom, so the correction of degrees changes nothing.
    models, prompts = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    scores = clustered_scores(rng, np.array([3.0, 3.1, 3.2, 3.15]), 30)
    found = effects(scores, models, prompts)
    rows = [
        {
            "scenario": scenario,
            "model": models[cell],
            "prompt": prompts[cell],
            "y": scores.scenario_means[cell, scenario],
        }
        for cell in range(4)
        for scenario in range(30)
    ]
    table = AnovaRM(pd.DataFrame(rows), "y", "scenario", within=["model", "prompt"]).fit().anova_table
    p_values = (found.model.p_value, found.prompt.p_value, found.interaction.p_value)
    assert p_values == pytest.approx(table["Pr > F"].tolist(), rel=1e-8)


def test_a_margin_on_a_complete_grid_is_the_plain_average_with_clustered_error() -> None:
    scores = _grid(np.random.default_rng(2), np.array([0.0, 0.2, 0.5]), np.array([0.0, 0.1, 0.0, 0.3]), 40)
    for model, margin in enumerate(effects(scores, MODELS, PROMPTS).models):
        of_model = model == MODELS
        values, scenarios = scores.scenario_means[of_model].ravel(), np.tile(np.arange(40), 4)
        reference = sm.OLS(values, np.ones(160)).fit(cov_type="cluster", cov_kwds={"groups": scenarios})
        assert margin.mean == pytest.approx(reference.params[0])
        assert margin.standard_error == pytest.approx(reference.bse[0], abs=1e-10)
        assert (margin.n_cells, margin.n_scored, margin.verdict) == (4, 4 * 40 * 5, Verdict.OK)


def test_with_one_prompt_a_margin_is_the_cell_itself_and_the_model_explains_everything() -> None:
    scores = clustered_scores(np.random.default_rng(3), np.array([3.0, 4.0]), 40)
    found = effects(scores, np.array([0, 1]), np.array([0, 0]))
    for margin, cell in zip(found.models, cell_means(scores), strict=True):
        assert (margin.mean, margin.standard_error) == pytest.approx((cell.mean, cell.standard_error))
        assert (margin.low, margin.high) == pytest.approx((cell.low, cell.high))
    assert found.model.share == pytest.approx(1.0)
    assert (found.prompt.variance, found.prompt.p_value, found.interaction.p_value) == (pytest.approx(0.0), None, None)


def test_a_model_that_was_tried_with_good_prompts_only_is_not_credited_for_them() -> None:
    of_prompt = np.array([0.0, 0.0, 1.0, 1.0])
    scores = _grid(np.random.default_rng(4), np.zeros(3), of_prompt, 400)
    found = effects(_without(scores, [8, 9]), MODELS, PROMPTS)  # model 2 lacks both bad prompts
    assert [margin.n_cells for margin in found.models] == [4, 4, 2]
    assert [margin.mean for margin in found.models] == pytest.approx([3.5] * 3, abs=0.12)
    assert found.model.share is not None
    assert found.prompt.share is not None
    assert found.model.share < 0.2
    assert found.prompt.share > 0.8
    plain = np.mean(scores.means[10:])
    assert plain > 3.9, "the plain average of its two cells would flatter it"


def test_what_holes_leave_open_is_not_told() -> None:
    scores = _grid(np.random.default_rng(5), np.zeros(3), np.zeros(4), 40)
    # models 0 and 1 with prompts 0 and 1, model 2 with prompts 2 and 3: no bridge between
    found = effects(_without(scores, [2, 3, 6, 7, 8, 9]), MODELS, PROMPTS)
    assert [margin.mean for margin in found.models] == [None] * 3
    alone = effects(_without(scores, [8, 9, 10, 11]), MODELS, PROMPTS)
    assert (alone.models[2].mean, alone.models[2].n_cells, alone.models[2].verdict) == (None, 0, Verdict.UNSCORED)
    assert alone.models[0].mean is not None


def test_nothing_scored_explains_nothing() -> None:
    found = effects(CellScores(np.zeros((12, 3)), np.zeros((12, 3), np.int64)), MODELS, PROMPTS)
    assert (found.model.share, found.model.p_value) == (None, None)
    assert [margin.verdict for margin in (*found.models, *found.prompts)] == [Verdict.UNSCORED] * 7


def test_which_is_called_the_model_and_the_order_of_cells_do_not_matter() -> None:
    scores = _grid(np.random.default_rng(6), np.array([0.0, 0.2, 0.4]), np.array([0.0, 0.1, 0.0, 0.6]), 60)
    holed = _without(scores, [3, 5])
    found, turned = effects(holed, MODELS, PROMPTS), effects(holed, PROMPTS, MODELS)
    assert found.model.variance == pytest.approx(turned.prompt.variance)
    assert [margin.mean for margin in found.models] == pytest.approx([margin.mean for margin in turned.prompts])
    shuffled = np.random.default_rng(0).permutation(12)
    moved = effects(CellScores(holed.sums[shuffled], holed.counts[shuffled]), MODELS[shuffled], PROMPTS[shuffled])
    assert moved.interaction.p_value == pytest.approx(found.interaction.p_value)


@pytest.mark.parametrize(
    ("models", "prompts", "match"),
    [
        ([0, 1], [0], r"2 cells.*\(2,\), \(1,\)"),
        ([0, -1], [0, 0], "negative"),
        ([0, 0], [1, 1], r"twice: \[\(0, 1\)\]"),
    ],
)
def test_codes_that_make_no_grid_are_refused(models: list[int], prompts: list[int], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        effects(CellScores(np.ones((2, 2)), np.ones((2, 2), np.int64)), np.array(models), np.array(prompts))


@pytest.mark.slow
def test_the_noise_of_scenarios_is_not_taken_for_an_effect_and_the_tests_keep_their_level() -> None:
    rng, of_model = np.random.default_rng(7), np.array([0.0, 0.3, 0.6])
    found = [effects(_grid(rng, of_model, np.zeros(4), 20), MODELS, PROMPTS) for _ in range(800)]
    assert np.mean([one.model.variance for one in found]) == pytest.approx(0.06, rel=0.05)
    for name in ("prompt", "interaction"):
        p_values = np.array([getattr(one, name).p_value for one in found])
        assert 0.02 <= np.mean(p_values <= 0.05) <= 0.075
        assert np.median([getattr(one, name).share for one in found]) < 0.04
    assert np.mean([one.model.p_value <= 0.05 for one in found]) > 0.99  # type: ignore[operator]


@pytest.mark.slow
def test_intervals_of_margins_cover_with_holes_too() -> None:
    rng, of_model, covered = np.random.default_rng(8), np.array([0.0, 0.3, 0.6]), []
    for _ in range(700):
        scores = _without(_grid(rng, of_model, np.array([0.0, 0.5, 1.0, 0.5]), 25), [1, 6])
        margins = effects(scores, MODELS, PROMPTS).models
        covered += [
            margin.low <= 3.5 + truth <= margin.high  # type: ignore[operator]
            for margin, truth in zip(margins, of_model, strict=True)
            if margin.verdict is Verdict.OK
        ]
    assert len(covered) > 2000
    assert 0.92 <= np.mean(covered) <= 0.98
