"""How numbers are written, and that the sentence about a board says what its numbers say."""

import pytest
from support import pages

from tip_serving.bench.identity import Cell
from tip_serving.bench.page import words
from tip_serving.bench.page.content import JudgeBoard, Row, Separation, Verdict

FIRST, SECOND = Cell("a/one", "v1"), Cell("b/two", "v2")


def _board(rows: list[Row], separation: Separation | None = None) -> JudgeBoard:
    return JudgeBoard(
        judge="ana", rubric_version="r1", scale_min=1, scale_max=5, n_scenarios=50, rows=tuple(rows),
        separation=separation,
    )  # fmt: skip


def _row(cell: Cell, mean: float, place: int, **fields: object) -> Row:
    return Row.model_validate(
        {"model": cell.model, "prompt": cell.prompt, "verdict": Verdict.ESTIMATED, "place": place, "score_mean": mean,
         "score_low": mean - 0.1, "score_high": mean + 0.1, **fields}
    )  # fmt: skip


def _told(board: JudgeBoard) -> str:
    return words.verdict(board).replace("\u2068", "").replace("\u2069", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (0, "0.00"), (-0.004, "0.00"), (-1.5, "−1.50"), (1234.5, "1,234.50")],  # noqa: RUF001 - as shown
)
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float | None, expected: str) -> None:
    assert words.number(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.5, "+0.50"), (-0.5, "\u22120.50"), (0.001, "0.00"), (0, "0.00")])
def test_a_difference_shows_its_sign_unless_it_rounds_to_nothing(value: float, expected: str) -> None:
    assert words.signed(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "–"), (0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1, "100%")]  # noqa: RUF001 - as shown
)  # fmt: skip
def test_only_nothing_is_none_and_only_everything_is_all(value: float | None, expected: str) -> None:
    assert words.percent(value) == expected


@pytest.mark.parametrize(
    ("usd", "expected"),
    [(None, "unknown"), (0, "free"), (0.000012, "$0.000012"), (0.0123, "$0.012"), (0.5, "$0.500"), (2, "$2.00"),
     (1234.5, "$1,234.50")],
)  # fmt: skip
def test_a_cost_is_unknown_or_free_or_so_much_and_never_rounds_to_nothing(usd: float | None, expected: str) -> None:
    assert words.money(usd) == expected


@pytest.mark.parametrize(("ms", "expected"), [(None, "–"), (1.25, "1.2 ms"), (310.4, "310 ms"), (2500, "2.5 s")])  # noqa: RUF001 - as shown
def test_a_duration_is_told_in_the_unit_that_fits(ms: float | None, expected: str) -> None:
    assert words.duration(ms) == expected


def test_a_real_lead_is_called_more_than_chance() -> None:
    lead = Separation(first=FIRST, second=SECOND, difference=0.3, low=0.1, high=0.5, is_real=True)
    told = _told(_board([_row(FIRST, 4.1, 1), _row(SECOND, 3.8, 2)], lead))
    assert told.startswith(
        "a/one with v1 has the highest mean, 4.10 on the scale of 1 to 5 (95% interval 4.00 to 4.20)."
    )
    assert "lead over b/two with v2 is 0.30 points (0.10 to 0.50) and more than chance explains" in told


@pytest.mark.parametrize(
    ("more", "says"),
    [(340, "340 more scenarios would show it with a probability of 80%"), (1, "1 more scenario would"),
     (None, "chance. They are too close for more scenarios")],
)  # fmt: skip
def test_a_lead_that_may_be_chance_says_what_it_would_take(more: int | None, says: str) -> None:
    lead = Separation(
        first=FIRST, second=SECOND, difference=0.1, low=-0.1, high=0.3, is_real=False, n_more_scenarios=more
    )
    told = _told(_board([_row(FIRST, 4.1, 1), _row(SECOND, 4.0, 2)], lead))
    assert "may be chance" in told
    assert says in told


def test_a_lead_of_which_nothing_can_be_said_tells_why() -> None:
    why = "They share 2 scored scenarios; it takes 10 to see how much they vary."
    lead = Separation(first=FIRST, second=SECOND, difference=0.8, low=None, high=None, is_real=False, reason=why)
    told = _told(_board([_row(FIRST, 4.1, 1), _row(SECOND, 4.0, 2)], lead))
    assert f"is 0.80 points on the scenarios that both were scored on and may be chance. {why}" in told


def test_what_is_out_unscored_or_failed_is_named() -> None:
    rows = [
        _row(FIRST, 4.1, 1),
        _row(SECOND, 3.0, 2, is_droppable=True),
        Row(model="c", prompt="v1", verdict=Verdict.UNSCORED),
        Row(model="d", prompt="v1", verdict=Verdict.FAILED, reason="429"),
    ]
    told = _told(_board(rows))
    assert "1 cell (b/two with v2) can be dropped" in told
    assert "one stays in it" in told
    assert "1 cell (c with v1) is not scored" in told
    assert "1 cell (d with v1) failed" in told


def test_without_a_score_there_is_no_ranking_and_no_zero() -> None:
    told = _told(_board([Row(model="c", prompt="v1", verdict=Verdict.UNSCORED)]))
    assert told == "Nothing is scored yet, so there is no ranking. 1 cell (c with v1) is not scored."


def test_one_cell_is_compared_with_nothing() -> None:
    assert "nothing to compare it with" in _told(_board([_row(FIRST, 4.1, 1)]))


def test_a_leader_without_an_interval_says_why() -> None:
    row = Row(model="c", prompt="v1", verdict=Verdict.TOO_FEW, score_mean=4.5, place=1)
    assert "4.50 on the scale of 1 to 5, without an interval that could be trusted: too few" in _told(_board([row]))


def test_a_name_that_turns_the_direction_stays_an_island() -> None:
    assert words.isolated("evil\u202egpt\u2069") == "\u2068evilgpt\u2069"


def test_the_sentence_of_an_invented_board_agrees_with_its_rows() -> None:
    board = pages.board()
    first = board.rows[0]
    told = _told(board)
    assert told.startswith(f"{first.model} with {first.prompt} has the highest mean, {first.score_mean:.2f}")
    assert f"{sum(row.is_droppable for row in board.rows)} cells can be dropped" in told


def test_a_lead_that_is_not_that_of_the_first_row_says_whose_it_is() -> None:
    few = Row(model="few", prompt="v1", verdict=Verdict.TOO_FEW, score_mean=4.9, place=1)
    lead = Separation(first=FIRST, second=SECOND, difference=0.3, low=0.1, high=0.5, is_real=True)
    told = _told(_board([few, _row(FIRST, 4.1, 2), _row(SECOND, 3.8, 3)], lead))
    assert told.startswith("few with v1 has the highest mean")
    assert "The lead of a/one with v1 over b/two with v2 is 0.30 points" in told
