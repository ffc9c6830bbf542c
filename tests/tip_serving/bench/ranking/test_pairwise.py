"""Ratings from verdicts of scripted judges: known order, known favour for the first place, known love of length."""

import numpy as np
import polars as pl
import pytest
from support.boards import cell

from tip_serving.bench.page.content import Pairwise
from tip_serving.bench.ranking.pairwise import pairwise, style

CELLS = [cell(f"m{number}|v1") for number in range(5)]
STRENGTHS = np.array([1.2, 0.6, 0.0, -0.6, -1.2])


def _verdict(
    first: int, second: int, outcome: float, scenario: str, words: tuple[int, int] = (10, 10)
) -> dict[str, object]:
    return {
        "first_id": f"{first}-{scenario}", "second_id": f"{second}-{scenario}", "outcome": outcome,
        "scenario_id": scenario, "first_model": CELLS[first].model, "first_prompt": "v1", "second_prompt": "v1",
        "second_model": CELLS[second].model, "first_text": "word " * words[0], "second_text": "word " * words[1],
    }  # fmt: skip


def _judged(
    n_scenarios: int, *, position: float = 0.0, length: float = 0.0, wordy: int | None = None, seed: int = 3
) -> Pairwise:
    """Every pair in both orders, by a judge who decides by chance with odds that are known."""
    rng = np.random.default_rng(seed)
    rows = []
    for scenario in range(n_scenarios):
        words = [int(rng.integers(8, 30)) * (3 if number == wordy else 1) for number in range(5)]
        for first in range(5):
            for second in range(5):
                if first == second:
                    continue
                gain = length * (np.log(words[first]) - np.log(words[second]))
                odds = STRENGTHS[first] - STRENGTHS[second] + position + gain
                won = float(rng.random() < 1 / (1 + np.exp(-odds)))
                rows.append(_verdict(first, second, won, f"s{scenario}", (words[first], words[second])))
    found = pairwise(pl.DataFrame(rows), CELLS)
    assert found is not None
    return found


def _ratings(found: Pairwise, which: str = "rating") -> np.ndarray:
    by_cell = {one.cell: getattr(one, which) for one in found.ratings}
    return np.array([by_cell[one] for one in CELLS])


def test_a_known_order_is_found_with_intervals_that_hold_the_truth() -> None:
    found = _judged(60)
    assert [one.cell for one in found.ratings] == CELLS
    assert _ratings(found) == pytest.approx(STRENGTHS, abs=0.3)
    for one, truth in zip(found.ratings, STRENGTHS, strict=True):
        assert one.low is not None
        assert one.high is not None
        assert one.low < truth < one.high


def test_a_favour_for_the_first_place_is_measured_and_does_not_move_ratings() -> None:
    found = _judged(60, position=0.8)
    truth = 1 / (1 + np.exp(-0.8))
    assert found.first_low is not None
    assert found.first_high is not None
    assert 0.5 < found.first_low < truth < found.first_high
    assert _ratings(found) == pytest.approx(STRENGTHS, abs=0.35)
    fair = _judged(60)
    assert fair.first_low is not None
    assert fair.first_high is not None
    assert fair.first_low < 0.5 < fair.first_high


def test_a_love_of_length_lifts_the_wordy_cell_and_is_taken_off_again() -> None:
    found = _judged(80, length=1.5, wordy=2)
    plain, controlled = _ratings(found), _ratings(found, "controlled")
    assert plain.argmax() == 2  # the middle one, on top for its length
    assert list(np.argsort(-controlled)) == [0, 1, 2, 3, 4]
    assert controlled == pytest.approx(STRENGTHS, abs=0.5)


def test_two_verdicts_by_hand() -> None:
    rows = [_verdict(0, 1, 1.0, "s0"), _verdict(1, 0, 0.0, "s0"), _verdict(0, 1, 1.0, "s1"), _verdict(1, 0, 1.0, "s1"),
            _verdict(0, 1, 0.5, "s2"), _verdict(1, 0, 0.5, "s2")]  # fmt: skip
    found = pairwise(pl.DataFrame(rows), CELLS[:2])
    assert found is not None
    assert (found.n_verdicts, found.tie_share) == (6, pytest.approx(1 / 3))
    assert found.agree_share == pytest.approx(2 / 3)  # in s1 whichever was first won
    ratings = {one.cell: one.rating for one in found.ratings}
    assert ratings[CELLS[0]] > 0 > ratings[CELLS[1]]
    assert sum(ratings.values()) == pytest.approx(0, abs=1e-9)


def test_other_texts_of_the_same_cells_are_pairs_of_their_own() -> None:
    steady = [_verdict(0, 1, 1.0, "s0"), _verdict(1, 0, 0.0, "s0")]
    first_twice = [_verdict(0, 1, 1.0, "s0") | {"first_id": "0-x"}, _verdict(1, 0, 1.0, "s0") | {"second_id": "0-x"}]
    found = pairwise(pl.DataFrame(steady + first_twice), CELLS[:2])
    assert found is not None
    assert found.agree_share == 0.5


def test_a_cell_that_met_nobody_has_no_rating_and_strangers_are_left_out() -> None:
    rows = [_verdict(0, 1, 1.0, "s0"), _verdict(1, 0, 0.0, "s0"), _verdict(4, 0, 1.0, "s0"), _verdict(2, 2, 1.0, "s0")]
    found = pairwise(pl.DataFrame(rows), CELLS[:3])
    assert found is not None
    assert {one.cell for one in found.ratings} == {CELLS[0], CELLS[1]}
    assert found.n_verdicts == 2


def test_without_verdicts_there_is_nothing_to_tell() -> None:
    assert pairwise(pl.DataFrame([_verdict(0, 1, 1.0, "s0")]).clear(), CELLS) is None
    assert pairwise(pl.DataFrame([_verdict(3, 4, 1.0, "s0")]), CELLS[:2]) is None


def test_a_judge_without_exception_gets_finite_ratings() -> None:
    rows = [_verdict(a, b, float(a < b), f"s{n}") for n in range(12) for a in range(3) for b in range(3) if a != b]
    found = pairwise(pl.DataFrame(rows), CELLS[:3])
    assert found is not None
    assert [one.cell for one in found.ratings] == CELLS[:3]
    assert np.isfinite(_ratings_of(found)).all()


def _ratings_of(found: Pairwise) -> list[float]:
    return [one.rating for one in found.ratings]


def test_style_counts_words_digits_questions_and_exclamations_in_any_script() -> None:
    assert style("Call 2 dentists now! Why? 24!") == (pytest.approx(np.log(6)), 3.0, 1.0, 2.0)
    assert style("今天先回复邮件\uff1f") == (pytest.approx(np.log(4)), 0.0, 1.0, 0.0)
    assert style("")[0] == 0.0
