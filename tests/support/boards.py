"""Cells and one judge's scores of them, put together by hand for tests of boards."""

import datetime as dt
from collections.abc import Mapping, Sequence

import polars as pl

from tip_serving.bench.identity import Cell
from tip_serving.bench.page.content import JudgeBoard, Row
from tip_serving.bench.ranking.board import Judged, judge_board
from tip_serving.bench.results import CellResult, CellStatus

NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
Scores = Mapping[str, Sequence[float | None]]


def cell(name: str) -> Cell:
    """`model|prompt` as a cell."""
    model, _, prompt = name.partition("|")
    return Cell(model, prompt)


def result(name: str, n_needed: int, n_done: int | None = None) -> CellResult:
    """A done cell; a failed one where fewer are done than are needed."""
    done = n_needed if n_done is None else n_done
    status = CellStatus.COMPLETE if done == n_needed else CellStatus.FAILED
    model, prompt = cell(name)
    return CellResult(
        model=model, prompt=prompt, prompt_hash="abc", status=status, n_needed=n_needed, n_done=done, n_called=done,
        reason=None if done == n_needed else "6 calls failed", cost_usd=0.001 * done, latency_p50_ms=10.0,
        latency_p95_ms=20.0, prompt_tokens=100 * done, completion_tokens=20 * done, finished_at=NOON,
    )  # fmt: skip


def judged(
    scores: Scores, *, judge: str = "ana", rubric: str = "r1", n_done: Mapping[str, int] | None = None
) -> Judged:
    """What a judge said: a score for each cell and scenario in turn, None where unscored."""
    n_scenarios = max(map(len, scores.values()))
    rows = [
        (*cell(name), f"s{place:03}", value)
        for name, values in scores.items()
        for place, value in enumerate(values)
        if n_done is None or place < n_done.get(name, n_scenarios)
    ]
    schema = {"model": pl.String, "prompt": pl.String, "scenario_id": pl.String, "score": pl.Float64}
    results = tuple(result(name, n_scenarios, (n_done or {}).get(name)) for name in scores)
    return Judged(judge, rubric, results, pl.DataFrame(rows, schema, orient="row"), n_scenarios)


def board(scores: Scores, **about: object) -> JudgeBoard:
    """The board of these scores."""
    return judge_board(judged(scores, **about), None, "person or agent", None)  # type: ignore[arg-type]


def row_of(found: JudgeBoard, name: str) -> Row:
    """The row of a cell."""
    return next(row for row in found.rows if row.cell == cell(name))
