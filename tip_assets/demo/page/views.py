"""Where things stand in the drawings: in percent, so that a drawing fills any width and its text keeps its size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tip_assets.demo.page.content import ArmRate, Belief, Interval, JudgedCell, Lane, Moment, Page, Span
from tip_serving.bench.page.figures import Axis, linear

TOP, BOTTOM = 4.0, 96.0
_NAME_WIDTH, _NAME_HEIGHT = 14.0, 6.0  # percent that the name of a dot takes
_TURNING = 75.0  # percent, from which on a name stands to the left, or it would leave the page


class Point(NamedTuple):
    """A dot with its interval, in percent, and what it says when asked."""

    x: float
    y: float
    low: float | None
    high: float | None
    says: str


class Band(NamedTuple):
    """A time in which a share of people had something new."""

    x: float
    width: float
    step: int
    """How dark, 1 to 5."""
    label: str
    says: str


class Mark(NamedTuple):
    """An end of a release, on the day axis."""

    x: float
    kind: str
    label: str
    says: str


@dataclass(frozen=True)
class Chart:
    """One curve over the days."""

    x: Axis
    y: Axis
    line: str
    """Points of a polyline in a box of 100 by 100."""
    band: str
    """Points of the polygon of its interval."""
    points: tuple[Point, ...]
    second: str
    """Points of a second line; empty for none."""


@dataclass(frozen=True)
class Row:
    """One line of a dot plot."""

    name: str
    note: str
    number: str
    at: float
    low: float | None
    high: float | None
    before: float | None = None
    before_low: float | None = None
    before_high: float | None = None


@dataclass(frozen=True)
class DotPlot:
    """Rows over one axis."""

    axis: Axis
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class LaneView:
    """One proposal along the days."""

    lane: Lane
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]


def days(page: Page) -> Axis:
    """The axis of days, a tick at the beginning of each second one."""
    axis = linear([0.0, float(page.n_days)])
    wanted = range(0, page.n_days + 1, 2 if page.n_days > 8 else 1)  # noqa: PLR2004  more would touch one another
    ticks = tuple(axis.ticks[0]._replace(at=100 * day / page.n_days, value=day, label=f"{day + 1}") for day in wanted)
    return axis._replace(low=0.0, high=float(page.n_days), ticks=ticks[:-1] if wanted[-1] == page.n_days else ticks)


def milestones(page: Page) -> list[tuple[float, str, str]]:
    """Where something began, its name, and which end of the name stands there."""
    at = [(100 * day / page.n_days, what) for day, what in page.milestones]
    return [(where, what, "start" if where < _TURNING else "end") for where, what in at if where < 100]  # noqa: PLR2004  percent


def regret(page: Page) -> Chart:
    """The regret, day by day."""
    return _chart(page, [span.regret for span in page.spans], None, "missed", [0.0])


def taken(page: Page) -> Chart:
    """The share of tips that were taken, under the share that was possible."""
    return _chart(page, [span.taken for span in page.spans], [span.possible for span in page.spans], "taken", [0.0])


def lane(page: Page, one: Lane) -> LaneView:
    """A proposal's stages along the days."""
    bands, marks = [], []
    ends = [*(moment.day for moment in one.moments[1:]), _replaced(page, one)]
    for moment, end in zip(one.moments, ends, strict=False):
        step, label = _step(moment)
        if step:
            width = 100 * (end - moment.day) / page.n_days
            says = f"Day {moment.day + 1:.1f}, {label}: {'; '.join(moment.reasons)}"
            bands.append(Band(100 * moment.day / page.n_days, max(width, 0.4), step, label, says))
        if moment.kind in {"refused", "rolled back", "finished", "withdrawn"}:
            marks.append(
                Mark(100 * moment.day / page.n_days, moment.kind.replace(" ", "-"), moment.kind, moment.reasons[0])
            )
    return LaneView(one, tuple(bands), tuple(marks))


def _replaced(page: Page, one: Lane) -> float:
    """When the next arm went to everybody, or the end of the demo."""
    since = one.moments[-1].day if one.moments else 0.0
    finished = [moment.day for lane in page.lanes for moment in lane.moments if moment.kind == "finished"]
    return min((day for day in finished if day > since), default=float(page.n_days))


def arms(rates: Sequence[ArmRate]) -> DotPlot:
    """Rewards by arm."""
    axis = _percent([rate.rate for rate in rates])
    rows = tuple(
        Row(rate.name, f"{rate.what}, {rate.n:,} tips, {rate.n_people:,} people", f"{100 * rate.rate.mean:.1f}",
            axis.at(100 * rate.rate.mean), _at(axis, rate.rate.low), _at(axis, rate.rate.high))
        for rate in rates
    )  # fmt: skip
    return DotPlot(axis, rows)


def beliefs(found: Sequence[Belief]) -> DotPlot:
    """What was expected of each cell, before and after."""
    axis = _percent([one for belief in found for one in (belief.before, belief.after)])
    rows = tuple(
        Row(
            belief.cell, f"{belief.n:,} answered", f"{100 * belief.before.mean:.0f} → {100 * belief.after.mean:.0f}",
            axis.at(100 * belief.after.mean), _at(axis, belief.after.low), _at(axis, belief.after.high),
            axis.at(100 * belief.before.mean), _at(axis, belief.before.low), _at(axis, belief.before.high),
        )
        for belief in found
    )  # fmt: skip
    return DotPlot(axis, rows)


@dataclass(frozen=True)
class Scatter:
    """Cells by what the judge said and what people did; y grows downwards on the page."""

    x: Axis
    y: Axis
    points: tuple["Labelled", ...]


class Labelled(NamedTuple):
    """A dot with intervals both ways, and its name beside it."""

    point: Point
    name: str
    left: float | None
    right: float | None
    is_mirrored: bool
    """Whether the name stands to the left, since another one is in its way."""


def scatter(cells: Sequence[JudgedCell]) -> Scatter | None:
    """The judge against people; None where fewer than two cells were shown."""
    shown = [(cell, cell.people) for cell in cells if cell.people is not None]
    if len(shown) < 2:  # noqa: PLR2004  one point shows nothing
        return None
    x = linear(
        [end for cell, _ in shown for end in (cell.judge.mean, cell.judge.low, cell.judge.high)], start=8, end=92
    )
    y = _percent([people for _, people in shown])
    points: list[Labelled] = []
    for cell, people in shown:
        says = f"{cell.cell}: judge {cell.judge.mean:.2f}, people {100 * people.mean:.1f} of 100, {cell.n_shown} tips"
        point = Point(
            x.at(cell.judge.mean), _up(y.at(100 * people.mean)), _low(y, people.low), _low(y, people.high), says
        )
        left, right = (None if end is None else x.at(end) for end in (cell.judge.low, cell.judge.high))
        is_mirrored = point.x > _TURNING or any(
            not other.is_mirrored
            and abs(other.point.x - point.x) < _NAME_WIDTH
            and abs(other.point.y - point.y) < _NAME_HEIGHT
            for other in points
        )
        points.append(Labelled(point, cell.cell.removeprefix("embedded/"), left, right, is_mirrored))
    return Scatter(x, y, tuple(points))


def _chart(
    page: Page, values: Sequence[Interval], second: Sequence[float] | None, what: str, also: Iterable[float]
) -> Chart:
    x = days(page)
    y = _percent(values, [*also, *(second or ())])
    spots = [(100 * (span.day + 0.5) / page.n_days, value) for span, value in zip(page.spans, values, strict=True)]
    points = tuple(
        Point(round(at, 2), _up(y.at(100 * value.mean)), _low(y, value.low), _low(y, value.high),
              f"Day {span.day + 1:.0f}: {100 * value.mean:.1f} of 100 {what}, {span.n:,} tips")
        for (at, value), span in zip(spots, page.spans, strict=True)
    )  # fmt: skip
    known = [(at, value) for at, value in spots if value.low is not None and value.high is not None]
    upper = [f"{at:.2f},{_low(y, value.high)}" for at, value in known]
    lower = [f"{at:.2f},{_low(y, value.low)}" for at, value in reversed(known)]
    dashed = [] if second is None else [
        f"{at:.2f},{_up(y.at(100 * best)):.2f}" for (at, _), best in zip(spots, second, strict=True)
    ]  # fmt: skip
    line = " ".join(f"{point.x},{point.y}" for point in points)
    return Chart(x, y, line, " ".join([*upper, *lower]), points, " ".join(dashed))


def _percent(values: Iterable[Interval], also: Iterable[float] = ()) -> Axis:
    ends = [100 * end for value in values for end in (value.mean, value.low, value.high) if end is not None]
    return linear([*ends, *(100 * value for value in also)], start=TOP, end=BOTTOM)


def _at(axis: Axis, share: float | None) -> float | None:
    return None if share is None else axis.at(100 * share)


def _low(axis: Axis, share: float | None) -> float | None:
    return None if share is None else _up(axis.at(100 * share))


def _up(percent: float) -> float:
    """From the height over the bottom to the distance from the top."""
    return round(100 - percent, 2)


def _step(moment: Moment) -> tuple[int, str]:
    """How dark a stage is drawn, and its name; 0 for what is no stage."""
    match moment.kind:
        case "gate passed":
            return 1, "shadow"
        case "stage":
            share = moment.share or 0.0
            return (2 if share < 0.05 else 3 if share < 0.3 else 4), f"{share:.0%}"  # noqa: PLR2004  three greys
        case "finished":
            return 5, "all"
        case _:
            return 0, moment.kind


def spans_of_days(spans: Sequence[Span], first: int, last: int) -> Interval | None:
    """The mean regret from day `first` to before `last`, weighted by decisions; None without any."""
    found = [span for span in spans if first <= span.day < last]
    n = sum(span.n for span in found)
    if not n:
        return None
    return Interval(sum(span.regret.mean * span.n for span in found) / n, None, None)
