"""The table of a board without a page: Markdown to paste into a report, CSV to compute with.

Both hold one row per cell in the order of the board, under the names that `content.Row` gives its fields.
"""

import csv as csv_module
import io
import re
from collections.abc import Iterable

from tip_serving.bench.page import words
from tip_serving.bench.page.content import JudgeBoard, Row, Verdict

CSV_COLUMNS = ("judge", "rubric_version", *Row.model_fields)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")
_HEADINGS = ("#", "Ranks", "Model", "Prompt", "Mean", "95% interval", "To the best", "Wins", "Scored", "Unscored",
             "Failed", "$ / 1,000", "p50", "p95", "Tokens in / out", "Note")  # fmt: skip
_LEFT = {"Model", "Prompt", "Note"}


def markdown(board: JudgeBoard) -> str:
    """The table in GitHub's Markdown, names and reasons escaped; a line above it says whose it is."""
    rule = (":---" if heading in _LEFT else "---:" for heading in _HEADINGS)
    by = f"Judge {_escaped(board.judge)}" if board.judge is not None else "Nobody has judged yet"
    under = f", rubric {_escaped(board.rubric_version)}" if board.rubric_version is not None else ""
    lines = [f"{by}{under}, scale {board.scale_min:g} to {board.scale_max:g}:", "", _line(_HEADINGS), _line(rule)]
    return "\n".join([*lines, *(_line(_markdown_cells(row)) for row in board.rows), ""])


def csv(board: JudgeBoard) -> str:
    r"""The table as CSV with `\r\n` between lines; what is not known is an empty field.

    A spreadsheet runs a text that begins like a formula; such a text gets an apostrophe before it. Numbers stay
    numbers, negative ones too.
    """
    out = io.StringIO()
    writer = csv_module.writer(out)
    writer.writerow(CSV_COLUMNS)
    for row in board.rows:
        values = (board.judge, board.rubric_version, *row.model_dump(mode="json").values())
        writer.writerow([guarded(value) if isinstance(value, str) else value for value in values])
    return out.getvalue()


def _markdown_cells(row: Row) -> tuple[str, ...]:
    notes = [] if row.verdict is Verdict.ESTIMATED else [row.verdict.value]
    notes += [_escaped(row.reason)] if row.reason is not None else []
    notes += ["can be dropped"] if row.is_droppable else []
    return (
        words.NONE if row.place is None else str(row.place),
        words.ranks(row.rank_low, row.rank_high),
        _escaped(row.model),
        _escaped(row.prompt),
        words.number(row.score_mean),
        words.interval(row.score_low, row.score_high),
        words.signed(row.to_best),
        words.percent(row.win_share),
        f"{row.n_scored:,}",
        f"{row.n_unscored:,}",
        f"{row.n_failed:,}",
        words.money(row.cost_usd_per_1000),
        words.duration(row.latency_p50_ms),
        words.duration(row.latency_p95_ms),
        f"{words.number(row.prompt_tokens, 0)} / {words.number(row.completion_tokens, 0)}",
        "; ".join(notes),
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """On one line, with every sign that Markdown or HTML reads as more than itself behind a backslash."""
    return _MARKDOWN_SIGNS.sub(r"\\\1", " ".join(text.split()))


def guarded(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
