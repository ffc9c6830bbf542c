"""Small drawings for the metadata of a materialization: lines with bands over time, and points with whiskers both ways.

They are SVG inside Markdown, so that they need no library and nothing that lies elsewhere.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import dagster as dg

from tip_serving.bench.page.figures import Axis, linear

_WIDTH, _HEIGHT, _LEFT, _TOP = 720, 300, 48, 16
_COLOURS = ("#175a9e", "#9c4616", "#2f7d5b", "#7a4fa3", "#8a6d00", "#59636e")
MAX_LINES = len(_COLOURS)


class Mark(NamedTuple):
    """One point; what is not known is None."""

    x: float
    y: float
    low: float | None
    high: float | None
    x_low: float | None = None
    x_high: float | None = None


def lines(series: Mapping[str, Sequence[Mark]], title: str, marks_x: Mapping[float, str]) -> dg.MarkdownMetadataValue:
    """Lines over time with their intervals; at most MAX_LINES of them, the first."""
    shown = dict(list(series.items())[:MAX_LINES])
    points = [point for line in shown.values() for point in line]
    if not points:
        return dg.MetadataValue.md("nothing to draw yet")
    y = linear([end for point in points for end in (point.y, point.low, point.high)])
    x = linear([point.x for point in points])
    parts = [_frame(y)]
    parts += [_text(_x(x, at), _HEIGHT - 6, label, "middle") for at, label in marks_x.items()]
    for place, (name, line) in enumerate(shown.items()):
        colour = _COLOURS[place]
        at = [(_x(x, point.x), _y(y, point.y)) for point in line]
        upper = [(_x(x, p.x), _y(y, p.high)) for p in line if p.high is not None]
        lower = [(_x(x, p.x), _y(y, p.low)) for p in line if p.low is not None]
        parts.append(f'<polygon points="{_path([*upper, *reversed(lower)])}" fill="{colour}" opacity="0.15"/>')
        parts.append(f'<polyline points="{_path(at)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_LEFT + 8, _TOP + 14 * (place + 1), name, "start", colour))
    return _drawn(title, parts)


def scatter(points: Sequence[Mark], title: str) -> dg.MarkdownMetadataValue:
    """Points with their intervals both ways."""
    if not points:
        return dg.MetadataValue.md("nothing to draw yet")
    x = linear([end for p in points for end in (p.x, p.x_low, p.x_high)])
    y = linear([end for p in points for end in (p.y, p.low, p.high)])
    parts = [_frame(y), *(_text(_x(x, tick.value), _HEIGHT - 6, tick.label, "middle") for tick in x.ticks)]
    for point in points:
        at_x, at_y = _x(x, point.x), _y(y, point.y)
        if point.low is not None and point.high is not None:
            parts.append(_line(at_x, _y(y, point.low), at_x, _y(y, point.high)))
        if point.x_low is not None and point.x_high is not None:
            parts.append(_line(_x(x, point.x_low), at_y, _x(x, point.x_high), at_y))
        parts.append(f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="4.5" fill="{_COLOURS[0]}"/>')
    return _drawn(title, parts)


def _drawn(title: str, parts: Sequence[str]) -> dg.MarkdownMetadataValue:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>"
    )
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def _frame(y: Axis) -> str:
    rows = [
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{_y(y, tick.value):.1f}" y2="{_y(y, tick.value):.1f}" stroke="#e4e8ec"/>'
        + _text(_LEFT - 6, _y(y, tick.value) + 4, tick.label, "end")
        for tick in y.ticks
    ]
    return "".join(rows)


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.at(value) / 100 * (_WIDTH - _LEFT - 16)


def _y(axis: Axis, value: float) -> float:
    return _HEIGHT - 28 - axis.at(value) / 100 * (_HEIGHT - 28 - _TOP)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_COLOURS[0]}" opacity="0.5"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#59636e") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
