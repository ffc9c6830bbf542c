"""A card made ready for its page: metrics beside their baselines, groups, inputs by weight, time as a line."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from tip_serving.bench.page.figures import Axis, linear
from tip_serving.training.cards.card import Card, Fairness, Group, Input, Metric, Part

_SHOWN_INPUTS = 15


class MetricView(NamedTuple):
    """One number, of the version and of what it is compared with, on an axis of its own."""

    name: str
    own: Metric | None
    others: tuple[Metric, ...]
    axis: Axis
    has_zero: bool
    """Whether 0 is where nothing is gained."""


class GroupView(NamedTuple):
    """The groups of one column."""

    column: str
    groups: tuple[Group, ...]
    measures: tuple[str, ...]
    axes: dict[str, Axis]
    gaps: dict[str, float | None]


class InputView(NamedTuple):
    """Inputs by what the model gains from them."""

    leading: tuple[Input, ...]
    rest: tuple[Input, ...]
    largest: float


class PartView(NamedTuple):
    """A part of the rows on the line of time; percent of the width."""

    part: Part
    start: float
    width: float


def metric_views(card: Card) -> tuple[MetricView, ...]:
    """The metrics of the version in their order, each beside those of the same name."""
    names = list(dict.fromkeys(metric.name for metric in card.metrics))
    return tuple(_metric_view(card, name) for name in names)


def _metric_view(card: Card, name: str) -> MetricView:
    same = [metric for metric in card.metrics if metric.name == name]
    own = next((metric for metric in same if metric.of == card.version), None)
    others = tuple(metric for metric in same if metric is not own)
    has_zero = "saved" in name or "gain" in name
    values = [value for metric in same for value in (metric.value, metric.low, metric.high)]
    return MetricView(name, own, others, linear([*values, *([0.0] if has_zero else [])], 3, 4, 95), has_zero)


def group_views(fairness: Fairness | None) -> tuple[GroupView, ...]:
    """The groups by column."""
    if fairness is None:
        return ()
    found = []
    for column in dict.fromkeys(group.column for group in fairness.groups):
        groups = tuple(group for group in fairness.groups if group.column == column)
        measures = tuple(groups[0].values)
        axes = {name: _group_axis(groups, name) for name in measures}
        gaps = {name: fairness.gaps.get(f"{name} by {column}") for name in measures}
        found.append(GroupView(column, groups, measures, axes, gaps))
    return tuple(found)


def _group_axis(groups: Sequence[Group], name: str) -> Axis:
    """Holds the groups that say something; what is too small is cut at its ends."""
    telling = [group for group in groups if group.is_large_enough] or groups
    bounds = [bound for group in telling for bound in (group.values[name], group.low[name], group.high[name])]
    return linear([*bounds, *([0.0] if _is_signed(name) else [])], 2, 5, 93)


def _is_signed(name: str) -> bool:
    return name == "bias" or "gain" in name


def input_view(card: Card) -> InputView:
    """The inputs, the weightiest first; in declared order where none has a weight."""
    ranked = sorted(card.inputs, key=lambda one: -(one.importance or 0.0))
    largest = max([one.importance or 0.0 for one in card.inputs], default=0.0)
    return InputView(tuple(ranked[:_SHOWN_INPUTS]), tuple(ranked[_SHOWN_INPUTS:]), largest)


def part_views(parts: Sequence[Part]) -> tuple[PartView, ...]:
    """The parts on a line from the first to the last decision."""
    if not parts:
        return ()
    first = min(part.first_at for part in parts)
    span = max((max(part.last_at for part in parts) - first) / dt.timedelta(seconds=1), 1.0)
    return tuple(
        PartView(
            part,
            round((part.first_at - first) / dt.timedelta(seconds=1) / span * 100, 2),
            round(max((part.last_at - part.first_at) / dt.timedelta(seconds=1) / span * 100, 0.5), 2),
        )
        for part in parts
    )


class Point(NamedTuple):
    """One bin of the calibration plot, in the plot's own units."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    says: str


class CalibrationView(NamedTuple):
    """The calibration plot: predictions from left to right, outcomes from bottom to top, both from 0 to `end`."""

    points: tuple[Point, ...]
    ticks: tuple[tuple[float, str], ...]
    """Place and label, the same on both axes."""
    line: str
    """Through the points, for a polyline."""
    size: float


def calibration_view(card: Card) -> CalibrationView | None:
    """The plot; None where there is no curve."""
    if not card.calibration:
        return None
    size = 360.0
    highest = max(max(one.predicted, one.high or one.observed) for one in card.calibration)
    axis = linear([0.0, min(highest, 1.0)], 4)
    most = max(one.n_rows for one in card.calibration)

    def at(value: float) -> float:
        return axis.at(value) / 100 * size

    points = tuple(
        Point(
            round(at(one.predicted), 1),
            round(size - at(one.observed), 1),
            round(size - at(one.observed if one.low is None else one.low), 1),
            round(size - at(one.observed if one.high is None else one.high), 1),
            round(3 + 4 * (one.n_rows / most) ** 0.5, 1),
            f"predicted {one.predicted:.3f}, observed {one.observed:.3f} in {one.n_rows:,} decisions",
        )
        for one in card.calibration
    )
    line = " ".join(f"{point.x},{point.y}" for point in points)
    return CalibrationView(
        points, tuple((round(tick.at / 100 * size, 1), tick.label) for tick in axis.ticks), line, size
    )
