"""Known anchors in a judge's batches: tips that people scored before, given again to see how the judge holds.

Says of each judge whether it is biased, drifts, judges no better than chance or gives one score to everything. How
anchors get into a batch is the export's affair.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.clustered import clustered_mean
from tip_experiments.stats.estimates import Estimate, student
from tip_experiments.stats.inputs import faulty_rows, level_faults, require_no_faults, require_vectors
from tip_experiments.stats.multiplicity import holm

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MIN_ANCHORS = 12
"""Below so many, nothing is said of a judge. At 12, nine in ten who deal out scores by chance are found careless, and
one in twelve who correlates 0.7 with people is suspected wrongly; at 30 it is 19 in 20, and one in two hundred."""
MIN_BATCHES = 4
"""With anchors, below which nothing is said of drift: a line through fewer batches has hardly a residual."""
MIN_CONSTANT = 8
"""Scores of a batch that must all be equal for the judge to be suspected of not looking."""
_PERMUTATIONS = 1999
_NEAR_CHANCE = 0.8  # of the error of chance; a judge who correlates 0.36 with people and spreads as they do


class Finding(StrEnum):
    """What the anchors show of a judge."""

    STEADY = "steady"
    """Nothing of what follows."""
    TOO_FEW = "too few anchors"
    BIASED = "biased"
    """Its scores lie above or below people's on average."""
    DRIFTING = "drifting"
    """Its deviation changes from batch to batch in one direction."""
    CARELESS = "careless"
    """Its errors are near those of its scores dealt out to the anchors by chance, and may well be chance."""
    STRAIGHT_LINING = "straight-lining"
    """One score for everything in a batch whose anchors differ."""


class BatchDeviation(NamedTuple):
    """One batch of one judge."""

    batch: int
    n_scores: int
    n_anchors: int
    deviation: float | None
    """Mean of the judge's score less people's, over the anchors; None without any."""
    is_constant: bool
    """The same score throughout, though people's scores of the anchors in it differ."""


@dataclass(frozen=True)
class JudgeReport:
    """How one judge holds against the anchors."""

    judge: int
    findings: tuple[Finding, ...]
    """At least one."""
    reasons: tuple[str, ...]
    """In words, one for each finding but steadiness."""
    bias: Estimate | None
    """Mean deviation from people in points; clustered by batch where there are enough batches."""
    drift: Estimate | None
    """Change of the deviation from the first batch to the last, in points."""
    error: float | None
    """Root mean square of the deviations less their mean."""
    chance_error: float | None
    """The same where the judge's scores are dealt out to the anchors by chance."""
    attention_p_value: float | None
    """Chance that dealt-out scores fit the anchors as well; None where scores or anchors do not vary."""
    n_anchors: int
    batches: tuple[BatchDeviation, ...]


def judge_drift(
    judges: Codes, batches: Codes, scores: Floats, known: Floats, rng: np.random.Generator, *, confidence: float = 0.95
) -> tuple[JudgeReport, ...]:
    """A report on each judge, in the order of their codes.

    Bias and drift are found with family-wise control over the judges (Holm), each by itself; carelessness and
    straight-lining judge by judge, for they are suspicions that a person should look into.

    Args:
        judges: (n,) codes.
        batches: (n,) numbers that grow with time within a judge.
        scores: (n,) float64, finite: all scores of these batches, anchors among them.
        known: (n,) float64, people's score of an anchor; NaN where the row is none.
        rng: of the permutations that carelessness is measured against.
        confidence: of intervals; findings have an error rate of one less it. In (0, 1).

    Raises:
        ValueError: shapes differ, a score is not finite or the confidence is none.
    """
    require_vectors(judges=judges, batches=batches, scores=scores, known=known)
    require_no_faults(
        "Holding judges against anchors",
        faulty_rows("have no finite score", ~np.isfinite(scores), scores)
        + faulty_rows("have an infinite known score", np.isinf(known), known)
        + level_faults(confidence, "confidence"),
    )
    names = np.unique(judges)
    measured = [_measured(batches[at], scores[at], known[at], rng, confidence) for at in (judges == j for j in names)]
    alpha = 1.0 - confidence
    is_biased = holm(np.array([one.bias_p_value for one in measured], dtype=np.float64)) <= alpha
    is_drifting = holm(np.array([one.drift_p_value for one in measured], dtype=np.float64)) <= alpha
    return tuple(
        _report(int(name), one, bool(biased), bool(drifting), alpha)
        for name, one, biased, drifting in zip(names, measured, is_biased, is_drifting, strict=True)
    )


class _Measured(NamedTuple):
    """Numbers of one judge, before any verdict; p-values are NaN where there is no test."""

    bias: Estimate | None
    bias_p_value: float
    drift: Estimate | None
    drift_p_value: float
    error: float | None
    chance_error: float | None
    attention_p_value: float | None
    n_anchors: int
    batches: tuple[BatchDeviation, ...]


def _measured(batches: Codes, scores: Floats, known: Floats, rng: np.random.Generator, confidence: float) -> _Measured:
    told = tuple(_batch(int(batch), scores[batches == batch], known[batches == batch]) for batch in np.unique(batches))
    is_anchor = np.isfinite(known)
    n_anchors = int(is_anchor.sum())
    if n_anchors < MIN_ANCHORS:
        return _Measured(None, np.nan, None, np.nan, None, None, None, n_anchors, told)
    given, people = scores[is_anchor], known[is_anchor]
    deviations = given - people
    with_anchors = np.unique(batches[is_anchor])
    is_batched = with_anchors.size >= MIN_BATCHES
    clusters = batches[is_anchor] if is_batched else np.arange(n_anchors)
    found = clustered_mean(deviations, clusters)
    bias, bias_p_value = None, np.nan
    if found is not None:
        bias = student(found.mean, found.standard_error, found.n_clusters - 1, confidence)
        bias_p_value = _p_value(bias, found.n_clusters - 1)
    drift = _drift(told, confidence) if is_batched else None
    drift_p_value = _p_value(drift, with_anchors.size - 2) if drift else np.nan
    return _Measured(
        bias=bias,
        bias_p_value=bias_p_value,
        drift=drift,
        drift_p_value=drift_p_value,
        error=float(deviations.std()),
        chance_error=math.sqrt(float(given.var() + people.var())),
        attention_p_value=_attention_p_value(given, people, rng),
        n_anchors=n_anchors,
        batches=told,
    )


def _batch(batch: int, scores: Floats, known: Floats) -> BatchDeviation:
    is_anchor = np.isfinite(known)
    differ = np.unique(known[is_anchor]).size > 1
    is_constant = bool(differ and scores.size >= MIN_CONSTANT and np.ptp(scores) == 0.0)
    deviation = float((scores - known)[is_anchor].mean()) if is_anchor.any() else None
    return BatchDeviation(batch, scores.size, int(is_anchor.sum()), deviation, is_constant)


def _p_value(estimate: Estimate, degrees: int) -> float:
    """Of no bias or drift, two-sided; deviations that do not vary leave no doubt of whether they are 0."""
    if not estimate.standard_error:
        return float(estimate.value == 0.0)
    return float(2.0 * stats.t.sf(abs(estimate.value) / estimate.standard_error, degrees))


def _drift(batches: tuple[BatchDeviation, ...], confidence: float) -> Estimate:
    """Change over all batches along a line through their mean deviations, weighed by their anchors.

    Whole batches are the observations, so that a judge's mood on a day is not taken for drift.
    """
    with_anchors = [batch for batch in batches if batch.deviation is not None]
    heights = np.array([batch.deviation for batch in with_anchors], dtype=np.float64)
    weights = np.array([batch.n_anchors for batch in with_anchors], dtype=np.float64)
    places = np.linspace(0.0, 1.0, heights.size)
    away = places - np.average(places, weights=weights)
    spread = float(weights @ away**2)
    slope = float(weights @ (away * heights)) / spread
    residuals = heights - np.average(heights, weights=weights) - slope * away
    degrees = heights.size - 2
    error = math.sqrt(float(weights @ residuals**2) / degrees / spread)
    return student(slope, error, degrees, confidence)


def _attention_p_value(given: Floats, people: Floats, rng: np.random.Generator) -> float | None:
    """One-sided permutation test of whether scores go with people's: the more they do, the smaller the errors."""
    if np.ptp(given) == 0.0 or np.ptp(people) == 0.0:
        return None
    centred = people - people.mean()
    dealt = rng.permuted(np.tile(given, (_PERMUTATIONS, 1)), axis=1) @ centred
    n_as_good = int((dealt >= given @ centred - 1e-9 * np.abs(given) @ np.abs(centred)).sum())
    return (1 + n_as_good) / (1 + _PERMUTATIONS)


def _is_careless(measured: _Measured, alpha: float) -> bool:
    """Whether errors are near those of chance, and not by bad luck with few anchors alone."""
    if measured.attention_p_value is None or measured.error is None or measured.chance_error is None:
        return False
    return measured.attention_p_value > alpha and measured.error > _NEAR_CHANCE * measured.chance_error


def _report(judge: int, measured: _Measured, is_biased: bool, is_drifting: bool, alpha: float) -> JudgeReport:
    found: dict[Finding, str] = {}
    constant = [batch for batch in measured.batches if batch.is_constant]
    if constant:
        shown = ", ".join(str(batch.batch) for batch in constant[:10])
        found[Finding.STRAIGHT_LINING] = (
            f"one score for everything in {len(constant)} of {len(measured.batches)} batches though anchors differ: "
            f"{shown}"
        )
    if measured.n_anchors < MIN_ANCHORS:
        found[Finding.TOO_FEW] = f"{measured.n_anchors} anchors, a verdict needs {MIN_ANCHORS}"
    if _is_careless(measured, alpha):
        found[Finding.CARELESS] = (
            f"its error of {measured.error:.2f} points on the anchors is no smaller than chance would have it "
            f"({measured.chance_error:.2f}; p = {measured.attention_p_value:.2f})"
        )
    if is_biased and measured.bias is not None:
        side = "above" if measured.bias.value > 0.0 else "below"
        found[Finding.BIASED] = f"{abs(measured.bias.value):.2f} points {side} people on {measured.n_anchors} anchors"
    if is_drifting and measured.drift is not None:
        direction = "up" if measured.drift.value > 0.0 else "down"
        found[Finding.DRIFTING] = f"{abs(measured.drift.value):.2f} points {direction} from the first batch to the last"
    return JudgeReport(
        judge=judge,
        findings=tuple(found) or (Finding.STEADY,),
        reasons=tuple(found.values()),
        bias=measured.bias,
        drift=measured.drift,
        error=measured.error,
        chance_error=measured.chance_error,
        attention_p_value=measured.attention_p_value,
        n_anchors=measured.n_anchors,
        batches=measured.batches,
    )
