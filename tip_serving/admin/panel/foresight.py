"""Judges against people in a reader's words, each judge with its cells drawn: scores to the right, rewards upwards."""

from collections.abc import Sequence
from typing import Any

from tip_serving.admin.panel.rewards_shown import HUNDRED, hundredfold, interval, ticks
from tip_serving.admin.service.rewards import JudgeCell, JudgeRow
from tip_serving.bench.page import words
from tip_serving.bench.page.figures import Axis, linear
from tip_serving.rewards.sentences import of_hundred


def judges(found: Sequence[JudgeRow]) -> list[dict[str, Any]]:
    """Every judge with what they come to and their cells drawn."""
    return [
        {
            "key": f"{row.judge}|{row.rubric_version}",
            "name": f"{row.judge} \u00b7 {row.rubric_version}",
            "verdict": row.verdict,
            "sentence": row.sentence,
            "facts": _facts(row),
            "drawn": _scatter(row),
            "left_out_say": f"{words.counted(row.n_left_out, 'cell takes', 'cells take')} no part yet",
            "left_out": [
                {"model": cell.model, "prompt": cell.prompt_version, "why": cell.why_not}
                for cell in row.cells
                if cell.why_not
            ],
        }
        for row in found
    ]


def _facts(row: JudgeRow) -> list[dict[str, str]]:
    def fact(term: str, value: float | None, low: float | None, high: float | None) -> dict[str, str]:
        note = "no interval yet" if low is None else words.interval(low, high)
        return {"term": term, "value": words.number(value), "note": "" if value is None else note}

    return [
        fact("By rank", row.by_rank, row.by_rank_low, row.by_rank_high),
        fact("Linear", row.linear, row.linear_low, row.linear_high),
        fact("Without the noise", row.without_noise, row.without_noise_low, row.without_noise_high),
        {
            "term": "A point more brings",
            "value": words.NONE if row.slope is None else words.signed(HUNDRED * row.slope, 1),
            "note": "" if row.slope is None else f"of 100 tips, {interval(row.slope_low, row.slope_high)}",
        },
        {
            "term": "No noise in",
            "value": words.NONE if row.slope is None else words.percent(row.reliability_score),
            "note": ""
            if row.slope is None
            else f"of the scores' spread, {words.percent(row.reliability_reward)} of the rewards'",
        },
    ]


def _scatter(row: JudgeRow) -> dict[str, Any] | None:
    told = [cell for cell in row.cells if cell.why_not is None]
    if not told:
        return None
    x = linear([end for c in told for end in (c.score_mean, c.score_low, c.score_high)], start=8, end=96)
    rates = [hundredfold(end) for c in told for end in (c.reward_rate, c.reward_low, c.reward_high)]
    y = linear(rates, start=4, end=96)
    return {
        "x": ticks(x),
        "y": ticks(y),
        "points": [_point(cell, x, y) for cell in told],
        "line": _path(row.curve_score, row.curve_reward, x, y),
        "band": _band(row, x, y),
    }


def _point(cell: JudgeCell, x: Axis, y: Axis) -> dict[str, Any]:
    return {
        "x": x.at(cell.score_mean),
        "y": _down(y, cell.reward_rate),
        "x_whisker": None if cell.score_low is None or cell.score_high is None
        else [x.at(cell.score_low), x.at(cell.score_high)],
        "y_whisker": None if cell.reward_low is None else [_down(y, cell.reward_low), _down(y, cell.reward_high)],
        "model": cell.model,
        "prompt": cell.prompt_version,
        "score": words.number(cell.score_mean),
        "score_interval": words.interval(cell.score_low, cell.score_high),
        "rate": of_hundred(cell.reward_rate),
        "rate_interval": interval(cell.reward_low, cell.reward_high),
        "people": f"{cell.n_users:,}",
    }  # fmt: skip


def _path(scores: Sequence[float], rates: Sequence[float | None], x: Axis, y: Axis) -> str:
    return " ".join(f"{x.at(at)},{_down(y, rate)}" for at, rate in zip(scores, rates, strict=True) if rate is not None)


def _band(row: JudgeRow, x: Axis, y: Axis) -> str:
    upper = _path(row.curve_score, row.curve_high, x, y)
    lower = _path(row.curve_score[::-1], row.curve_low[::-1], x, y)
    return f"{upper} {lower}".strip()


def _down(axis: Axis, rate: float | None) -> float:
    return round(100 - axis.at(HUNDRED * (rate or 0.0)), 2)
