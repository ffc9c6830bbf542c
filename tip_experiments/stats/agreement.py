"""How far judges agree: each judge's bias and spread against the others, and pairs of judges.

A unit is what was judged, such as a tip. Agreement beyond chance, of all judges in one number, is in `alpha`; whether
an automatic judge measures what people do is in `calibration`.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats.clustered import clustered_mean
from tip_experiments.stats.estimates import Estimate, student
from tip_experiments.stats.inputs import faulty_rows, level_faults, require_no_faults

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MIN_SHARED = 10
"""Shared units, and clusters of them, below which no interval is given."""


class JudgeBias(NamedTuple):
    """One judge against the others, on the units that it shares with any of them."""

    bias: Estimate | None
    """Mean of its score less the mean of the others' on the same unit."""
    spread: float | None
    """Standard deviation of its scores on these units."""
    spread_of_others: float | None
    """The same of all the others' scores there."""
    n_shared: int
    reason: str | None


class PairAgreement(NamedTuple):
    """Two judges on the units that both scored."""

    one: int
    other: int
    n_shared: int
    equal: Estimate | None
    """Share of units with the same score."""
    close: Estimate | None
    """Share of units with scores no further apart than the tolerance."""
    difference: Estimate | None
    """Mean score of the first less that of the second."""
    correlation: float | None
    """None where either judge's scores do not vary."""
    reason: str | None


def table_faults(scores: Floats, clusters: Codes | None) -> list[str]:
    """What is wrong with a table of scores, (units, judges), and the clusters of its units."""
    if scores.ndim != 2 or (clusters is not None and clusters.shape != scores.shape[:1]):  # noqa: PLR2004  a table
        found = "none" if clusters is None else clusters.shape
        return [f"scores must be (units, judges) and clusters (units,); found {scores.shape} and {found}"]
    return faulty_rows("have an infinite score", np.asarray(np.isinf(scores).any(axis=1)), scores)


def judge_biases(scores: Floats, *, clusters: Codes | None = None, confidence: float = 0.95) -> tuple[JudgeBias, ...]:
    """Each judge against the mean of the others, in the order of the columns.

    With few judges one judge's bias is in the others' means too: of two, one's bias is the other's with its sign
    turned. Each interval covers by itself.

    Args:
        scores: (n_units, n_judges) float64; NaN where a judge did not score.
        clusters: (n_units,) the scenario of each unit; standard errors are clustered by it, else by unit.
        confidence: in (0, 1).

    Raises:
        ValueError: an infinite score or shapes that differ.
    """
    require_no_faults("Comparing judges", table_faults(scores, clusters) + level_faults(confidence, "confidence"))
    is_scored = np.isfinite(scores)
    filled = np.where(is_scored, scores, 0.0)
    names = np.arange(scores.shape[0]) if clusters is None else clusters
    found = []
    for judge in range(scores.shape[1]):
        n_others = is_scored.sum(axis=1) - is_scored[:, judge]
        shared = is_scored[:, judge] & (n_others > 0)
        n_shared = int(shared.sum())
        if n_shared < 2:  # noqa: PLR2004  no spread
            found.append(JudgeBias(None, None, None, n_shared, f"too little overlap: {n_shared} shared units"))
            continue
        own = scores[shared, judge]
        others = (filled[shared].sum(axis=1) - own) / n_others[shared]
        rest = np.delete(scores[shared], judge, axis=1)
        bias, reason = _mean(own - others, names[shared], confidence)
        found.append(JudgeBias(bias, float(own.std(ddof=1)), float(np.nanstd(rest, ddof=1)), n_shared, reason))
    return tuple(found)


def pairwise_agreement(
    scores: Floats, *, tolerance: float, clusters: Codes | None = None, confidence: float = 0.95
) -> tuple[PairAgreement, ...]:
    """All pairs of judges, in the order of the columns.

    Args:
        scores: (n_units, n_judges) float64; NaN where a judge did not score.
        tolerance: how far apart two scores still count as close, in points, non-negative.
        clusters: (n_units,) the scenario of each unit; standard errors are clustered by it, else by unit.
        confidence: in (0, 1).

    Raises:
        ValueError: an infinite score, shapes that differ or a negative tolerance.
    """
    faults = table_faults(scores, clusters) + level_faults(confidence, "confidence")
    if not tolerance >= 0.0:
        faults.append(f"tolerance must not be negative, found {tolerance!r}")
    require_no_faults("Comparing judges", faults)
    names = np.arange(scores.shape[0]) if clusters is None else clusters
    found = []
    for one, other in combinations(range(scores.shape[1]), 2):
        shared = np.isfinite(scores[:, one]) & np.isfinite(scores[:, other])
        n_shared = int(shared.sum())
        if n_shared < 2:  # noqa: PLR2004  no spread
            reason = f"too little overlap: {n_shared} shared units"
            found.append(PairAgreement(one, other, n_shared, None, None, None, None, reason))
            continue
        apart = scores[shared, one] - scores[shared, other]
        difference, reason_or_none = _mean(apart, names[shared], confidence)
        equal, _ = _mean((apart == 0.0).astype(np.float64), names[shared], confidence)
        close, _ = _mean((np.abs(apart) <= tolerance).astype(np.float64), names[shared], confidence)
        correlation = None
        if np.ptp(scores[shared, one]) > 0.0 and np.ptp(scores[shared, other]) > 0.0:
            correlation = float(np.corrcoef(scores[shared, one], scores[shared, other])[0, 1])
        found.append(PairAgreement(one, other, n_shared, equal, close, difference, correlation, reason_or_none))
    return tuple(found)


def _mean(values: Floats, clusters: Codes, confidence: float) -> tuple[Estimate, str | None]:
    """The clustered mean, with an interval where enough clusters carry it."""
    found = clustered_mean(values, clusters)
    if found is None:
        raise ValueError("A mean of nothing was asked for; callers pass at least two values")
    if found.n_clusters < MIN_SHARED:
        reason = f"too little overlap: {found.n_clusters} shared clusters, an interval needs {MIN_SHARED}"
        return Estimate(found.mean, found.standard_error, None, None), reason
    return student(found.mean, found.standard_error, found.n_clusters - 1, confidence), None
