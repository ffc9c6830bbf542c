"""One board made ready for the template: axes chosen, grids filled, cells put where they are drawn."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tip_serving.bench.identity import Cell
from tip_serving.bench.page import words
from tip_serving.bench.page.content import Difference, Effects, JudgeBoard, Judges, Pairwise, Row, Verdict
from tip_serving.bench.page.figures import MAX_MATRIX, Axis, Scatter, heat_step, linear, scatter

MATRIX_STEPS = 3


class Totals(NamedTuple):
    """Candidates of all cells."""

    n_scored: int
    n_unscored: int
    n_failed: int


class HeatCell(NamedTuple):
    """One field of the heat map."""

    row: Row | None
    """None where the experiment has no such cell."""
    step: int | None
    """The colour; None where no mean tells enough for one."""


class Heat(NamedTuple):
    """Means by model (down) and prompt (across)."""

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    fields: tuple[tuple[HeatCell, ...], ...]
    low: float
    high: float


class MatrixCell(NamedTuple):
    """One field of the matrix of differences: the cell of the row less that of the column."""

    text: str
    sentence: str
    tone: str
    """`up` or `down` with a step from 1 to MATRIX_STEPS where the difference is real, else `even`."""


class Matrix(NamedTuple):
    """Differences between the leading cells."""

    rows: tuple[Row, ...]
    fields: tuple[tuple[MatrixCell | None, ...], ...]
    n_cells: int
    """Cells with a mean, also those left out."""


class BoardView(NamedTuple):
    """A board with everything that its part of the page draws."""

    board: JudgeBoard
    verdict: str
    totals: Totals
    axis: Axis
    heat: Heat | None
    effects_axis: Axis | None
    cost: Scatter | None
    latency: Scatter | None
    matrix: Matrix | None
    ratings_axis: Axis | None


def view(board: JudgeBoard) -> BoardView:
    """The board made ready."""
    rows = board.rows
    return BoardView(
        board=board,
        verdict=words.verdict(board),
        totals=Totals(
            sum(row.n_scored for row in rows), sum(row.n_unscored for row in rows), sum(row.n_failed for row in rows)
        ),
        axis=_scores_axis(rows),
        heat=heat(rows),
        effects_axis=_effects_axis(board.effects) if board.effects else None,
        cost=scatter(rows, "cost_usd_per_1000"),
        latency=scatter(rows, "latency_p50_ms"),
        matrix=matrix(rows, board.differences),
        ratings_axis=_ratings_axis(board.pairwise) if board.pairwise else None,
    )


def _scores_axis(rows: Sequence[Row]) -> Axis:
    """Holds every mean and every interval that can be trusted; the others would squeeze these and are cut."""
    means = [row.score_mean for row in rows]
    trusted = [v for row in rows if row.verdict is Verdict.ESTIMATED for v in (row.score_low, row.score_high)]
    loose = [v for row in rows for v in (row.score_low, row.score_high)]
    return linear([*means, *(trusted or loose)], start=4, end=95)


def heat(rows: Sequence[Row]) -> Heat | None:
    """The heat map, models and prompts by their best place; None with fewer than two scored cells."""
    known = {row.cell: row.score_mean for row in rows if row.score_mean is not None and row.verdict.is_telling}
    if len(known) < 2:  # noqa: PLR2004 - one field is no map
        return None
    models, prompts = tuple(dict.fromkeys(row.model for row in rows)), tuple(sorted({row.prompt for row in rows}))
    of_cell = {row.cell: row for row in rows}
    low, high = min(known.values()), max(known.values())

    def field(cell: Cell) -> HeatCell:
        return HeatCell(of_cell.get(cell), heat_step(known[cell], low, high) if cell in known else None)

    fields = tuple(tuple(field(Cell(model, prompt)) for prompt in prompts) for model in models)
    return Heat(models, prompts, fields, low, high)


def among_leading(rows: Sequence[Row], differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """The differences between the first MAX_MATRIX cells that have a mean: those that a reader is shown."""
    shown = {row.cell for row in [row for row in rows if row.score_mean is not None][:MAX_MATRIX]}
    return tuple(one for one in differences if one.first in shown and one.second in shown)


def matrix(rows: Sequence[Row], differences: Sequence[Difference]) -> Matrix | None:
    """The matrix of the leading cells; None without differences."""
    scored = [row for row in rows if row.score_mean is not None]
    leading = scored[:MAX_MATRIX]
    known = {(d.first, d.second): d for d in among_leading(rows, differences)}
    if not known:
        return None
    largest = max(abs(d.difference) for d in known.values()) or 1

    def field(first: Cell, second: Cell) -> MatrixCell | None:
        if found := known.get((first, second)):
            return _matrix_cell(found, 1, largest)
        if found := known.get((second, first)):
            return _matrix_cell(found, -1, largest)
        return None

    fields = tuple(tuple(field(row.cell, column.cell) for column in leading) for row in leading)
    return Matrix(tuple(leading), fields, len(scored))


def _matrix_cell(found: Difference, sign: Literal[1, -1], largest: float) -> MatrixCell:
    first, second = (found.first, found.second) if sign == 1 else (found.second, found.first)
    by = found.difference * sign
    sentence = f"{words.named(first)} less {words.named(second)}: {words.signed(by)} points"
    if found.low is not None and found.high is not None:
        low, high = sorted((found.low * sign, found.high * sign))
        sentence += f", 95% interval {words.interval(low, high)}"
    if found.p_adjusted is not None:
        p = "below 0.001" if found.p_adjusted < 0.001 else words.number(found.p_adjusted, 3)  # noqa: PLR2004 - as p-values are told
        sentence += f", adjusted p {p}"
    sentence += f", on {words.counted(found.n_scenarios, 'shared scenario')}."
    sentence += " More than chance explains." if found.is_different else " This may be chance."
    step = 1 + min(MATRIX_STEPS - 1, int(abs(by) / largest * MATRIX_STEPS))
    tone = ("up" if by > 0 else "down") + str(step) if found.is_different else "even"
    return MatrixCell(words.signed(by), sentence, tone)


def _effects_axis(effects: Effects) -> Axis:
    marginals = (*effects.by_model, *effects.by_prompt)
    return linear((v for m in marginals for v in (m.score_mean, m.score_low, m.score_high)), start=4, end=95)


def _ratings_axis(pairwise: Pairwise) -> Axis:
    values = (
        v
        for r in pairwise.ratings
        for v in (r.rating, r.low, r.high, r.controlled, r.controlled_low, r.controlled_high)
    )
    return linear([0.0, *values], start=4, end=95)


class JudgesView(NamedTuple):
    """The judges with the axis that their biases, calibrations and drifts share; 0 is on it."""

    judges: Judges
    axis: Axis
    is_empty: bool


def judges_view(judges: Judges) -> JudgesView:
    """The judges made ready."""
    biased = [v for b in judges.biases for v in (b.bias, b.low, b.high)]
    calibrated = [v for c in judges.calibrations for v in (c.bias, c.low, c.high)]
    drifted = [v for d in judges.drifts for p in d.points for v in (p.deviation, p.low, p.high)]
    axis = linear([0.0, *biased, *calibrated, *drifted], start=4, end=95)
    return JudgesView(judges, axis, not (judges.agreement or biased or calibrated or drifted))
