"""Do the judges' scores predict what people do? Each judge by itself, cell by cell, with the noise of both told.

A judge has scored tips on a bench; people have met tips of the same cells in the app. Both are means of few things, so
each carries its own standard error, and cells without one take no part. Judges are never averaged together.

People were not dealt to cells at random: which prompt writes for whom is a policy's choice, and rates of cells that
were live in different weeks differ by the weeks too. What is told is how well a judge foresees, not what a cell causes.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tip_experiments.stats.calibration import calibrate
from tip_experiments.stats.estimates import Estimate
from tip_experiments.stats.noisy_correlation import MIN_PAIRS, Association, associated
from tip_serving.bench.page.content import JudgeBoard, Row
from tip_serving.rewards import sentences
from tip_serving.rewards.tables import JUDGE_CELLS, JUDGE_WORTH, Dimension, Window

MIN_USERS = 10
"""People behind a cell's rate, below which its standard error is not trusted."""
_CURVE_POINTS = 9
_RATE = ("reward_rate", "reward_se", "reward_low", "reward_high", "n_users", "n_due")


class Against(NamedTuple):
    """The judges against people."""

    cells: pl.DataFrame
    """JUDGE_CELLS."""
    worth: pl.DataFrame
    """JUDGE_WORTH."""


class Judged(NamedTuple):
    """A board and the experiment that it is of."""

    experiment: str
    board: JudgeBoard


def judges_against_people(boards: Iterable[Judged], rates: pl.DataFrame) -> Against:
    """Every judge under every rubric version, against the rates of cells over all days.

    Args:
        boards: of all experiments. Of a cell that a judge scored in several, the row with the most scores counts.
        rates: PROMPT_REWARDS.
    """
    is_of_cell = (pl.col("dimension") == Dimension.PROMPT.value) & (pl.col("window") == Window.ALL.value)
    of_cell = {(row["model"], row["prompt_version"]): row for row in rates.filter(is_of_cell).iter_rows(named=True)}
    cells: list[dict[str, Any]] = []
    worth: list[dict[str, Any]] = []
    judged = sorted(boards, key=lambda one: one.experiment)
    kinds = {(one.board.judge, one.board.rubric_version or ""): one.board.kind for one in judged}
    for (judge, rubric), rows in sorted(_by_judge(judged).items()):
        mine = [_cell(judge, rubric, *row, of_cell.get(row[1].cell)) for row in rows]
        cells += mine
        worth.append(_worth(judge, rubric, kinds[judge, rubric], mine))
    return Against(
        pl.DataFrame(cells, JUDGE_CELLS, orient="row"),
        pl.DataFrame(worth, JUDGE_WORTH, orient="row"),
    )


def _by_judge(judged: Sequence[Judged]) -> dict[tuple[str, str], list[tuple[str, Row]]]:
    """By judge and rubric, the row of each scored cell with its experiment, by cell."""
    found: dict[tuple[str, str], dict[str, tuple[str, Row]]] = {}
    for experiment, board in judged:
        if board.judge is None:
            continue
        mine = found.setdefault((board.judge, board.rubric_version or ""), {})
        for row in board.rows:
            held = mine.get(row.cell.key)
            if row.score_mean is not None and (held is None or row.n_scored > held[1].n_scored):
                mine[row.cell.key] = (experiment, row)
    return {judge: [rows[key] for key in sorted(rows)] for judge, rows in found.items() if rows}


def _cell(judge: str, rubric: str, experiment: str, row: Row, rate: dict[str, Any] | None) -> dict[str, Any]:
    live = dict.fromkeys(_RATE) if rate is None else {name: rate[name] for name in _RATE}
    live = {**live, "n_users": live["n_users"] or 0, "n_due": live["n_due"] or 0}
    return {
        "judge": judge,
        "rubric_version": rubric,
        "model": row.model,
        "prompt_version": row.prompt,
        "experiment": experiment,
        "score_mean": row.score_mean,
        "score_se": row.score_se,
        "score_low": row.score_low,
        "score_high": row.score_high,
        "n_scored": row.n_scored,
        **live,
        "why_not": _why_not(row, live),
    }


def _why_not(row: Row, live: dict[str, Any]) -> str | None:
    """Why a cell takes no part; None where it does."""
    if live["n_due"] == 0:
        return "nobody has seen its tips" if live["n_users"] == 0 else "no tip of it is due yet"
    if live["n_users"] < MIN_USERS:
        return f"seen by {live['n_users']} people, {MIN_USERS} are needed"
    if not live["reward_se"]:
        return "its rewards do not vary"
    if not row.score_se:
        return "its scores do not vary" if row.n_scenarios > 1 else "scored in one scenario alone"
    return None


def _worth(judge: str, rubric: str, kind: str, cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    told = [cell for cell in cells if cell["why_not"] is None]
    columns = ("score_mean", "reward_rate", "score_se", "reward_se")
    x, y, errors_x, errors_y = (np.array([cell[name] for cell in told], np.float64) for name in columns)
    found = associated(x, y, errors_x, errors_y)
    verdict, sentence = sentences.judge(judge, found, len(cells) - len(told))
    return {
        "judge": judge,
        "rubric_version": rubric,
        "kind": kind,
        "n_cells": len(told),
        "n_left_out": len(cells) - len(told),
        **_estimates(found),
        "reliability_score": found.reliability_x,
        "reliability_reward": found.reliability_y,
        **_curve(x, y),
        "verdict": verdict,
        "sentence": sentence,
    }


def _estimates(found: Association) -> dict[str, float | None]:
    nothing = Estimate(np.nan, None, None, None)
    told: dict[str, float | None] = {}
    for name in ("linear", "by_rank", "without_noise", "slope"):
        one: Estimate | None = getattr(found, name)
        value, _, low, high = one or nothing
        told |= {name: None if one is None else value, f"{name}_low": low, f"{name}_high": high}
    return told


def _curve(scores: np.ndarray[Any, Any], rewards: np.ndarray[Any, Any]) -> dict[str, list[float | None]]:
    """What a score has meant so far: the line through the cells as they were measured, and its band."""
    found = calibrate(rewards, scores, np.arange(scores.size)) if scores.size >= MIN_PAIRS else None
    if found is None or found.line is None:
        return {f"curve_{name}": [] for name in ("score", "reward", "low", "high")}
    at = np.linspace(found.line.lowest, found.line.highest, _CURVE_POINTS)
    meanings = [meaning.expected for score in at if (meaning := found.meaning(float(score))) is not None]
    return {
        "curve_score": [float(score) for score in at],
        "curve_reward": [meaning.value for meaning in meanings],
        "curve_low": [meaning.low for meaning in meanings],
        "curve_high": [meaning.high for meaning in meanings],
    }
