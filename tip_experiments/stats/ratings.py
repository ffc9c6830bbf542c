"""Ratings of cells from pairwise verdicts, plain and at equal length and style, with ties and position bias.

Cells and scenarios are codes here; names, the choice of judge and the page belong to the leaderboard. What verdicts are
stands in `comparisons`, the regression in `pairwise_logit`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats.comparisons import TIE, BothOrders, Codes, Comparisons, Floats, both_orders, connected_cells
from tip_experiments.stats.estimates import Estimate, student
from tip_experiments.stats.inputs import faulty_rows, level_faults, require_no_faults
from tip_experiments.stats.intervals import MIN_SCENARIOS
from tip_experiments.stats.pairwise_logit import PRIOR_LOGITS, Fit, Verdicts, fit, telling_columns

ELO_PER_LOGIT = 400.0 / math.log(10.0)
ELO_CENTRE = 1000.0


class Features(NamedTuple):
    """What the tip that was shown first has more of than the second, such as log words."""

    names: tuple[str, ...]
    differences: Floats
    """(n, k) finite, in the order of the verdicts and of the names."""


class CellRating(NamedTuple):
    """One cell; the ratings are None where nothing connects it with the others."""

    logit: Estimate | None
    elo: Estimate | None
    n_verdicts: int
    share_won: float | None
    """Wins and half the ties, of all its verdicts."""


class Coefficient(NamedTuple):
    """What one unit more of a feature adds to the log odds of winning; None where it cannot be told from the cells."""

    name: str
    logit: Estimate | None


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of all cells from one judge's verdicts."""

    cells: tuple[CellRating, ...]
    covariance: Floats
    """(n_cells, n_cells) of the ratings in logits; NaN in the rows of those that have none."""
    confidence: float
    """Coverage of each interval by itself."""
    position: Estimate | None
    """Advantage of being shown first, in logits; None where it is not asked for or cannot be told from the cells."""
    coefficients: tuple[Coefficient, ...]
    orders: BothOrders
    n_verdicts: int
    n_scenarios: int
    """Those that rated cells were compared in; intervals have one degree of freedom less."""
    n_ties: int
    is_separated: bool
    """A weak prior keeps the ratings finite: without it at least one were infinite."""
    remarks: tuple[str, ...]

    def difference(self, one: int, other: int) -> Estimate | None:
        """Rating of cell `one` less that of cell `other` in logits; None where either has none."""
        first, second = self.cells[one].logit, self.cells[other].logit
        if first is None or second is None:
            return None
        variance = self.covariance[one, one] + self.covariance[other, other] - 2.0 * self.covariance[one, other]
        return _estimate(first.value - second.value, float(variance), self.n_scenarios, self.confidence)


class PlainAndControlled(NamedTuple):
    """The same verdicts rated as they are, and at equal length and style."""

    plain: Ratings
    controlled: Ratings


def plain_and_controlled(
    comparisons: Comparisons, features: Features, *, reference: int | None = None, confidence: float = 0.95
) -> PlainAndControlled:
    """Ratings without and with the features; the arguments are those of `bradley_terry`."""
    return PlainAndControlled(
        bradley_terry(comparisons, reference=reference, confidence=confidence),
        bradley_terry(comparisons, features=features, reference=reference, confidence=confidence),
    )


def bradley_terry(
    comparisons: Comparisons,
    *,
    features: Features | None = None,
    reference: int | None = None,
    confidence: float = 0.95,
    has_position: bool = True,
) -> Ratings:
    """Bradley-Terry ratings with standard errors that are robust and clustered by scenario.

    A tie counts half for each side. Cells that no chain of verdicts connects with the group that has most (or with the
    reference) get no rating. Where verdicts separate perfectly, a normal prior with a standard deviation of
    `pairwise_logit.PRIOR_LOGITS` keeps ratings finite, intervals grow by the spread it leaves, and a remark says so.

    Args:
        comparisons: one judge's verdicts.
        features: to be held equal between the cells; without them ratings are plain.
        reference: the cell whose rating is 0 (`ELO_CENTRE` points) by definition; without one it is the mean of all.
        confidence: in (0, 1).
        has_position: whether the advantage of being shown first is a parameter.

    Raises:
        ValueError: the features do not fit the verdicts, the confidence is none, or there is no such reference.

    Source:
        Bradley & Terry (1952). Features enter as in the style control of Li, Angelopoulos & Chiang (2024); theirs
        resample verdicts one by one, ours keep scenarios whole.
    """
    features = features or Features((), np.empty((comparisons.first.size, 0)))
    faults = _feature_faults(features, comparisons.first.size) + level_faults(confidence, "confidence")
    if reference is not None and not 0 <= reference < comparisons.n_cells:
        faults.append(f"reference must be a cell in [0, {comparisons.n_cells}), found {reference}")
    require_no_faults("Rating cells from pairs", faults)
    rated = connected_cells(comparisons, reference)
    columns = _columns(features, has_position)
    verdicts, clusters = _regression(comparisons, rated, columns)
    n_scenarios = int(clusters.max(initial=-1)) + 1
    told = telling_columns(verdicts) if n_scenarios else [False] * len(columns)
    fitted = fit(verdicts._replace(extras=verdicts.extras[:, told]), clusters) if n_scenarios else None
    slopes = _slopes(fitted, columns, told, n_scenarios, confidence)
    cells, covariance = _cells(comparisons, fitted, rated, reference, n_scenarios, confidence)
    return Ratings(
        cells=cells,
        covariance=covariance,
        confidence=confidence,
        position=slopes[0].logit if has_position else None,
        coefficients=tuple(slopes[int(has_position) :]),
        orders=both_orders(comparisons),
        n_verdicts=comparisons.first.size,
        n_scenarios=n_scenarios,
        n_ties=int((comparisons.outcome == TIE).sum()),
        is_separated=fitted is not None and fitted.is_separated,
        remarks=tuple(_remarks(fitted, rated, slopes, n_scenarios)),
    )


class _Column(NamedTuple):
    """A further column of the regression, divided by its scale."""

    name: str
    values: Floats
    scale: float


def _columns(features: Features, has_position: bool) -> list[_Column]:
    n = features.differences.shape[0]
    columns = [_Column("being shown first", np.ones(n), 1.0)] if has_position else []
    for name, values in zip(features.names, features.differences.T, strict=True):
        scale = float(np.sqrt(np.mean(values**2))) if n else 0.0
        columns.append(_Column(name, values / (scale or 1.0), scale or 1.0))
    return columns


def _regression(comparisons: Comparisons, rated: NDArray[np.bool_], columns: list[_Column]) -> tuple[Verdicts, Codes]:
    """The rows between rated cells, cells coded anew without gaps, and the scenario of each as codes without gaps."""
    kept = rated[comparisons.first]
    recoded = np.cumsum(rated) - 1
    weights = np.ones(kept.size) if comparisons.weights is None else comparisons.weights
    extras = np.stack([column.values for column in columns], axis=1) if columns else np.empty((kept.size, 0))
    verdicts = Verdicts(
        first=recoded[comparisons.first[kept]],
        second=recoded[comparisons.second[kept]],
        outcome=comparisons.outcome[kept],
        weights=weights[kept],
        extras=extras[kept],
        n_cells=int(rated.sum()),
    )
    return verdicts, np.unique(comparisons.scenarios[kept], return_inverse=True)[1]


def _slopes(
    fitted: Fit | None, columns: list[_Column], told: list[bool], n_scenarios: int, confidence: float
) -> list[Coefficient]:
    slopes = []
    place = -sum(told)
    for column, is_told in zip(columns, told, strict=True):
        if fitted is None or not is_told:
            slopes.append(Coefficient(column.name, None))
            continue
        value = float(fitted.parameters[place]) / column.scale
        variance = float(fitted.covariance[place, place]) / column.scale**2
        slopes.append(Coefficient(column.name, _estimate(value, variance, n_scenarios, confidence)))
        place += 1
    return slopes


def _cells(
    comparisons: Comparisons, fitted: Fit | None, rated: NDArray[np.bool_], reference: int | None,
    n_scenarios: int, confidence: float,
) -> tuple[tuple[CellRating, ...], Floats]:  # fmt: skip
    """All cells, centred at the reference or the mean, and the covariance of their ratings."""
    n = comparisons.n_cells
    ratings, covariance = np.full(n, np.nan), np.full((n, n), np.nan)
    if fitted is not None:
        n_rated = int(rated.sum())
        centre = np.full(n_rated, 1.0 / n_rated) if reference is None else np.eye(n_rated)[rated[:reference].sum()]
        centring = np.eye(n_rated) - centre
        ratings[rated] = centring @ fitted.parameters[:n_rated]
        covariance[np.ix_(rated, rated)] = centring @ fitted.covariance[:n_rated, :n_rated] @ centring.T
    counts = np.bincount(comparisons.first, minlength=n) + np.bincount(comparisons.second, minlength=n)
    won = np.bincount(comparisons.first, comparisons.outcome, n)
    won += np.bincount(comparisons.second, 1.0 - comparisons.outcome, n)
    cells = []
    for cell in range(n):
        n_verdicts = int(counts[cell])
        share = float(won[cell]) / n_verdicts if n_verdicts else None
        logit = elo = None
        if fitted is not None and rated[cell]:
            logit = _estimate(float(ratings[cell]), float(covariance[cell, cell]), n_scenarios, confidence)
            elo = _in_points(logit)
        cells.append(CellRating(logit, elo, n_verdicts, share))
    return tuple(cells), covariance


def _estimate(value: float, variance: float, n_scenarios: int, confidence: float) -> Estimate:
    error = math.sqrt(max(variance, 0.0)) if n_scenarios > 1 else None
    return student(value, error, n_scenarios - 1, confidence)


def _in_points(logit: Estimate) -> Estimate:
    """The same on the Elo scale: 400 points are odds of 10 to 1."""
    return Estimate(
        ELO_CENTRE + ELO_PER_LOGIT * logit.value,
        None if logit.standard_error is None else ELO_PER_LOGIT * logit.standard_error,
        None if logit.low is None else ELO_CENTRE + ELO_PER_LOGIT * logit.low,
        None if logit.high is None else ELO_CENTRE + ELO_PER_LOGIT * logit.high,
    )


def _remarks(fitted: Fit | None, rated: NDArray[np.bool_], slopes: list[Coefficient], n_scenarios: int) -> list[str]:
    """What a reader must know before trusting the numbers, in words."""
    if fitted is None:
        return ["No verdicts: no cell is rated."]
    remarks = []
    if not rated.all():
        left_out = np.flatnonzero(~rated)
        remarks.append(
            f"{left_out.size} of {rated.size} cells have no rating, for no chain of verdicts connects them: "
            + ", ".join(str(cell) for cell in left_out[:10])
        )
    if fitted.is_separated:
        remarks.append(
            "Verdicts separate perfectly (a cell, a place or a feature wins without exception): only a normal prior of "
            f"{PRIOR_LOGITS} logits keeps the numbers finite; their order says more than their size."
        )
    remarks += [f"The effect of {slope.name} cannot be told from the cells." for slope in slopes if slope.logit is None]
    if n_scenarios < MIN_SCENARIOS:
        remarks.append(
            f"Verdicts come from {n_scenarios} scenarios, below {MIN_SCENARIOS}: intervals are not to be trusted."
        )
    return remarks


def _feature_faults(features: Features, n: int) -> list[str]:
    if features.differences.shape != (n, len(features.names)):
        return [f"features must have the shape {(n, len(features.names))}, found {features.differences.shape}"]
    faults = []
    for name, values in zip(features.names, features.differences.T, strict=True):
        faults += faulty_rows(f"of the feature {name!r} are not finite", ~np.isfinite(values), values)
    return faults
