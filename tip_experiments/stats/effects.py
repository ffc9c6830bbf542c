"""How much of the differences between cells the model explains, how much the prompt, how much only both together.

The cells are a grid of models and prompts; holes in it are allowed. What is decomposed are the means of cells, each
counted once, however many scores it has.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.clustered import ROUNDING, or_none
from tip_experiments.stats.intervals import Verdict, Weighing, clustered_intervals

_RANK_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Effect:
    """What one source does to the means of cells."""

    variance: float
    """Mean squared deviation of cells that it makes, points squared; what the noise of scenarios adds is taken off.
    Never negative; 0 also where the grid cannot show the effect."""
    share: float | None
    """Of the variance of all three sources, in [0, 1]; None where nothing differs by more than noise."""
    p_value: float | None
    """That there is no such effect, beyond what the other of model and prompt explains; None where that
    cannot be told."""


@dataclass(frozen=True)
class Margin:
    """The mean of one model over all prompts, or of one prompt over all models, each counted once."""

    mean: float | None
    """None where its cells are not scored, or holes in the grid leave it undetermined."""
    standard_error: float | None
    """Clustered by scenario."""
    low: float | None
    high: float | None
    n_scored: int
    n_cells: int
    """Scored cells."""
    verdict: Verdict


@dataclass(frozen=True)
class Effects:
    """The two-way table of a leaderboard."""

    model: Effect
    prompt: Effect
    interaction: Effect
    models: tuple[Margin, ...]
    prompts: tuple[Margin, ...]


class _Grid(NamedTuple):
    """The scored cells; K of them."""

    means: NDArray[np.float64]
    influence: NDArray[np.float64]
    """(K, S) float64, scaled so that influence @ influence.T is the covariance of the means."""
    n_scenarios: int
    by_model: NDArray[np.float64]
    """(K, M) float64, 1 where a cell has the model."""
    by_prompt: NDArray[np.float64]


def effects(
    scores: CellScores, models: NDArray[np.integer], prompts: NDArray[np.integer], confidence: float = 0.95
) -> Effects:
    """The decomposition and the margins.

    A complete grid gives the classical two-way decomposition and plain averages. With holes, model and prompt overlap:
    the variance of each is the average of what it explains alone and what it adds to the other, and a margin is that
    of the additive model fitted to the cells there are, so that a model tried with good prompts only is not credited
    for them. Unscored cells are holes.

    Args:
        scores: of one judge, C cells.
        models: (C,) integers from 0, the model of each cell.
        prompts: (C,) integers from 0, the prompt of each cell.
        confidence: of the margins' intervals, in (0, 1).

    Raises:
        ValueError: the vectors do not fit the cells, a code is negative, a pair of codes occurs twice, or `confidence`
            is not in (0, 1).

    Source:
        Lindeman, Merenda & Gold (1980) for averaging over both orders; Brunner, Dette & Munk (1997), Journal of the
        American Statistical Association 92, 1494-1502, for the test, which on a complete grid is that of repeated
        measures with Greenhouse and Geisser's correction.
    """
    _check_codes(scores, models, prompts)
    n_models, n_prompts = int(models.max(initial=-1)) + 1, int(prompts.max(initial=-1)) + 1
    kept = np.flatnonzero(scores.n_scored > 0)
    is_used = scores.counts.any(axis=0)
    n = int(np.count_nonzero(is_used))
    grid = _Grid(
        scores.means[kept],
        scores.influence[kept][:, is_used] * np.sqrt(n / max(n - 1, 1)),
        n,
        np.eye(n_models)[models[kept]],
        np.eye(n_prompts)[prompts[kept]],
    )
    return Effects(
        *_decomposed(grid),
        models=_margins(scores, kept, grid, grid.by_model, grid.by_prompt, confidence),
        prompts=_margins(scores, kept, grid, grid.by_prompt, grid.by_model, confidence),
    )


def _check_codes(scores: CellScores, models: NDArray[np.integer], prompts: NDArray[np.integer]) -> None:
    if not models.shape == prompts.shape == (scores.n_cells,):
        raise ValueError(
            f"Each of the {scores.n_cells} cells needs one model and one prompt; found {models.shape}, {prompts.shape}"
        )
    if (models < 0).any() or (prompts < 0).any():
        raise ValueError("Codes of models and prompts count from 0; a negative one was found")
    cells = list(zip(models.tolist(), prompts.tolist(), strict=True))
    twice = sorted({cell for cell in cells if cells.count(cell) > 1})
    if twice:
        raise ValueError(f"A model and a prompt make one cell; these (model, prompt) occur twice: {twice[:10]}")


def _decomposed(grid: _Grid) -> tuple[Effect, Effect, Effect]:
    """Effects of model, prompt and interaction."""
    n_cells = len(grid.means)
    constant = _projection(np.ones((n_cells, 1)))
    model, prompt = _projection(grid.by_model), _projection(grid.by_prompt)
    both = _projection(np.hstack([grid.by_model, grid.by_prompt]))
    explained = (
        (model - constant + both - prompt) / 2,
        (prompt - constant + both - model) / 2,
        np.eye(n_cells) - both,
    )
    tested = (both - prompt, both - model, np.eye(n_cells) - both)
    variances = [max(_beyond_noise(grid, form) / max(n_cells, 1), 0.0) for form in explained]
    total = sum(variances)
    model_effect, prompt_effect, interaction = (
        Effect(variance, variance / total if total > 0.0 else None, _p_value(grid, form))
        for variance, form in zip(variances, tested, strict=True)
    )
    return model_effect, prompt_effect, interaction


def _projection(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, K), the projection on the space that the columns span."""
    vectors, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    basis = vectors[:, sizes > _RANK_TOLERANCE * max(sizes.max(initial=0.0), 1.0)]
    return np.asarray(basis @ basis.T)


def _beyond_noise(grid: _Grid, form: NDArray[np.float64]) -> float:
    """The sum of squares that a form takes from the means, less what noise alone would give."""
    noise = float(np.sum(grid.influence * (form @ grid.influence)))
    return float(grid.means @ form @ grid.means) - noise


def _p_value(grid: _Grid, form: NDArray[np.float64]) -> float | None:
    """The ANOVA-type statistic's, for a form that is a projection; None where it tests nothing or nothing varies."""
    rank = round(float(np.trace(form)))
    if rank < 1 or grid.n_scenarios < 2:  # noqa: PLR2004  it takes two to vary
        return None
    of_scenarios = form @ grid.influence
    noise = float(np.sum(grid.influence * of_scenarios))
    if noise <= (ROUNDING * float(np.abs(grid.means).max())) ** 2:
        return None
    degrees = noise**2 / float(np.sum((of_scenarios @ of_scenarios.T) ** 2))
    statistic = float(grid.means @ form @ grid.means) / noise
    return float(stats.f.sf(statistic, degrees, degrees * (grid.n_scenarios - 1)))


def _margins(
    scores: CellScores,
    kept: NDArray[np.int64],
    grid: _Grid,
    own: NDArray[np.float64],
    other: NDArray[np.float64],
    confidence: float,
) -> tuple[Margin, ...]:
    """The margins of the columns of `own`, each over the columns of `other`."""
    n_cells = own.sum(axis=0).astype(int)
    design = np.hstack([own, other[:, other.any(axis=0)]])
    n_other = design.shape[1] - own.shape[1]
    wanted = np.hstack([np.eye(own.shape[1]), np.full((own.shape[1], n_other), 1 / max(n_other, 1))])
    inverse = np.linalg.pinv(design, rcond=_RANK_TOLERANCE)
    weights = wanted @ inverse  # (margins, K): each margin as a sum over cells
    is_told = (n_cells > 0) & (np.abs(weights @ design - wanted).max(axis=1, initial=0.0) < _RANK_TOLERANCE)
    weights[~is_told] = 0.0
    influence = weights @ scores.influence[kept]
    in_use = (np.abs(weights) > _RANK_TOLERANCE).astype(float) @ scores.counts[kept]
    n_scenarios = np.count_nonzero(in_use, axis=1).astype(np.int64)
    means = np.where(is_told, weights @ grid.means, np.nan)
    plain = Weighing(np.where(n_scenarios > 1, n_scenarios - 1.0, np.nan), np.ones(len(means)))
    found = clustered_intervals(means, influence, influence, n_scenarios, plain, confidence)
    n_scored = own.T @ scores.n_scored[kept]
    columns = map(or_none, (means, found.standard_errors, found.low, found.high))
    return tuple(
        Margin(mean, error, low, high, int(n), cells, verdict)
        for mean, error, low, high, n, cells, verdict in zip(
            *columns, n_scored, n_cells.tolist(), found.verdicts, strict=True
        )
    )
