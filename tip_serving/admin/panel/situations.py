"""Situations and tips as views show them: to readers with who wrote what, to judges without."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from tip_serving.admin.service.tips import Reading
from tip_serving.bench.page import words
from tip_serving.scenarios.model import Situation, Task

MAX_TASKS = 24
MAX_TIPS = 24
_URGENT = 4
_PRIORITIES = {2: "medium", 3: "high", 4: "urgent"}


def side_by_side(reading: Reading, cells: Sequence[str]) -> dict[str, Any]:
    """One situation with its tips, and what else there is to choose.

    Args:
        reading: the situations of the experiment, and the chosen one.
        cells: whose tips, as `model|prompt`; none means all, of which the first MAX_TIPS are shown.
    """
    shown = reading.chosen
    if shown is None:
        return {"scenarios": [], "scenario": None}
    written = {f"{tip.model}|{tip.prompt}": f"{tip.model} {tip.prompt}" for tip in shown.tips}
    cells = [key for key in cells if key in written]
    tips = [tip for tip in shown.tips if not cells or f"{tip.model}|{tip.prompt}" in cells]
    if not cells:
        tips.sort(key=lambda tip: tip.sample_index)  # one of each cell before a second of any
    left = len(tips) - MAX_TIPS
    more = len(shown.tasks)
    return {
        "scenarios": [
            {
                "id": one.scenario_id,
                "label": f"{at}. {one.kind.replace('_', ' ')}, {words.counted(one.n_tasks, 'task')}",
            }
            for at, one in enumerate(reading.scenarios, 1)
        ],
        "cells": [{"key": key, "label": label} for key, label in written.items()],
        "asked": cells,
        "scenario": shown.scenario_id,
        "situation": {
            "moment": shown.now,
            "tasks": [{"content": t.content, "about": t.due, "urgent": t.is_urgent} for t in shown.tasks],
            "more": _more(shown.n_tasks - more),
            "profile": "",
        },
        "tips": [
            {
                "id": f"{tip.model}|{tip.prompt}|{tip.sample_index}",
                "model": tip.model,
                "prompt": tip.prompt,
                "text": tip.text,
                "scores": [{"score": words.number(score.score), "by": score.judge} for score in tip.scores],
            }
            for tip in tips[:MAX_TIPS]
        ],
        "more": f"{words.counted(left, 'more tip')}: choose a cell to read its own." if left > 0 else "",
    }


def blind(situation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The situation of an export's item: the moment, the open tasks, what is known of the person."""
    if situation is None:
        return None
    known = Situation.model_validate(situation)
    tasks = sorted(known.tasks, key=lambda task: -task.priority)
    return {
        "moment": f"{known.now:%A}, {known.now.day} {known.now:%B}, {known.now:%H:%M}",
        "tasks": [_task(task, known.now) for task in tasks[:MAX_TASKS]],
        "more": _more(len(tasks) - MAX_TASKS),
        "profile": _profile(known.profile_features or {}),
    }


def _more(n: int) -> str:
    return f"and {words.counted(n, 'more task')}" if n > 0 else ""


def _task(task: Task, now: dt.datetime) -> dict[str, Any]:
    about = (_PRIORITIES.get(task.priority, ""), _due(task, now), task.project)
    return {
        "content": " ".join(task.content.split())[:500],
        "about": ", ".join(part for part in about if part),
        "urgent": task.priority == _URGENT,
    }


def _due(task: Task, now: dt.datetime) -> str:
    due = task.due
    if due is None or due.date is None:
        return due.string if due else ""
    days = (due.date - now.date()).days
    if days < 0:
        return f"{words.counted(-days, 'day')} overdue"
    named = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    return f"due {named}{f' {due.time:%H:%M}' if due.time else ''}"


def _profile(features: Mapping[str, Any]) -> str:
    told = [f"{name.replace('_', ' ')} {_value(value)}" for name, value in features.items() if value not in (None, [])]
    return "; ".join(told)[:600]


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
