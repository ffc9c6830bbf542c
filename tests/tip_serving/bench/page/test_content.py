"""What a page refuses to hold: numbers that are none, verdicts that contradict them, one judge twice."""

import pytest
from pydantic import ValidationError
from support import pages

from tip_serving.bench.page.content import Page, Row, Verdict


@pytest.mark.parametrize("field", ["score_mean", "to_best", "cost_usd_per_1000"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(field: str, value: float) -> None:
    good = pages.board().rows[0].model_dump()
    with pytest.raises(ValidationError, match=field):
        Row.model_validate({**good, field: value})


@pytest.mark.parametrize(
    ("verdict", "mean", "interval", "is_accepted"),
    [
        (Verdict.ESTIMATED, 3.0, (2.5, 3.5), True),
        (Verdict.ESTIMATED, 3.0, (None, None), False),
        (Verdict.ESTIMATED, None, (None, None), False),
        (Verdict.TOO_FEW, 3.0, (None, None), True),
        (Verdict.TOO_FEW, 3.0, (1.5, 4.5), True),
        (Verdict.CONSTANT, 3.0, (3.0, 3.0), False),
        (Verdict.UNSCORED, 0.0, (None, None), False),
        (Verdict.UNSCORED, None, (None, None), True),
        (Verdict.FAILED, 3.0, (None, None), False),
    ],
)
def test_a_verdict_goes_with_the_numbers_that_it_allows(
    verdict: Verdict, mean: float | None, interval: tuple[float | None, float | None], is_accepted: bool
) -> None:
    raw = {"model": "m", "prompt": "v1", "verdict": verdict, "score_mean": mean, "score_low": interval[0],
           "score_high": interval[1]}  # fmt: skip
    if is_accepted:
        assert Row.model_validate(raw).score_mean == mean
    else:
        with pytest.raises(ValidationError, match=r"m\|v1 is called"):
            Row.model_validate(raw)


def test_a_judge_has_one_board_for_each_rubric_version() -> None:
    with pytest.raises(ValidationError, match="ana under r1"):
        pages.page(boards=(pages.board(), pages.board(seed=2)))
    both = pages.page(boards=(pages.board(), pages.board(rubric_version="r2")))
    assert [board.rubric_version for board in both.boards] == ["r1", "r2"]


def test_a_page_survives_the_way_through_json() -> None:
    page = pages.page()
    assert Page.model_validate_json(page.model_dump_json()) == page
