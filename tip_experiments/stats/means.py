"""The mean score of each cell with the interval that its scenarios allow."""

from dataclasses import dataclass

import numpy as np

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.clustered import or_none
from tip_experiments.stats.intervals import Verdict, clustered_intervals, weighing


@dataclass(frozen=True)
class CellMean:
    """The mean score of one cell."""

    mean: float | None
    """Over the scored candidates; None where there is none."""
    standard_error: float | None
    """Clustered by scenario; None below two scenarios."""
    low: float | None
    """None where the verdict allows no interval. Not cut at the ends of the judges' scale."""
    high: float | None
    n_scored: int
    n_scenarios: int
    """Scenarios with at least one score."""
    verdict: Verdict
    """Only OK stands behind the interval; with TOO_FEW it is a wide one."""


def cell_means(scores: CellScores, confidence: float = 0.95) -> tuple[CellMean, ...]:
    """The mean of each cell, in the order of the cells.

    A cell may have more candidates in one scenario than in another: each candidate counts once, and the standard error
    is that of a ratio of two sums over scenarios.

    Args:
        scores: of one judge.
        confidence: of the intervals, in (0, 1).

    Raises:
        ValueError: `confidence` is not in (0, 1).
    """
    is_scored = scores.counts > 0
    deviations = np.where(is_scored, scores.scenario_means, 0.0)
    centres = deviations.sum(axis=1, keepdims=True) / np.maximum(scores.n_scored_scenarios, 1)[:, np.newaxis]
    deviations = np.where(is_scored, deviations - centres, 0.0)
    n_scenarios, weights = scores.n_scored_scenarios, weighing(scores.counts)
    found = clustered_intervals(scores.means, scores.influence, deviations, n_scenarios, weights, confidence)
    errors, lows, highs = map(or_none, (found.standard_errors, found.low, found.high))
    return tuple(
        CellMean(mean, error, low, high, int(n), int(n_clusters), verdict)
        for mean, error, low, high, n, n_clusters, verdict in zip(
            or_none(scores.means), errors, lows, highs,
            scores.n_scored, n_scenarios, found.verdicts, strict=True,
        )
    )  # fmt: skip
