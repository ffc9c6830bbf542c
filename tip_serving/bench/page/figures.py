"""Where things stand in a drawing: axes, positions in percent of the width, colours in steps, the efficient frontier.

Positions are percentages so that a drawing fills whatever width it is given while its text keeps its size.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from tip_serving.bench.identity import Cell
from tip_serving.bench.page.content import Row, Verdict
from tip_serving.bench.page.words import number

HEAT_STEPS = 7
MAX_MATRIX = 20
"""Cells in the matrix of differences; with more it is a carpet that nobody reads."""
FREE_AT = 9.0
"""Percent of the width where free cells stand on a logarithmic axis."""
_BETWEEN = ((1,), (1, 2, 5), (1, 1.2, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9))
_FEWEST_MARKS, _MOST_MARKS = 3, 6


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    """Percent of the width."""
    value: float
    label: str


class Axis(NamedTuple):
    """A linear or logarithmic axis over [low, high], drawn from `start` to `end` percent of the width."""

    low: float
    high: float
    ticks: tuple[Tick, ...]
    is_log: bool = False
    start: float = 0
    end: float = 100

    def at(self, value: float) -> float:
        """Percent of the width at which `value` stands; beyond the ends it stands at the end."""
        low, high, x = (math.log10(v) if self.is_log else v for v in (self.low, self.high, value))
        share = (x - low) / (high - low)
        return round(self.start + min(max(share, 0), 1) * (self.end - self.start), 2)


def linear(values: Iterable[float | None], n_ticks: int = 4, start: float = 0, end: float = 100) -> Axis:
    """An axis with round ends that holds all values; [0, 1] without any."""
    known = [value for value in values if value is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / n_ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    axis = Axis(first * step, last * step, (), start=start, end=end)
    marks = [i * step for i in range(first, last + 1)]
    return axis._replace(ticks=tuple(Tick(axis.at(value), value, number(value, digits)) for value in marks))


def _round_step(wanted: float) -> float:
    power = 10.0 ** math.floor(math.log10(wanted))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= wanted * (1 - 1e-9)), 10 * power)


def logarithmic(values: Sequence[float], start: float = 0, end: float = 100) -> Axis:
    """An axis that holds all values, with two to six marks: powers of ten where these are enough, else between them.

    Args:
        values: above 0, at least one.
        start: percent of the width where it begins.
        end: percent of the width where it ends.
    """
    low, high = min(values) / 1.25, max(values) * 1.25
    axis = Axis(low, high, (), is_log=True, start=start, end=end)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks: list[float] = []
    for factors in _BETWEEN:
        marks = [mark for decade in decades for factor in factors if low <= (mark := factor * 10.0**decade) <= high]
        if len(marks) >= _FEWEST_MARKS:
            break
    marks = marks[:: math.ceil(len(marks) / _MOST_MARKS)]
    return axis._replace(
        ticks=tuple(Tick(axis.at(mark), mark, f"{mark:.12f}".rstrip("0").rstrip(".")) for mark in marks)
    )


def heat_step(value: float, low: float, high: float) -> int:
    """The colour step of a value: 1 for `low`, HEAT_STEPS for `high`, the middle one where they are equal."""
    if high <= low:
        return (HEAT_STEPS + 1) // 2
    return min(HEAT_STEPS, 1 + int((value - low) / (high - low) * HEAT_STEPS))


class Point(NamedTuple):
    """A cell in a scatter plot."""

    row: Row
    x: float
    """Percent of the width."""
    y: float
    """Percent of the height, from the top."""
    whisker: tuple[float, float] | None
    """The interval of the mean, in percent of the height; None where there is none to be trusted."""
    is_efficient: bool
    price: float
    """What the x axis shows: US dollars or milliseconds."""


class Scatter(NamedTuple):
    """Quality against what it costs."""

    points: tuple[Point, ...]
    x: Axis | None
    """None where every price is 0."""
    y: Axis
    has_free: bool
    frontier: tuple[tuple[float, float, float, float], ...]
    """Line segments x1, y1, x2, y2 in percent: what the best mean is that a price buys."""
    unknown: tuple[Cell, ...]
    """Cells with a mean whose price is not known."""


def scatter(rows: Sequence[Row], price: str) -> Scatter | None:
    """The plot of means against the column `price`; None where no cell has both."""
    scored = [(row, row.score_mean, getattr(row, price)) for row in rows if row.score_mean is not None]
    known = [(row, mean, float(at)) for row, mean, at in scored if at is not None]
    if not known:
        return None
    positive = [at for _, _, at in known if at > 0]
    has_free = len(positive) < len(known)
    x = logarithmic(positive, start=18 if has_free else 9, end=94) if positive else None
    trusted = [row for row, _, _ in known if row.verdict is Verdict.ESTIMATED]
    bounds = [v for row in trusted for v in (row.score_low, row.score_high)]
    y = linear([*(mean for _, mean, _ in known), *bounds], start=4, end=96)
    telling = [(at, mean) for row, mean, at in known if row.verdict.is_telling]
    points = tuple(
        Point(
            row,
            x.at(at) if x and at > 0 else FREE_AT,
            100 - y.at(mean),
            _whisker(row, y),
            row.verdict.is_telling and is_efficient((at, mean), telling),
            at,
        )
        for row, mean, at in known
    )
    unknown = tuple(row.cell for row, _, at in scored if at is None)
    return Scatter(points, x, y, has_free, _steps([p for p in points if p.is_efficient]), unknown)


def _whisker(row: Row, y: Axis) -> tuple[float, float] | None:
    if row.verdict is not Verdict.ESTIMATED or row.score_low is None or row.score_high is None:
        return None
    return round(100 - y.at(row.score_low), 2), round(100 - y.at(row.score_high), 2)


def is_efficient(point: tuple[float, float], others: Iterable[tuple[float, float]]) -> bool:
    """Whether nothing beats this (price, mean): nothing else is as cheap and better, or cheaper and as good."""
    price, mean = point
    return not any(p <= price and m >= mean and (p, m) != point for p, m in others)


def _steps(points: Sequence[Point]) -> tuple[tuple[float, float, float, float], ...]:
    """Right along the same mean to the next price, then up; on to the edge from the last."""
    ordered = sorted(points, key=lambda point: (point.x, -point.y))
    segments = []
    for here, there in pairwise(ordered):
        segments += [(here.x, here.y, there.x, here.y), (there.x, here.y, there.x, there.y)]
    if ordered:
        segments.append((ordered[-1].x, ordered[-1].y, 100, ordered[-1].y))
    return tuple((round(a, 2), round(b, 2), round(c, 2), round(d, 2)) for a, b, c, d in segments if (a, b) != (c, d))
