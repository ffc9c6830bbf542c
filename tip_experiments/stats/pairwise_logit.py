"""The regression behind ratings from pairs: a fractional logistic model fitted by Newton's method.

One verdict is one row; log odds that the first shown wins = rating of the first - rating of the second + extra columns
(the advantage of being shown first, differences in length or style). Who is rated and what it means: `ratings`.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from tip_experiments.stats.comparisons import Codes, Floats

PRIOR_LOGITS = 2.5
"""Standard deviation of the normal prior that keeps separated ratings finite: 434 points on the Elo scale."""
_SEPARATED_LOGITS = 15.0  # a fitted verdict of 3,000,000 to 1 is an infinite one on its way
_MAX_STEPS = 100
_TOLERANCE = 1e-11
_COLLINEAR = 1e-9  # share of a column's square left over by the others


class Verdicts(NamedTuple):
    """Rows of the regression; cells are 0 .. n_cells - 1 and hang together."""

    first: Codes
    second: Codes
    outcome: Floats
    weights: Floats
    extras: Floats
    """(n, p) further columns, on a scale of about 1."""
    n_cells: int


class Fit(NamedTuple):
    """Ratings that sum to 0, followed by the coefficients of the extra columns."""

    parameters: Floats
    """(n_cells + p,) in logits."""
    covariance: Floats
    """(n_cells + p, n_cells + p), robust and clustered; it holds for contrasts of ratings, not for one alone."""
    is_separated: bool


def fit(verdicts: Verdicts, clusters: Codes) -> Fit:
    """The maximum likelihood fit, or where that is infinite the one under a weak prior.

    Args:
        verdicts: every extra column adds something that the columns before it do not (see `telling_columns`).
        clusters: (n,) codes 0 .. G - 1.

    Source:
        Bradley & Terry (1952); fractional outcomes: Papke & Wooldridge (1996); the covariance: Liang & Zeger (1986)
        with the factor G / (G - 1). Under perfect separation (Albert & Anderson 1984) residuals vanish and the sandwich
        with them, so the spread of the posterior is added to it: wide rather than falsely sure.
    """
    parameters, is_finite = _newton(verdicts, precision=0.0)
    precision = 0.0
    if not is_finite:
        precision = PRIOR_LOGITS**-2
        parameters, _ = _newton(verdicts, precision)
    bread = np.linalg.inv(_information(verdicts, parameters, precision))
    scores = _cluster_scores(verdicts, parameters, clusters)
    n_clusters = scores.shape[0]
    meat = scores.T @ scores * (n_clusters / (n_clusters - 1) if n_clusters > 1 else 0.0)
    covariance = bread @ meat @ bread
    if not is_finite:
        covariance += bread
    return Fit(parameters, covariance, not is_finite)


def telling_columns(verdicts: Verdicts) -> list[bool]:
    """For each extra column, whether it says something that the cells and the columns before it do not."""
    start = np.zeros(verdicts.n_cells + verdicts.extras.shape[1])
    gram = _information(verdicts, start, precision=0.0)
    kept = list(range(verdicts.n_cells))
    told = []
    for column in range(verdicts.n_cells, start.size):
        explained = gram[column, kept] @ np.linalg.solve(gram[np.ix_(kept, kept)], gram[kept, column])
        own = gram[column, column]
        is_telling = bool(own > 0.0 and own - explained > _COLLINEAR * own)
        told.append(is_telling)
        if is_telling:
            kept.append(column)
    return told


def _newton(verdicts: Verdicts, precision: float) -> tuple[Floats, bool]:
    """The parameters, and whether they are finite ones; without a prior it stops as soon as they are not."""
    parameters = np.zeros(verdicts.n_cells + verdicts.extras.shape[1])
    value = _objective(verdicts, parameters, precision)
    for _ in range(_MAX_STEPS):
        gradient = _gradient(verdicts, parameters, precision)
        if np.abs(gradient).max(initial=0.0) <= _TOLERANCE * verdicts.weights.sum():
            return parameters, True
        step = np.linalg.solve(_information(verdicts, parameters, precision), gradient)
        share, moved = 1.0, _objective(verdicts, parameters + step, precision)
        while moved < value - 1e-12 * abs(value) and share > 1e-6:  # noqa: PLR2004  beyond the noise of the sum
            share /= 2.0
            moved = _objective(verdicts, parameters + share * step, precision)
        parameters, value = parameters + share * step, moved
        if precision == 0.0 and np.abs(_log_odds(verdicts, parameters)).max() > _SEPARATED_LOGITS:
            return parameters, False
    raise ArithmeticError(f"Ratings did not settle in {_MAX_STEPS} steps of Newton's method; the objective is {value}")


def _log_odds(verdicts: Verdicts, parameters: Floats) -> Floats:
    ratings, slopes = parameters[: verdicts.n_cells], parameters[verdicts.n_cells :]
    return ratings[verdicts.first] - ratings[verdicts.second] + verdicts.extras @ slopes


def _objective(verdicts: Verdicts, parameters: Floats, precision: float) -> float:
    odds = _log_odds(verdicts, parameters)
    likelihood = verdicts.weights @ (verdicts.outcome * odds - np.logaddexp(0.0, odds))
    return float(likelihood - precision / 2.0 * parameters @ parameters)


def _gradient(verdicts: Verdicts, parameters: Floats, precision: float) -> Floats:
    residuals = verdicts.weights * (verdicts.outcome - expit(_log_odds(verdicts, parameters)))
    return np.concatenate([_by_cell(verdicts, residuals), verdicts.extras.T @ residuals]) - precision * parameters


def _by_cell(verdicts: Verdicts, values: Floats) -> Floats:
    """Sums of `values` over the rows where a cell stands first less those where it stands second."""
    n = verdicts.n_cells
    return (np.bincount(verdicts.first, values, n) - np.bincount(verdicts.second, values, n)).astype(np.float64)


def _gauge(verdicts: Verdicts) -> Floats:
    """Ones in the block of ratings: added to the information it pins their sum at 0 and changes nothing else."""
    is_rating = np.arange(verdicts.n_cells + verdicts.extras.shape[1]) < verdicts.n_cells
    return np.outer(is_rating, is_rating).astype(np.float64)


def _information(verdicts: Verdicts, parameters: Floats, precision: float) -> Floats:
    chances = expit(_log_odds(verdicts, parameters))
    weights = verdicts.weights * chances * (1.0 - chances)
    n = verdicts.n_cells
    pairs = np.bincount(verdicts.first * n + verdicts.second, weights, n * n).reshape(n, n)
    information: Floats = _gauge(verdicts) + precision * np.eye(parameters.size)
    information[:n, :n] += np.diag(pairs.sum(axis=0) + pairs.sum(axis=1)) - pairs - pairs.T
    weighted = verdicts.extras * weights[:, None]
    crossed = np.array([_by_cell(verdicts, column) for column in weighted.T]).reshape(-1, n)
    information[n:, :n] += crossed
    information[:n, n:] += crossed.T
    information[n:, n:] += verdicts.extras.T @ weighted
    return information


def _cluster_scores(verdicts: Verdicts, parameters: Floats, clusters: Codes) -> Floats:
    """(G, n_cells + p): what each cluster adds to the gradient of the likelihood."""
    residuals = verdicts.weights * (verdicts.outcome - expit(_log_odds(verdicts, parameters)))
    n, n_clusters = verdicts.n_cells, int(clusters.max()) + 1
    ratings = np.bincount(clusters * n + verdicts.first, residuals, n_clusters * n)
    ratings -= np.bincount(clusters * n + verdicts.second, residuals, n_clusters * n)
    extras = [np.bincount(clusters, residuals * column, n_clusters) for column in verdicts.extras.T]
    return np.column_stack([ratings.reshape(n_clusters, n), *extras])
