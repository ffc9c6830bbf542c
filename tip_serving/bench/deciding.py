"""What follows from a leaderboard: whether one cell beats another by enough, and the proposal to release a cell.

A proposal is a file in the lake; nothing is released by writing it.
"""

import hashlib
import math
from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.intervals import MIN_SCENARIOS
from tip_experiments.stats.paired import paired_differences
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging import automatic
from tip_serving.bench.page.content import Difference, JudgeBoard, Row, Separation
from tip_serving.bench.ranking.board import Judged
from tip_serving.bench.ranking.report import LANGUAGE_MODEL
from tip_serving.bench.results import CellResult
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake


class DecisionError(ValueError):
    """A decision that cannot be asked for; lists every fault."""


class GateVerdict(NamedTuple):
    """Whether a cell is better than a baseline by enough."""

    is_passed: bool
    reason: str


class Proposal(BaseModel):
    """A cell that somebody wants released, with what speaks for and against it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proposal_id: str
    experiment: str
    model: str
    prompt: str
    prompt_hash: str
    judge: str
    rubric_version: str
    row: Row
    """The cell's place on the judge's board."""
    differences: tuple[Difference, ...]
    """Against every other cell."""
    separation: Separation | None
    warnings: tuple[str, ...]
    """What a reader should know before agreeing."""
    note: str
    by: str
    at: AwareDatetime


def board_of(boards: tuple[JudgeBoard, ...], judge: str | None) -> JudgeBoard:
    """The board to decide by: that of `judge`, or the only one that is not automatic, or the only one.

    Raises:
        DecisionError: there is no such board, or several and none is named.
    """
    judged = [board for board in boards if board.judge is not None]
    names = ", ".join(dict.fromkeys(str(board.judge) for board in judged)) or "nobody"
    if judge is not None:
        judged = [board for board in judged if board.judge == judge]
        if not judged:
            raise DecisionError(f"{judge!r} has judged nothing here; there are scores by {names}")
        return judged[-1]
    chosen = [board for board in judged if board.judge != automatic.JUDGE] or judged
    if len(chosen) != 1:
        raise DecisionError(f"say by which judge with --judge: there are scores by {names}")
    return chosen[0]


def gate(judged: Judged, cell: Cell, baseline: Cell, min_gain: float, confidence: float) -> GateVerdict:
    """Whether `cell` beats `baseline` by more than `min_gain` points, with a one-sided bound on scenarios both have.

    Args:
        judged: the scores of one judge.
        cell: the one that wants to pass.
        baseline: the one to beat.
        min_gain: points on the judge's scale; negative allows to be worse by so much.
        confidence: of the bound, in (0.5, 1).

    Raises:
        DecisionError: a cell is not in the experiment, both are the same, or the confidence is none.
    """
    cells = [result.cell for result in judged.results]
    known = ", ".join(one.written for one in cells)
    faults = [f"{one.written} is not among the cells {known}" for one in (cell, baseline) if one not in cells]
    faults += ["cell and baseline are the same"] if cell == baseline else []
    faults += [] if math.isfinite(min_gain) else [f"a gain of {min_gain} points is none"]
    faults += [] if 0.5 < confidence < 1 else [f"a confidence of {confidence:g} is not between 0.5 and 1"]  # noqa: PLR2004
    if faults:
        raise DecisionError("; ".join(faults))
    rows = [cells.index(cell), cells.index(baseline)]
    scores = CellScores(judged.cell_scores.sums[rows], judged.cell_scores.counts[rows])
    [pair] = paired_differences(scores, confidence=2 * confidence - 1)  # its lower end bounds one side
    names = f"{cell.written} against {baseline.written}, judged by {judged.judge}"
    if pair.n_shared < MIN_SCENARIOS:
        needed = f"they share {pair.n_shared} scored scenarios and {MIN_SCENARIOS} are needed"
        return GateVerdict(is_passed=False, reason=f"Not enough evidence for {names}: {needed}.")
    if pair.standard_error is not None and pair.low is None:
        reason = f"their differences are too skewed to be judged by {pair.n_shared} scenarios"
        return GateVerdict(is_passed=False, reason=f"Not enough evidence for {names}: {reason}.")
    if pair.low is None:
        is_passed = pair.difference is not None and pair.difference > min_gain
        same = f"the difference is {pair.difference:+.3f} on every one of {pair.n_shared} scenarios"
        return GateVerdict(is_passed, f"{'Passed' if is_passed else 'Refused'}: {names}: {same}.")
    is_passed = pair.low > min_gain
    told = (
        f"{pair.difference:+.3f} points on {pair.n_shared} scenarios, with {confidence:.0%} confidence more than "
        f"{pair.low:+.3f}; asked for is more than {min_gain:+g}"
    )
    return GateVerdict(is_passed, f"{'Passed' if is_passed else 'Refused'}: {names}: {told}.")


def propose(
    lake: Lake, experiment: str, board: JudgeBoard, result: CellResult, by: str, note: str, now: datetime
) -> Proposal:
    """Write the proposal to release a cell, made at `now`, aware.

    Raises:
        DecisionError: the board has no judge, or the cell no mean on it.
    """
    row = next((row for row in board.rows if row.cell == result.cell), None)
    if row is None or row.score_mean is None or board.judge is None or board.rubric_version is None:
        raise DecisionError(f"{result.cell.written} has no score in {experiment}: there is nothing to propose it by")
    differences = tuple(found for found in board.differences if result.cell in {found.first, found.second})
    identity = hashlib.sha256(f"{experiment}:{result.cell.key}:{board.judge}:{now.isoformat()}".encode()).hexdigest()
    proposal = Proposal(
        proposal_id=identity[:12],
        experiment=experiment,
        model=result.model,
        prompt=result.prompt,
        prompt_hash=result.prompt_hash,
        judge=board.judge,
        rubric_version=board.rubric_version,
        row=row,
        differences=differences,
        separation=board.separation,
        warnings=tuple(_warnings(board, row)),
        note=note,
        by=by,
        at=now,
    )
    lake.write(layout.proposal(proposal.proposal_id), proposal.model_dump_json(indent=1).encode())
    return proposal


def _warnings(board: JudgeBoard, row: Row) -> list[str]:
    found = []
    if row.place != 1:
        found.append(f"it is number {row.place}, not the first")
    if row.is_droppable:
        found.append("by this judge it is not the best")
    elif sum(one.score_mean is not None for one in board.rows) == 1:
        found.append("no other cell has a score: there is nothing to compare it with")
    elif board.separation is None or not board.separation.is_real:
        found.append("the lead of the first is not proven")
    if row.score_low is None or row.n_scenarios < MIN_SCENARIOS:
        found.append(f"its interval cannot be trusted ({row.verdict.value}, {row.n_scenarios} scenarios)")
    if row.n_failed:
        found.append(f"{row.n_failed} of its candidates failed")
    if row.n_unscored:
        found.append(f"{row.n_unscored} of its candidates are unscored")
    if board.judge == automatic.JUDGE:
        found.append("judged by rules only, not by people")
    elif (board.judge or "").startswith(LANGUAGE_MODEL):
        found.append("judged by a language model, not by people")
    return found
