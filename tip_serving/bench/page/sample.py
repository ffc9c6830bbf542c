"""Which tips a page carries: a few scenarios with the tips of all cells, however many candidates there are.

A page of a million candidates would be a gigabyte; a page with a sample opens at once.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tip_serving.bench.identity import Cell
from tip_serving.bench.page.content import JudgeBoard, Sample, SampleScenario, Tip

MAX_SCENARIOS = 40
MAX_BYTES = 1_500_000
"""Of the JSON in the page."""
MAX_TEXT = 2_000
"""Characters of one tip, comment or task; a tip of 80 words has 500."""
MAX_TASKS = 12


def choose(kind_of: Mapping[str, str], n: int = MAX_SCENARIOS) -> tuple[str, ...]:
    """At most `n` scenario ids, the kinds in turn, so that a rare kind is seen too.

    Ids are hashes of contents: the smallest of each kind are as good as drawn, and the same every time.

    Args:
        kind_of: kind by scenario id.
        n: how many.
    """
    of_kind = defaultdict(list)
    for scenario_id in sorted(kind_of, reverse=True):
        of_kind[kind_of[scenario_id]].append(scenario_id)
    chosen: list[str] = []
    while any(of_kind.values()) and len(chosen) < n:
        for kind in sorted(of_kind):
            if of_kind[kind] and len(chosen) < n:
                chosen.append(of_kind[kind].pop())
    return tuple(chosen)


def encode(sample: Sample, boards: Sequence[JudgeBoard], max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The sample as the page's program reads it, cut to size.

    First one tip of each cell for as many scenarios as fit, then a second one of each for all of those, and so on:
    a scenario is never shown with a sample index that another one lacks. Cells, judges and criteria stand once and
    are referred to by position.

    Args:
        sample: scenarios in the order in which they are to be kept.
        boards: their rows give cells and, per board, the order of cells.
        max_bytes: of the JSON in UTF-8, as `as_json` writes it.
    """
    cells = sorted({row.cell for board in boards for row in board.rows} | _cells_of(sample))
    index = {cell: i for i, cell in enumerate(cells)}
    judges = _Judges(boards)
    scenarios = [_scenario(scenario) for scenario in sample.scenarios[:MAX_SCENARIOS]]
    rounds = _rounds(sample.scenarios[:MAX_SCENARIOS], index, judges)
    left = max_bytes
    kept = 0
    for i, scenario in enumerate(scenarios):
        scenario["tips"] = rounds[0][i] if rounds else []
        left -= _size(scenario)
        if left < 0 and kept:
            break
        kept += 1
    for later in rounds[1:]:
        left -= _size(later[:kept])
        if left < 0:
            break
        for scenario, tips in zip(scenarios[:kept], later[:kept], strict=True):
            scenario["tips"] += tips
    return {
        "cells": cells,
        "orders": [[index[row.cell] for row in board.rows] for board in boards],
        "judges": judges.named,
        "scenarios": scenarios[:kept],
    }


class _Judges:
    """Judges by position, each with its criteria; those of the boards come first, in their order."""

    def __init__(self, boards: Sequence[JudgeBoard]) -> None:
        self.named: list[dict[str, Any]] = []
        self._at: dict[tuple[str, str], int] = {}
        for board in boards:
            self.position(board.judge or "", board.rubric_version or "")

    def position(self, judge: str, rubric_version: str) -> int:
        """Where the judge stands; at the end when it is new."""
        if (judge, rubric_version) not in self._at:
            self._at[judge, rubric_version] = len(self.named)
            self.named.append({"judge": judge, "rubric": rubric_version, "criteria": []})
        return self._at[judge, rubric_version]

    def points(self, position: int, points: Mapping[str, float]) -> list[float | None]:
        """The points in the order of the judge's criteria, None where one is missing."""
        criteria = self.named[position]["criteria"]
        criteria += [name for name in points if name not in criteria]
        return [points.get(name) for name in criteria]


def _rounds(scenarios: Sequence[SampleScenario], index: Mapping[Cell, int], judges: _Judges) -> list[list[list[Any]]]:
    """Encoded tips by how many of the cell and scenario come before them, then by scenario."""
    found: list[list[list[Any]]] = []
    for i, scenario in enumerate(scenarios):
        seen: dict[Cell, int] = defaultdict(int)
        for tip in sorted(scenario.tips, key=lambda tip: tip.sample_index):
            cell = Cell(tip.model, tip.prompt)
            turn = seen[cell]
            seen[cell] += 1
            if turn == len(found):
                found.append([[] for _ in scenarios])
            found[turn][i].append(_tip(tip, index[cell], judges))
    return found


def _tip(tip: Tip, cell: int, judges: _Judges) -> list[Any]:
    scores = []
    for score in tip.scores:
        judge = judges.position(score.judge, score.rubric_version)
        scores.append([judge, score.score, judges.points(judge, score.points), _cut(score.comment)])
    return [cell, tip.sample_index, _cut(tip.text), scores]


def _scenario(scenario: SampleScenario) -> dict[str, Any]:
    return {
        "id": scenario.scenario_id,
        "kind": scenario.kind,
        "now": scenario.now,
        "language": scenario.language,
        "n_tasks": max(scenario.n_tasks, len(scenario.tasks)),
        "tasks": [[_cut(task.content), task.due, int(task.is_urgent)] for task in scenario.tasks[:MAX_TASKS]],
    }


def _cells_of(sample: Sample) -> set[Cell]:
    return {Cell(tip.model, tip.prompt) for scenario in sample.scenarios for tip in scenario.tips}


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\u2026 (cut; {len(text):,} characters in all)"


def as_json(value: object) -> str:
    """JSON that may stand inside a script element: no character in it ends the element or a line of a program."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})


def _size(value: object) -> int:
    return len(as_json(value).encode("utf-8", "replace"))
