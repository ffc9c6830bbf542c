"""What automatic scores are worth in people's points, and means of people's scores that they help to estimate.

Both rest on tips that people and the automatic judge have scored; tips of one scenario are not taken for independent.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats.estimates import Estimate, jackknifed, student
from tip_experiments.stats.inputs import faulty_rows, level_faults, require_no_faults, require_vectors
from tip_experiments.stats.intervals import MIN_SCENARIOS

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ROUNDING = 1e-10  # share of a square below which a spread is what rounding leaves of none


class Meaning(NamedTuple):
    """What an automatic score says of people's scores."""

    expected: Estimate
    """Mean of people's scores of tips with this automatic score."""
    spread: float
    """Standard deviation of people's scores of single tips around it."""
    is_extrapolated: bool
    """No tip that people scored had an automatic score as low or as high."""


@dataclass(frozen=True, eq=False)
class Line:
    """People's score = `height` + `slope` * (automatic score - `origin`), on average."""

    origin: float
    """An automatic score near the middle, so that height and slope hardly depend on one another."""
    height: float
    slope: float
    covariance: Floats
    """(2, 2) of height and slope; NaN where one scenario carries it all."""
    spread: float
    """Standard deviation of people's scores around it, in points."""
    lowest: float
    """Of the automatic scores that it was drawn through."""
    highest: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """An automatic judge against people, on the tips that both scored."""

    bias: Estimate
    """Mean automatic score less mean score of people."""
    slope: Estimate | None
    """People's points per automatic point; None where the automatic scores do not vary."""
    correlation: Estimate | None
    """Between single scores, its interval from Fisher's scale; None where either do not vary or fit exactly."""
    line: Line | None
    n: int
    n_scenarios: int
    reason: str | None
    """Why estimates or intervals are missing."""
    confidence: float

    def meaning(self, automatic: float) -> Meaning | None:
        """What an automatic score means in people's points; None where no line can be drawn."""
        if self.line is None:
            return None
        away = np.array([1.0, automatic - self.line.origin])
        height = self.line.height + self.line.slope * (automatic - self.line.origin)
        expected = _estimate(height, float(away @ self.line.covariance @ away), self.n_scenarios, self.confidence)
        return Meaning(expected, self.line.spread, not self.line.lowest <= automatic <= self.line.highest)


def calibrate(human: Floats, automatic: Floats, scenarios: Codes, *, confidence: float = 0.95) -> Calibration | None:
    """The automatic judge's calibration, from tips scored by both; None where there is none.

    Standard errors leave out one scenario at a time; intervals are Student's and cover each by itself.

    Args:
        human: (n,) float64, a person's score or the mean of several; NaN where there is none.
        automatic: (n,) float64, NaN where there is none.
        scenarios: (n,) codes of any range.
        confidence: in (0, 1).

    Raises:
        ValueError: shapes differ, a score is infinite, or the confidence is none.
    """
    _require_scores(human, automatic, scenarios, confidence)
    both = np.isfinite(human) & np.isfinite(automatic)
    if not both.any():
        return None
    x, y = automatic[both], human[both]
    origin, middle = float(x.mean()), float(y.mean())
    names, clusters = np.unique(scenarios[both], return_inverse=True)
    rows = np.column_stack([np.ones(x.size), x - origin, y - middle])
    parts = np.zeros((names.size, 3, 3))
    np.add.at(parts, clusters, np.einsum("ni,nj->nij", rows, rows))
    whole = parts.sum(axis=0)
    bias, height, slope, fisher = (float(value) for value in _numbers(whole[None])[0])
    errors = jackknifed(_numbers(whole - parts)) if names.size > 1 else np.full((4, 4), np.nan)
    line = None
    if not math.isnan(slope):
        residuals = y - middle - height - slope * (x - origin)
        spread = math.sqrt(float(residuals @ residuals) / max(x.size - 2, 1))
        line = Line(origin, middle + height, slope, errors[1:3, 1:3], spread, float(x.min()), float(x.max()))
    return Calibration(
        bias=_estimate(origin - middle + bias, errors[0, 0], names.size, confidence),
        slope=None if line is None else _estimate(slope, errors[2, 2], names.size, confidence),
        correlation=_correlation(fisher, errors[3, 3], names.size, confidence),
        line=line,
        n=x.size,
        n_scenarios=names.size,
        reason="the automatic scores do not vary" if line is None else _too_few(names.size),
        confidence=confidence,
    )


class PoweredMean(NamedTuple):
    """A mean of people's scores, estimated from few of them and many automatic ones."""

    powered: Estimate
    """What people would have given on average, with the help of the automatic scores."""
    human_only: Estimate
    """The same without that help."""
    trust: float
    """Weight of the automatic scores: 0 where they tell nothing, 1 where they move as people's do."""
    worth: float | None
    """As if people had scored so many times as many tips, by the ratio of variances; None without standard errors."""
    n_human: int
    n_automatic: int
    n_scenarios: int
    """Scenarios with scores of people."""
    reason: str | None
    """Why intervals are missing."""


def powered_mean(human: Floats, automatic: Floats, scenarios: Codes, *, confidence: float = 0.95) -> PoweredMean | None:
    """Mean of people's scores over all tips with an automatic score; None where people scored none of them.

    Holds however wrong the automatic judge is, for its error is measured on the tips that people scored, as long as
    these were drawn at random from all. With an automatic judge that tells nothing the interval is about that of people
    alone.

    Args:
        human: (n,) float64, NaN where people did not score.
        automatic: (n,) float64, NaN where there is none; such tips are left out, whatever people said.
        scenarios: (n,) codes of any range; standard errors leave out one scenario at a time.
        confidence: in (0, 1).

    Raises:
        ValueError: shapes differ, a score is infinite, or the confidence is none.

    Source:
        Angelopoulos, Bates, Fannjiang, Jordan & Zrnic (2023), Science 382, 669-674, with the weight of Angelopoulos,
        Duchi & Zrnic (2023), "PPI++". Ours takes tips that people scored for a part of those with automatic scores
        (a control variate) and lets tips of a scenario depend on one another.
    """
    _require_scores(human, automatic, scenarios, confidence)
    kept = np.isfinite(automatic)
    is_human = np.isfinite(human[kept])
    if not is_human.any():
        return None
    names, clusters = np.unique(scenarios[kept], return_inverse=True)
    y, x = np.where(is_human, human[kept], 0.0), automatic[kept]
    middle, origin = float(y[is_human].mean()), float(x.mean())
    columns = (is_human, (y - middle) * is_human, (x - origin) * is_human, np.ones(x.size), x - origin)
    sums = np.column_stack([np.bincount(clusters, column, names.size) for column in columns])
    squares = np.einsum("gi,gj->gij", sums, sums)
    values = _controlled(sums.sum(axis=0)[None], squares.sum(axis=0)[None])[0]
    n_scenarios = int((sums[:, 0] > 0.0).sum())
    variances = np.full(3, np.nan)
    if n_scenarios > 1:
        replicates = _controlled(sums.sum(axis=0) - sums, squares.sum(axis=0) - squares)
        variances = np.diag(jackknifed(replicates))
    return PoweredMean(
        powered=_estimate(middle + values[0], variances[0], n_scenarios, confidence),
        human_only=_estimate(middle + values[1], variances[1], n_scenarios, confidence),
        trust=float(values[2]),
        worth=float(variances[1] / variances[0]) if variances[0] > 0.0 else None,
        n_human=int(is_human.sum()),
        n_automatic=x.size,
        n_scenarios=n_scenarios,
        reason=_too_few(n_scenarios),
    )


def _numbers(moments: Floats) -> Floats:
    """(B, 4): bias, height at the origin, slope and Fisher's z from sums of products of (1, x, y), (B, 3, 3)."""
    n = moments[:, 0, 0]
    x, y = moments[:, 0, 1] / n, moments[:, 0, 2] / n
    square_x, square_y = moments[:, 1, 1] / n - x**2, moments[:, 2, 2] / n - y**2
    product = moments[:, 1, 2] / n - x * y
    varies_x, varies_y = square_x > _ROUNDING * moments[:, 1, 1] / n, square_y > _ROUNDING * moments[:, 2, 2] / n
    slope = np.where(varies_x, product / np.where(varies_x, square_x, 1.0), np.nan)
    size = np.sqrt(np.where(varies_x & varies_y, square_x * square_y, np.nan))
    correlation = product / size
    fits = np.abs(correlation) < 1.0 - _ROUNDING
    fisher = np.where(fits, np.arctanh(np.where(fits, correlation, 0.0)), np.nan)
    return np.column_stack([x - y, y - slope * x, slope, fisher])


def _controlled(sums: Floats, squares: Floats) -> Floats:
    """(B, 3): the powered mean, people's own, and the weight that makes the variance of the first the least.

    Args:
        sums: (B, 5): people's scores counted and summed, automatic scores of the same tips summed, automatic scores
            counted and summed.
        squares: (B, 5, 5): products of these sums in each scenario, summed over scenarios.
    """
    n, own, paired, n_all, every = sums.T
    own, paired, every = own / n, paired / n, every / n_all
    zeros = np.zeros_like(n)
    of_own = np.stack([-own / n, 1.0 / n, zeros, zeros, zeros], axis=1)
    of_control = np.stack([-paired / n, zeros, 1.0 / n, every / n_all, -1.0 / n_all], axis=1)
    shared = np.einsum("bi,bij,bj->b", of_own, squares, of_control)
    noise = np.einsum("bi,bij,bj->b", of_control, squares, of_control)
    varies = noise > _ROUNDING * squares[:, 4, 4] / n_all**2
    trust = np.where(varies, shared / np.where(varies, noise, 1.0), 0.0)
    return np.column_stack([own - trust * (paired - every), own, trust])


def _estimate(value: float, variance: float, n_scenarios: int, confidence: float) -> Estimate:
    """With an interval where enough scenarios carry it."""
    error = None if np.isnan(variance) else math.sqrt(max(float(variance), 0.0))
    degrees = n_scenarios - 1 if n_scenarios >= MIN_SCENARIOS else 0
    return student(float(value), error, degrees, confidence)


def _correlation(fisher: float, variance: float, n_scenarios: int, confidence: float) -> Estimate | None:
    if math.isnan(fisher):
        return None
    value, error, low, high = _estimate(fisher, variance, n_scenarios, confidence)
    correlation = math.tanh(value)
    return Estimate(
        correlation,
        None if error is None else error * (1.0 - correlation**2),
        None if low is None else math.tanh(low),
        None if high is None else math.tanh(high),
    )


def _too_few(n_scenarios: int) -> str | None:
    if n_scenarios >= MIN_SCENARIOS:
        return None
    return f"too few scenarios for intervals: {n_scenarios}, they need {MIN_SCENARIOS}"


def _require_scores(human: Floats, automatic: Floats, scenarios: Codes, confidence: float) -> None:
    require_vectors(human=human, automatic=automatic, scenarios=scenarios)
    require_no_faults(
        "Comparing automatic scores with people's",
        faulty_rows("have an infinite score of a person", np.isinf(human), human)
        + faulty_rows("have an infinite automatic score", np.isinf(automatic), automatic)
        + level_faults(confidence, "confidence"),
    )
