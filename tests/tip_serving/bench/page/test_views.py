"""A board made ready: axes fit what can be trusted, the matrix is antisymmetric, what is not known has no colour."""

import pytest
from support import pages

from tip_serving.bench.page import views
from tip_serving.bench.page.content import Verdict


def test_an_interval_that_cannot_be_trusted_does_not_squeeze_the_others() -> None:
    board = pages.board()
    axis = views.view(board).axis
    (few,) = [row for row in board.rows if row.verdict is Verdict.TOO_FEW]
    assert few.score_low is not None
    assert few.score_mean is not None
    assert axis.low > few.score_low
    assert axis.low <= few.score_mean <= axis.high
    sound = [row for row in board.rows if row.verdict is Verdict.ESTIMATED]
    assert axis.low <= min(row.score_low or 0 for row in sound)
    alone = board.model_copy(update={"rows": (few,)})
    assert views.view(alone).axis.low <= few.score_low


def test_the_heat_map_colours_each_mean_that_tells_something_and_no_other() -> None:
    board = pages.board()
    heat = views.heat(board.rows)
    assert heat is not None
    fields = {field.row.cell: field for row in heat.fields for field in row if field.row}
    assert set(fields) == {row.cell for row in board.rows}
    for row in board.rows:
        assert (fields[row.cell].step is not None) is (row.verdict in {Verdict.ESTIMATED, Verdict.CONSTANT})
    assert heat.high == board.rows[0].score_mean


def test_a_grid_with_holes_has_empty_fields() -> None:
    board = pages.board(cells=[*pages.grid(2, 1), *pages.grid(1, 3)[1:]])
    heat = views.heat(board.rows)
    assert heat is not None
    assert sum(field.row is None for row in heat.fields for field in row) == 2


def test_the_matrix_says_the_same_from_both_sides() -> None:
    matrix = views.view(pages.board()).matrix
    assert matrix is not None
    turned = str.maketrans("+\u2212", "\u2212+")
    for i, row in enumerate(matrix.fields):
        assert row[i] is None
        for j, field in enumerate(row):
            other = matrix.fields[j][i]
            if field is not None and other is not None:
                assert field.text == other.text.translate(turned)
                assert {field.tone[:2], other.tone[:2]} in ({"up", "do"}, {"ev"})
                assert ("may be chance" in field.sentence) is (field.tone == "even")


def test_a_turned_difference_turns_its_interval() -> None:
    board = pages.board()
    (found,) = [d for d in board.differences if (d.first, d.second) == (board.rows[0].cell, board.rows[5].cell)]
    assert found.low is not None
    assert found.high is not None
    matrix = views.matrix(board.rows, [found])
    assert matrix is not None
    there, back = matrix.fields[0][5], matrix.fields[5][0]
    assert there is not None
    assert back is not None
    assert f"interval {found.low:.2f} to {found.high:.2f}" in there.sentence
    assert f"interval \u2212{found.high:.2f} to \u2212{found.low:.2f}" in back.sentence


@pytest.mark.parametrize(("p", "says"), [(0.0001, "p below 0.001"), (0.0123, "p 0.012")])
def test_a_p_value_is_told_to_three_digits(p: float, says: str) -> None:
    board = pages.board()
    found = board.differences[0].model_copy(update={"p_adjusted": p})
    matrix = views.matrix(board.rows, [found])
    assert matrix is not None
    field = matrix.fields[0][1]
    assert field is not None
    assert says in field.sentence
