"""The table as Markdown and CSV: every cell has its line, names break neither, no spreadsheet runs one."""

import csv
import io

import pytest
from support import pages

from tip_serving.bench.identity import Cell
from tip_serving.bench.page import text
from tip_serving.bench.page.content import JudgeBoard, Row, Verdict


def _board(*names: str) -> JudgeBoard:
    rows = tuple(Row(model=name, prompt="v1", verdict=Verdict.FAILED, reason=name, n_failed=3) for name in names)
    return JudgeBoard(judge="ana", rubric_version="r1", scale_min=1, scale_max=5, n_scenarios=3, rows=rows)


def _read(written: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written, newline="")))


def test_csv_gives_every_number_back_and_nothing_for_what_is_not_known() -> None:
    board = pages.board()
    read = _read(text.csv(board))
    assert len(read) == len(board.rows)
    for found, row in zip(read, board.rows, strict=True):
        assert Cell(found["model"], found["prompt"]) == row.cell
        assert (found["judge"], found["verdict"]) == ("ana", row.verdict.value)
        for name in ("score_mean", "score_low", "win_share", "to_best", "cost_usd_per_1000", "latency_p95_ms"):
            value = getattr(row, name)
            assert found[name] == ("" if value is None else str(value)), name


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_begins_like_a_formula_is_only_text(start: str) -> None:
    name = f'{start}HYPERLINK("http://evil","x")'
    (found,) = _read(text.csv(_board(name)))
    assert found["model"] == found["reason"] == f"'{name}"


def test_a_negative_number_stays_a_number() -> None:
    found = _read(text.csv(pages.board()))[3]
    assert float(found["to_best"]) < 0


def test_csv_survives_quotes_commas_and_line_ends() -> None:
    name = 'a "b",\nc;'
    (found,) = _read(text.csv(_board(name)))
    assert found["model"] == name


def test_markdown_has_a_line_for_every_cell_and_says_verdicts_in_words() -> None:
    board = pages.board()
    lines = text.markdown(board).splitlines()
    assert lines[0] == "Judge ana, rubric r1, scale 1 to 5:"
    assert len(lines) == 4 + len(board.rows)
    assert {line.count("|") for line in lines[2:]} == {len(text._HEADINGS) + 1}
    assert lines[-1].count("0.00") == 0
    assert "failed; 800 calls failed" in lines[-1]
    assert "| unscored |" in lines[-2]
    assert "| constant |" in lines[-3]
    assert "| 4.31 | 2.60 to 5.00 |" in lines[-4]
    assert lines[-4].endswith("| too few scenarios |")


def test_no_name_breaks_out_of_its_markdown_cell() -> None:
    name = "a|b\n<img src=x> [x](http://evil) `c` *d* \\"
    line = text.markdown(_board(name)).splitlines()[-1]
    assert line.replace(r"\|", "").count("|") == len(text._HEADINGS) + 1
    assert r"a\|b \<img src=x\> \[x\]\(http://evil\) \`c\` \*d\* \\ " in line


def test_a_board_that_nobody_judged_says_so() -> None:
    board = _board("m").model_copy(update={"judge": None, "rubric_version": None})
    assert text.markdown(board).startswith("Nobody has judged yet, scale 1 to 5:")
    assert _read(text.csv(board))[0]["judge"] == ""
