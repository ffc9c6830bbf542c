"""Axes hold what is drawn on them, colours follow values, the frontier is what nothing beats."""

import math

import numpy as np
import pytest
from support import pages

from tip_serving.bench.identity import Cell
from tip_serving.bench.page import figures
from tip_serving.bench.page.content import Row, Verdict


def _row(name: str, mean: float | None, cost: float | None, verdict: Verdict = Verdict.CONSTANT) -> Row:
    return Row(model=name, prompt="v1", verdict=verdict, score_mean=mean, cost_usd_per_1000=cost)


def test_an_axis_by_hand() -> None:
    axis = figures.linear([3.12, 3.9])
    assert [(tick.label, tick.at) for tick in axis.ticks] == [
        ("3.0", 0), ("3.2", 20), ("3.4", 40), ("3.6", 60), ("3.8", 80), ("4.0", 100),
    ]  # fmt: skip
    assert axis.at(3.5) == 50


@pytest.mark.parametrize("values", [[], [None], [3.0], [0.0], [-2.0, -2.0]])
def test_an_axis_without_a_spread_still_has_a_width(values: list[float | None]) -> None:
    axis = figures.linear(values)
    assert axis.high > axis.low
    assert len(axis.ticks) >= 2


def test_every_axis_holds_its_values_in_order() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        values = rng.normal(rng.normal(0, 10), 10.0 ** rng.integers(-5, 4), rng.integers(2, 9))
        positive = np.exp(np.clip(values, -25, 25)).tolist()
        for axis, held in (
            (figures.linear(values.tolist(), start=3, end=97), values.tolist()),
            (figures.logarithmic(positive, start=3, end=97), positive),
        ):
            at = [axis.at(value) for value in sorted(held)]
            assert at == sorted(at)
            assert axis.low <= min(held) <= max(held) <= axis.high
            assert all(3 <= x <= 97 for x in (*at, *(tick.at for tick in axis.ticks)))
            assert 2 <= len(axis.ticks) <= 12


def test_a_logarithmic_axis_gives_each_decade_the_same_width() -> None:
    axis = figures.logarithmic([0.1, 10.0])
    at = {tick.label: tick.at for tick in axis.ticks}
    assert list(at) == ["0.1", "1", "10"]
    assert at["1"] - at["0.1"] == pytest.approx(at["10"] - at["1"], abs=0.02)


def test_the_lowest_value_has_the_first_colour_and_the_highest_the_last() -> None:
    steps = [figures.heat_step(value, 2, 4) for value in np.linspace(2, 4, 101)]
    assert (steps[0], steps[50], steps[-1]) == (1, 4, 7)
    assert steps == sorted(steps)
    assert figures.heat_step(3, 3, 3) == 4


def test_the_frontier_by_hand() -> None:
    rows = [_row("cheap", 3.0, 0.1), _row("good", 4.0, 1.0), _row("beaten", 2.9, 0.5), _row("dear", 3.9, 2.0)]
    plot = figures.scatter(rows, "cost_usd_per_1000")
    assert plot is not None
    assert [point.row.model for point in plot.points if point.is_efficient] == ["cheap", "good"]
    (x1, y1, x2, y2), (_, _, x3, y3), last = plot.frontier
    assert y1 == y2
    assert x2 == x3
    assert y3 < y1
    assert (x1, last[2]) == (plot.points[0].x, 100)


def test_no_point_outside_the_frontier_is_unbeaten() -> None:
    rng = np.random.default_rng(2)
    points = [(float(p), float(m)) for p, m in rng.integers(0, 12, (80, 2))]
    for price, mean in points:
        beaten = any(p <= price and m >= mean and (p < price or m > mean) for p, m in points)
        assert figures.is_efficient((price, mean), points) is not beaten


def test_free_cells_stand_apart_and_unknown_ones_are_named() -> None:
    rows = [
        _row("free", 3.0, 0.0),
        _row("paid", 4.0, 1.0),
        _row("unknown", 3.5, None),
        _row("none", None, 1.0, Verdict.UNSCORED),
    ]
    plot = figures.scatter(rows, "cost_usd_per_1000")
    assert plot is not None
    assert {point.row.model: point.x for point in plot.points}["free"] == figures.FREE_AT
    assert plot.points[1].x > figures.FREE_AT
    assert plot.unknown == (Cell("unknown", "v1"),)


def test_all_free_or_all_unknown_has_no_logarithm() -> None:
    free = figures.scatter([_row("a", 3.0, 0.0), _row("b", 4.0, 0.0)], "cost_usd_per_1000")
    assert free is not None
    assert free.x is None
    assert [point.is_efficient for point in free.points] == [False, True]
    assert figures.scatter([_row("a", 3.0, None)], "cost_usd_per_1000") is None


def test_a_cell_with_too_few_scenarios_is_drawn_but_never_called_efficient() -> None:
    rows = [_row("few", 5.0, 0.1, Verdict.TOO_FEW), _row("sound", 4.0, 1.0)]
    plot = figures.scatter(rows, "cost_usd_per_1000")
    assert plot is not None
    assert [point.is_efficient for point in plot.points] == [False, True]


def test_every_invented_point_lies_inside_its_plot() -> None:
    for price in ("cost_usd_per_1000", "latency_p50_ms"):
        plot = figures.scatter(pages.board(cells=pages.grid(30, 10)).rows, price)
        assert plot is not None
        for point in plot.points:
            low, high = point.whisker or (point.y, point.y)
            assert 0 <= high <= point.y <= low <= 100
            assert math.isfinite(point.x)
            assert 0 <= point.x <= 100


def test_an_interval_that_cannot_be_trusted_is_not_drawn_against_the_cost() -> None:
    few = Row(model="few", prompt="v1", verdict=Verdict.TOO_FEW, score_mean=3.0, score_low=1.0, score_high=5.0,
              cost_usd_per_1000=1.0)  # fmt: skip
    plot = figures.scatter([few, _row("sound", 3.5, 1.0)], "cost_usd_per_1000")
    assert plot is not None
    assert plot.points[0].whisker is None
    assert plot.y.low > 1
