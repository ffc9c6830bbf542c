"""Rewards in a reader's words: what the service answers, beside positions in percent, ready for the view.

Rates are told as rewarded tips of a hundred. No statistic is made here; judges stand in `foresight`.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from tip_serving.admin.service.rewards import ComparisonRow, RateRow, SampleRatioRow
from tip_serving.bench.page import words
from tip_serving.bench.page.figures import Axis, Tick, linear
from tip_serving.rewards.sentences import of_hundred
from tip_serving.rewards.tables import Certainty, Dimension, Window

DIMENSIONS = {
    Dimension.PROMPT: "Model and prompt",
    Dimension.ARM: "Arm",
    Dimension.POLICY: "Policy",
    Dimension.REWARD_MODEL: "Reward model",
}
WINDOWS = {Window.DAY: "by day", Window.WEEK: "by week"}
HUNDRED = 100.0
"""Of which rates are told."""
_MOST_DATES = 6
_FEW_DAYS = dt.timedelta(days=21)
_REACTIONS = ("accepted", "done", "snoozed", "dismissed")


def lead(whole: Sequence[RateRow]) -> str:
    """What all of it comes to, from the rates of one dimension over all days."""
    due, still_open = sum(row.n_due for row in whole), sum(row.n_open for row in whole)
    when = max(row.as_of for row in whole)
    rewarded = sum((row.reward_rate or 0.0) * row.n_due for row in whole)
    took = f"People took {of_hundred(rewarded / due)} of 100 tips" if due else "No tip is old enough to be judged"
    counted = f"{words.counted(due, 'tip')} had their day" if due else ""
    verb = "is" if still_open == 1 else "are"
    waiting = f"{words.counted(still_open, 'tip')} may still be taken and {verb} in no rate" if still_open else ""
    told = "; ".join(part for part in (counted, waiting) if part)
    return f"{took}. {told[:1].upper()}{told[1:]}{'.' if told else ''} As of {when:%d %b %Y, %H:%M} UTC."


def usual_window(whole: Sequence[RateRow]) -> Window:
    """Days while there are few of them, weeks later."""
    span = max(row.until for row in whole) - min(row.since for row in whole) if whole else dt.timedelta()
    return Window.DAY if span < _FEW_DAYS else Window.WEEK


def table(whole: Sequence[RateRow], over_time: Sequence[RateRow]) -> dict[str, Any]:
    """Every key with its reactions, its rate, and how that went over time; the best known first."""
    axis = _axis(whole)
    times = _Times(over_time)
    ordered = sorted(whole, key=lambda row: (row.reward_rate is None, -(row.reward_rate or 0.0), row.key))
    return {
        "ticks": ticks(axis),
        "rows": [_row(row, axis, times.line([one for one in over_time if one.key == row.key])) for row in ordered],
    }


def _row(row: RateRow, axis: Axis, trend: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": row.key,
        "model": row.model,
        "prompt": row.prompt_version,
        "people": f"{row.n_users:,}",
        "shown": f"{row.n_shown:,}",
        "open": f"{row.n_open:,} open" if row.n_open else "",
        "reactions": [_reaction(name, getattr(row, f"n_{name}"), row.n_shown) for name in _REACTIONS],
        "rated": words.number(row.rating_mean) if row.n_rated else words.NONE,
        "n_rated": f"{row.n_rated:,}",
        "rate": of_hundred(row.reward_rate),
        "interval": interval(row.reward_low, row.reward_high),
        "note": "" if row.certainty is Certainty.ESTIMATED else row.certainty.value,
        "drawn": _dot(row, axis),
        "trend": trend,
    }  # fmt: skip


def _reaction(name: str, n: int, of: int) -> dict[str, str]:
    return {"name": name.capitalize(), "share": words.percent(n / of if of else None), "n": f"{n:,}"}


def chart(over_time: Sequence[RateRow], keys: Sequence[str]) -> dict[str, Any]:
    """One or two keys over time with their bands, on axes of their own."""
    drawn = [row for row in over_time if row.key in keys]
    times = _Times(drawn)
    series = [
        {"key": key, "tone": tone, **times.line([row for row in drawn if row.key == key])}
        for key, tone in zip(keys, ("lead", "trail"), strict=False)
    ]
    return {"series": series, "x": times.dates, "y": ticks(times.y)}


class _Times:
    """Where days and rates stand, for lines over time.

    Args:
        rows: all that shares the axes.
    """

    def __init__(self, rows: Sequence[RateRow]) -> None:
        days = sorted({row.since for row in rows})
        self._first = days[0].toordinal() if days else 0
        self._span = days[-1].toordinal() - self._first if days else 0
        self.y = _axis(rows)
        every = -(-len(days) // _MOST_DATES) if days else 1
        self.dates = [{"at": self._at(day), "label": f"{day:%d %b}"} for day in days[::every]]

    def _at(self, day: dt.date) -> float:
        return round(100 * (day.toordinal() - self._first) / self._span, 2) if self._span else 50.0

    def line(self, rows: Sequence[RateRow]) -> dict[str, Any]:
        """One key: its line, its band and its points, in percent of width and height, from the top."""
        known = [row for row in sorted(rows, key=lambda row: row.since) if row.reward_rate is not None]
        points = [
            {"x": self._at(row.since), "y": self._up(row.reward_rate), "is_sound": row.certainty is Certainty.ESTIMATED,
             "label": _point_label(row)}
            for row in known
        ]  # fmt: skip
        banded = [row for row in known if row.reward_low is not None and row.reward_high is not None]
        edge = [(self._at(row.since), self._up(row.reward_high)) for row in banded]
        edge += [(self._at(row.since), self._up(row.reward_low)) for row in reversed(banded)]
        last = known[-1] if known else None
        return {
            "points": points,
            "line": " ".join(f"{point['x']},{point['y']}" for point in points),
            "band": " ".join(f"{x},{y}" for x, y in edge),
            "say": "nothing is over yet" if last is None else f"last {_point_label(last)}",
        }

    def _up(self, rate: float | None) -> float:
        return round(100 - self.y.at(HUNDRED * (rate or 0.0)), 2)


def _point_label(row: RateRow) -> str:
    over = f"{row.since:%d %b}" if row.window is Window.DAY else f"week of {row.since:%d %b}"
    reach = f" ({interval(row.reward_low, row.reward_high)})" if row.reward_low is not None else ""
    return f"{over}: {of_hundred(row.reward_rate)} of 100{reach}, {words.counted(row.n_due, 'tip')}"


def comparisons(found: Sequence[ComparisonRow]) -> dict[str, Any]:
    """Each with its sentence and its interval around no difference."""
    ends = [hundredfold(end) for row in found for end in (row.difference_low, row.difference_high)]
    axis = linear([0.0, *(HUNDRED * row.difference for row in found), *ends], start=3, end=97)
    return {
        "ticks": [
            {"at": tick.at, "label": words.signed(tick.value, _digits(axis)), "is_zero": abs(tick.value) < 1e-9}  # noqa: PLR2004 - rounding
            for tick in axis.ticks
        ],
        "rows": [
            {
                "key": row.key,
                "reference": row.reference,
                "sentence": row.sentence,
                "tone": _tone_of(row),
                "drawn": {
                    "at": axis.at(HUNDRED * row.difference),
                    "low": None if row.difference_low is None else axis.at(HUNDRED * row.difference_low),
                    "high": None if row.difference_high is None else axis.at(HUNDRED * row.difference_high),
                    "is_sound": row.difference_low is not None,
                    "label": f"{words.signed(HUNDRED * row.difference, 1)} of 100,"
                    f" {interval(row.difference_low, row.difference_high)}",
                },
            }
            for row in found
        ],
    }


def _tone_of(row: ComparisonRow) -> str:
    if row.difference_low is None or row.difference_high is None:
        return "early"
    return "better" if row.difference_low > 0 else "worse" if row.difference_high < 0 else "open"


def ratios(found: Sequence[SampleRatioRow]) -> list[dict[str, Any]]:
    """Every manifest with the people in its arms."""
    return [
        {
            "version": row.manifest_version,
            "sentence": row.sentence,
            "is_bad": row.verdict == "mismatch",
            "verdict": row.verdict,
            "when": _days(row.since, row.until),
            "arms": [
                {
                    "arm": arm.arm,
                    "planned": words.percent(arm.weight),
                    "found": words.percent(
                        arm.n_users / total if (total := sum(a.n_users for a in row.arms)) else None
                    ),
                    "people": f"{arm.n_users:,}",
                }
                for arm in row.arms
            ],
        }
        for row in found
    ]


def _axis(rows: Sequence[RateRow]) -> Axis:
    """Of rates of a hundred, from 0 on: a rate is a share of everything, and a cut axis would make much of little."""
    ends = [hundredfold(end) for row in rows for end in (row.reward_rate, row.reward_high)]
    return linear([0.0, *ends], start=2, end=97)


def _dot(row: RateRow, axis: Axis) -> dict[str, Any] | None:
    if row.reward_rate is None:
        return None
    low, high = hundredfold(row.reward_low), hundredfold(row.reward_high)
    return {
        "at": axis.at(HUNDRED * row.reward_rate),
        "low": None if low is None else axis.at(low),
        "high": None if high is None else axis.at(high),
        "is_sound": row.certainty is Certainty.ESTIMATED,
        "label": f"{of_hundred(row.reward_rate)} of 100, {interval(row.reward_low, row.reward_high)}",
    }


def ticks(axis: Axis) -> list[dict[str, Any]]:
    """The marks of an axis."""
    return [{"at": tick.at, "label": _plain(tick)} for tick in axis.ticks]


def _plain(tick: Tick) -> str:
    return f"{tick.value:g}"


def _digits(axis: Axis) -> int:
    return 0 if all(abs(tick.value - round(tick.value)) < 1e-9 for tick in axis.ticks) else 1  # noqa: PLR2004 - rounding


def interval(low: float | None, high: float | None) -> str:
    """Of rates, of a hundred."""
    if low is None or high is None:
        return "no interval"
    return f"{words.number(HUNDRED * low, 1)} to {words.number(HUNDRED * high, 1)}"


def hundredfold(rate: float | None) -> float | None:
    """The rate as so many of a hundred."""
    return None if rate is None else HUNDRED * rate


def _days(since: dt.date, until: dt.date) -> str:
    return f"{since:%d %b %Y}" if since == until else f"{since:%d %b} to {until:%d %b %Y}"
