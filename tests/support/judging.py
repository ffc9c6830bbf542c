"""Scripted judges for tests: they read what is exported, know what hides behind an item, and answer by rule."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from support.bench import EXPERIMENT

from tip_serving.bench.judging import intake
from tip_serving.bench.judging.export import Ask, Batch, Key, read_keys
from tip_serving.bench.judging.intake import Report
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.workshop import Workshop

NAMES = load_rubric().names
Row = dict[str, Any]


class Handed(NamedTuple):
    """An item as a judge got it, and what only the test knows of it."""

    row: Row
    key: Key
    cells: tuple[str, ...]
    """Of the tip, or of the first and the second; none for an anchor."""
    scenario_id: str | None


def handed(place: Workshop, batches: Iterable[Batch], experiment: str = EXPERIMENT) -> list[Handed]:
    """The items of these batches, in their order."""
    told = {
        row["candidate_id"]: (f"{row['model']}|{row['prompt']}", row["scenario_id"])
        for row in place.candidates(experiment).iter_rows(named=True)
    }
    found = []
    for batch in batches:
        keys = read_keys(place.lake, experiment, batch.judge)
        for line in place.lake.read(batch.rows_path).decode().splitlines():
            row = json.loads(line)
            key = keys[row["item"]]
            known = [told[one] for one in (key.candidate_id, key.other_id) if one in told]
            is_anchor = key.kind == "anchor"
            cells = () if is_anchor else tuple(cell for cell, _ in known)
            found.append(Handed(row, key, cells, None if is_anchor else known[0][1]))
    return found


def exported(place: Workshop, ask: Ask | str, experiment: str = EXPERIMENT) -> list[Handed]:
    """The items of an export."""
    return handed(place, place.export(experiment, Ask(ask) if isinstance(ask, str) else ask), experiment)


def given(item: Handed, score: float, /, **changes: object) -> Row:
    """Whole points whose mean is `score` to a sixth of a point."""
    whole, n_more = divmod(round(score * len(NAMES)), len(NAMES))
    points = {name: whole + (place < n_more) for place, name in enumerate(NAMES)}
    return {**_answer(item), "scores": points, **changes}


def preferred(item: Handed, word: str, /, **changes: object) -> Row:
    """The answer to a pair."""
    return {**_answer(item), "preferred": word, **changes}


def score_file(lines: Iterable[Mapping[str, Any] | bytes]) -> bytes:
    """The lines as a judge's file."""
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def submit(
    place: Workshop,
    lines: Iterable[Mapping[str, Any] | bytes],
    *,
    partial: bool = False,
    experiment: str = EXPERIMENT,
) -> Report:
    """What became of a file of these lines."""
    return intake.submit(place.lake, experiment, score_file(lines), "scores", partial=partial)


def _answer(item: Handed) -> Row:
    return {name: item.row[name] for name in ("item", "judge", "rubric_version")}
