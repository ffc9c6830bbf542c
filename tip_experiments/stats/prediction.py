"""How good predicted probabilities are: log loss, Brier score, AUC and calibration, with errors clustered by person.

Rows of one person hang together, so people are the draws and not rows. All of it takes float rewards in [0, 1]; AUC
takes a reward of one half and more for a success.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats.clustered import clustered_errors, clustered_mean
from tip_experiments.stats.estimates import Estimate, student
from tip_experiments.stats.inputs import faulty_rows, level_faults, require_no_faults, require_vectors

Floats = NDArray[np.float64]
Clusters = NDArray[np.generic]

CLIP = 1e-6
"""Log losses are taken as if no prediction came closer to 0 or 1: 13.8 is the most that one row can cost."""
_SUCCESS = 0.5
_FEWEST_CLUSTERS = 2


class CurveBin(NamedTuple):
    """Rows of about the same prediction."""

    predicted: float
    """Mean prediction."""
    observed: float
    """Mean outcome."""
    low: float | None
    """Of the observed; None with one cluster."""
    high: float | None
    n: int
    n_clusters: int


def log_losses(predicted: Floats, outcomes: Floats) -> Floats:
    """(n,) float64, the log loss of each row, natural logarithm.

    Args:
        predicted: (n,) float64 in [0, 1].
        outcomes: (n,) float64 in [0, 1].
    """
    _require_predictions(predicted, outcomes)
    sure = np.clip(predicted, CLIP, 1.0 - CLIP)
    losses: Floats = -(outcomes * np.log(sure) + (1.0 - outcomes) * np.log1p(-sure))
    return losses


def brier_scores(predicted: Floats, outcomes: Floats) -> Floats:
    """(n,) float64, the squared distance of each row."""
    _require_predictions(predicted, outcomes)
    squares: Floats = (predicted - outcomes) ** 2
    return squares


def mean_of(values: Floats, clusters: Clusters, *, confidence: float = 0.95) -> Estimate | None:
    """The mean with Student's interval over clusters; None without values.

    Args:
        values: (n,) float64, finite.
        clusters: (n,) whose row it is.
        confidence: in (0, 1).
    """
    found = clustered_mean(values, clusters)
    if found is None:
        return None
    return student(found.mean, found.standard_error, found.n_clusters - 1, confidence)


def area_under_curve(
    scores: Floats, outcomes: Floats, clusters: Clusters, *, confidence: float = 0.95
) -> Estimate | None:
    """The chance that a success has a higher score than a failure, ties counting half; None where either lacks.

    Args:
        scores: (n,) float64, finite, on any scale.
        outcomes: (n,) float64 in [0, 1].
        clusters: (n,) whose row it is.
        confidence: in (0, 1).

    Source:
        DeLong, DeLong & Clarke-Pearson (1988) for the placements; Obuchowski (1997), Biometrics 53, 567-578, for rows
        in clusters. Ours sums successes and failures of a cluster into one influence, which is the same variance.
    """
    require_vectors(scores=scores, outcomes=outcomes, clusters=clusters)
    require_no_faults(
        "An area under the curve cannot be computed",
        [*faulty_rows("of scores are not finite", ~np.isfinite(scores), scores), *level_faults(confidence)],
    )
    wins = outcomes >= _SUCCESS
    n_wins, n_losses = int(wins.sum()), int((~wins).sum())
    if not n_wins or not n_losses:
        return None
    won, lost = np.sort(scores[wins]), np.sort(scores[~wins])
    placements = np.empty(scores.size)
    placements[wins] = _share_below(lost, scores[wins])
    placements[~wins] = 1.0 - _share_below(won, scores[~wins])
    area = float(placements[wins].mean())
    influence = np.where(wins, (placements - area) / n_wins, (placements - area) / n_losses)
    names, index = np.unique(clusters, return_inverse=True)
    of_clusters = np.bincount(index, influence, names.size).astype(np.float64)
    error = float(clustered_errors(of_clusters, np.asarray(names.size)))
    found = student(area, None if np.isnan(error) else error, names.size - 1, confidence)
    if found.low is None or found.high is None:
        return found
    return found._replace(low=max(found.low, 0.0), high=min(found.high, 1.0))


def calibration_curve(
    predicted: Floats, outcomes: Floats, clusters: Clusters, *, n_bins: int = 10, confidence: float = 0.95
) -> tuple[CurveBin, ...]:
    """Predictions against outcomes in up to `n_bins` bins of equally many rows; equal predictions share a bin.

    Args:
        predicted: (n,) float64 in [0, 1].
        outcomes: (n,) float64 in [0, 1].
        clusters: (n,) whose row it is.
        n_bins: >= 1.
        confidence: in (0, 1).
    """
    _require_predictions(predicted, outcomes)
    found = []
    bins = _bins(predicted, n_bins)
    for code in range(int(bins.max(initial=-1)) + 1):
        rows = bins == code
        estimate = mean_of(outcomes[rows], clusters[rows], confidence=confidence)
        if estimate is None:
            continue
        low = None if estimate.low is None else max(estimate.low, 0.0)
        high = None if estimate.high is None else min(estimate.high, 1.0)
        n_clusters = np.unique(clusters[rows]).size
        found.append(CurveBin(float(predicted[rows].mean()), estimate.value, low, high, int(rows.sum()), n_clusters))
    return tuple(found)


def calibration_error(
    predicted: Floats,
    outcomes: Floats,
    clusters: Clusters,
    rng: np.random.Generator,
    *,
    n_bins: int = 10,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> Estimate | None:
    """The mean distance of predictions from outcomes over bins of equally many rows (ECE); None without rows.

    The interval reaches as far to either side as resamples of people move the bins, summed over bins whatever their
    signs. By the triangle inequality the error cannot move further, so the interval holds its truth at least as often
    as asked for; where predictions are right it leaves 0 out exactly as rarely as it may.

    Args:
        predicted: (n,) float64 in [0, 1].
        outcomes: (n,) float64 in [0, 1].
        clusters: (n,) whose row it is.
        rng: draws the resamples.
        n_bins: >= 1.
        n_resamples: >= 1.
        confidence: in (0, 1).
    """
    _require_predictions(predicted, outcomes)
    require_no_faults("A calibration error cannot be computed", level_faults(confidence))
    if predicted.size == 0:
        return None
    bins = _bins(predicted, n_bins)
    width = int(bins.max()) + 1
    names, index = np.unique(clusters, return_inverse=True)
    cells = index * width + bins
    summed = np.bincount(cells, predicted - outcomes, names.size * width).astype(np.float64)
    residuals = summed.reshape(names.size, width)
    counts = np.bincount(cells, minlength=names.size * width).reshape(names.size, width).astype(np.float64)
    expected = float(np.abs(residuals.sum(axis=0)).sum() / predicted.size)
    if names.size < _FEWEST_CLUSTERS:
        return Estimate(expected, None, None, None)
    drawn = rng.multinomial(names.size, np.full(names.size, 1.0 / names.size), n_resamples).astype(np.float64)
    gaps = (drawn @ residuals) / (drawn @ counts).sum(axis=1, keepdims=True)
    moved = np.abs(gaps - residuals.sum(axis=0) / predicted.size).sum(axis=1)
    reach = float(np.quantile(moved, confidence))
    bounds = max(expected - reach, 0.0), min(expected + reach, 1.0)
    return Estimate(expected, float(np.abs(gaps).sum(axis=1).std(ddof=1)), *bounds)


def _share_below(sorted_values: Floats, values: Floats) -> Floats:
    """(n,) which share of the sorted values lies below each value, equal ones counting half."""
    below = np.searchsorted(sorted_values, values, "left") + np.searchsorted(sorted_values, values, "right")
    shares: Floats = below / (2.0 * sorted_values.size)
    return shares


def _bins(predicted: Floats, n_bins: int) -> NDArray[np.int64]:
    """(n,) int64 from 0 without gaps, by quantiles of the predictions."""
    if predicted.size == 0:
        return np.empty(0, np.int64)
    edges = np.unique(np.quantile(predicted, np.linspace(0.0, 1.0, n_bins + 1)[1:-1]))
    _, codes = np.unique(np.searchsorted(edges, predicted, "left"), return_inverse=True)
    return codes.astype(np.int64)


def _require_predictions(predicted: Floats, outcomes: Floats) -> None:
    require_vectors(predicted=predicted, outcomes=outcomes)
    faults: list[str] = []
    for name, values in (("predicted", predicted), ("outcomes", outcomes)):
        faults += faulty_rows(f"of {name} are not in [0, 1]", ~((values >= 0.0) & (values <= 1.0)), values)
    require_no_faults("Predictions cannot be measured", faults)
