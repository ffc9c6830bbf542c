"""Leaderboards as the results of an experiment draw them: words beside positions in percent, ready for the view."""

from collections.abc import Sequence
from typing import Any

from tip_serving.bench.page import words
from tip_serving.bench.page.content import JudgeBoard, Row, Verdict
from tip_serving.bench.page.figures import FREE_AT, Axis, Point, Scatter, heat_step
from tip_serving.bench.page.views import BoardView, view


def key(board: JudgeBoard) -> str:
    """By what a view names a board."""
    return f"{board.judge}|{board.rubric_version}"


def first_told(boards: Sequence[JudgeBoard]) -> JudgeBoard | None:
    """What is shown unless somebody chooses: people come first, but not with too few scores to say anything."""
    telling = (board for board in boards if any(row.verdict.is_telling for row in board.rows))
    return next(telling, boards[0] if boards else None)


def marks(board: JudgeBoard) -> dict[str, Any] | None:
    """What the grid of cells shows of a board: a mean a cell, coloured where it tells enough; None without any."""
    ranked = [(row, row.score_mean) for row in board.rows if row.score_mean is not None]
    telling = [mean for row, mean in ranked if row.verdict.is_telling]
    if not ranked:
        return None
    low, high = (min(telling), max(telling)) if telling else (0.0, 0.0)
    has_ramp = low < high
    return {
        "judge": board.judge or "",
        "low": words.number(low) if has_ramp else "",
        "high": words.number(high) if has_ramp else "",
        "cells": {
            row.cell.key: {
                "figure": words.number(mean),
                "note": words.duration(row.latency_p50_ms) if row.verdict.is_telling else row.verdict.value,
                "look": f"step-{heat_step(mean, low, high)}" if row.verdict.is_telling else "",
            }
            for row, mean in ranked
        },
    }


def drawn(boards: Sequence[JudgeBoard]) -> list[dict[str, Any]]:
    """Each board, ready to be drawn."""
    return [_board(view(board)) for board in boards]


def _board(shown: BoardView) -> dict[str, Any]:
    board = shown.board
    name = board.judge or "nobody yet"
    return {
        "key": key(board),
        "name": f"{name} \u00b7 {board.rubric_version}" if board.rubric_version else name,
        "sentence": shown.verdict,
        "ticks": _ticks(shown.axis),
        "rows": [_row(row, shown.axis) for row in board.rows],
        "cost": _scatter(shown.cost, "cost", words.money, "free"),
        "latency": _scatter(shown.latency, "latency", words.duration, "0"),
    }


def _ticks(axis: Axis) -> list[dict[str, Any]]:
    return [{"at": tick.at, "label": tick.label} for tick in axis.ticks]


def _row(row: Row, axis: Axis) -> dict[str, Any]:
    notes = [row.reason] if row.reason and row.verdict is not Verdict.FAILED else []
    notes += ["can be dropped"] if row.is_droppable else []
    notes += [row.verdict.value] if row.score_mean is not None and row.verdict is not Verdict.ESTIMATED else []
    reason = f": {row.reason}" if row.verdict is Verdict.FAILED and row.reason else ""
    missing = [f"{row.n_unscored:,} unscored"] if row.n_unscored else []
    missing += [f"{row.n_failed:,} failed"] if row.n_failed else []
    return {
        "key": row.cell.key,
        "model": row.model,
        "prompt": row.prompt,
        "look": f"v-{row.verdict.value.split()[0]}{' is-out' if row.is_droppable else ''}",
        "place": words.NONE if row.place is None else str(row.place),
        "ranks": words.ranks(row.rank_low, row.rank_high) if row.rank_low is not None else "",
        "note": ", ".join(notes),
        "verdict": f"{row.verdict.value}{reason}",
        "mean": words.number(row.score_mean),
        "interval": words.interval(row.score_low, row.score_high) if row.score_low is not None else "",
        "drawn": _dot(row, axis),
        "scored": f"{row.n_scored:,}",
        "unscored": ", ".join(missing),
        "cost": words.money(row.cost_usd_per_1000),
        "latency": words.duration(row.latency_p50_ms),
    }


def _dot(row: Row, axis: Axis) -> dict[str, Any] | None:
    if row.score_mean is None:
        return None
    has_interval = row.score_low is not None and row.score_high is not None
    return {
        "at": axis.at(row.score_mean),
        "low": axis.at(row.score_low) if has_interval and row.score_low is not None else None,
        "high": axis.at(row.score_high) if has_interval and row.score_high is not None else None,
        "is_sound": row.verdict is Verdict.ESTIMATED,
        "label": f"{words.number(row.score_mean)}, {words.interval(row.score_low, row.score_high)}",
    }


def _scatter(found: Scatter | None, price: str, write: Any, free: str) -> dict[str, Any] | None:
    if found is None:
        return None
    ticks = _ticks(found.x) if found.x else []
    if found.has_free:
        ticks.insert(0, {"at": FREE_AT, "label": free})
    best = sorted((point for point in found.points if point.is_efficient), key=lambda point: point.price)
    unknown = ", ".join(words.named(cell) for cell in found.unknown[: words.NAMED])
    more = f" and {len(found.unknown) - words.NAMED} more" if len(found.unknown) > words.NAMED else ""
    return {
        "x": ticks,
        "y": _ticks(found.y),
        "frontier": found.frontier,
        "points": [_point(point, write(point.price)) for point in found.points],
        "best": [_worth(point, write(point.price)) for point in best],
        "unknown": f"Not drawn, as the {price} is unknown: {unknown}{more}." if unknown else "",
    }


def _point(point: Point, price: str) -> dict[str, Any]:
    row = point.row
    return {
        "x": point.x,
        "y": point.y,
        "whisker": point.whisker,
        "is_best": point.is_efficient,
        "is_sound": row.verdict is Verdict.ESTIMATED,
        "place": row.place,
        "label": f"{row.model} {row.prompt}: {words.number(row.score_mean)}, {price}",
    }


def _worth(point: Point, price: str) -> dict[str, Any]:
    row = point.row
    worth = f"{words.number(row.score_mean)}, {price}"
    return {
        "place": words.NONE if row.place is None else str(row.place),
        "model": row.model,
        "prompt": row.prompt,
        "worth": worth,
        "label": f"{row.model} {row.prompt} {worth}",
    }
