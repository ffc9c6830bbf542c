"""One judge's board: what it claims of cells whose scores are known."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from support.boards import board, cell, judged, row_of

from tip_serving.bench.judging.rubric import BROUGHT
from tip_serving.bench.page.content import Verdict
from tip_serving.bench.ranking.board import judge_board

EVEN = [3.0, 4.0, 3.5, 2.5, 3.0, 4.0, 3.5, 2.5, 3.0, 4.0, 3.5, 2.5]


def _spread(mean: float, n: int = 12) -> list[float]:
    """Scores around a mean, as many above as below."""
    return [mean + 0.25 * (-1) ** place * (1 + place % 3) for place in range(n)]


def test_mean_error_and_interval_are_those_of_a_t_interval_over_scenarios() -> None:
    row = row_of(board({"a|v1": EVEN, "b|v1": _spread(3.0)}), "a|v1")
    error = np.std(EVEN, ddof=1) / np.sqrt(len(EVEN))
    low, high = stats.t.interval(0.95, len(EVEN) - 1, np.mean(EVEN), error)
    assert row.verdict is Verdict.ESTIMATED
    assert (row.score_mean, row.score_se, row.score_low, row.score_high) == pytest.approx(
        (np.mean(EVEN), error, low, high), abs=1e-6
    )


def test_several_tips_of_a_scenario_are_no_more_evidence_than_the_scenario() -> None:
    once = judged({"a|v1": EVEN, "b|v1": _spread(3.0)})
    thrice = judged({"a|v1": EVEN, "b|v1": _spread(3.0)})
    thrice = type(thrice)(thrice.judge, thrice.rubric_version, thrice.results,
                          once.scores.vstack(once.scores).vstack(once.scores), thrice.n_scenarios)  # fmt: skip
    plain, tripled = (row_of(judge_board(one, None, "", None), "a|v1") for one in (once, thrice))
    assert tripled.score_se == pytest.approx(plain.score_se, rel=1e-9)
    assert (tripled.n_scored, tripled.n_scenarios) == (36, 12)


def test_places_ranks_and_comparison_with_the_best_tell_the_same_story() -> None:
    found = board({"a|v1": _spread(4.0), "b|v1": _spread(3.9)[::-1], "c|v1": [*_spread(2.0)[5:], *_spread(2.0)[:5]]})
    first, second, last = (row_of(found, f"{name}|v1") for name in "abc")
    assert [row.place for row in found.rows] == [1, 2, 3]
    for row in found.rows:
        assert row.place is not None
        assert row.rank_low is not None
        assert row.rank_high is not None
        assert row.to_best_low is not None
        assert row.to_best_high is not None
        assert row.rank_low <= row.place <= row.rank_high
        assert row.to_best_low <= 0 <= row.to_best_high
    assert (first.rank_high, second.rank_low, last.rank_low) == (2, 1, 3)
    assert last.is_droppable
    assert (last.to_best_high, last.to_best) == (0.0, pytest.approx(-2.0))
    assert not first.is_droppable
    assert not second.is_droppable
    assert first.to_best == pytest.approx(0.1)


def test_unscored_is_no_zero_and_is_counted() -> None:
    half = [4.0, None, 5.0, None, 4.0, None, 5.0, None, 4.0, None, 5.0, None]
    row = row_of(board({"a|v1": half, "b|v1": EVEN}), "a|v1")
    assert (row.score_mean, row.n_scored, row.n_unscored, row.n_scenarios) == (4.5, 6, 6, 6)


def test_two_scored_scenarios_give_a_wide_interval_and_no_rank_to_speak_of() -> None:
    few = [4.5, 4.7, *[None] * 10]
    row = row_of(board({"a|v1": few, "b|v1": EVEN, "c|v1": _spread(3.0)}), "a|v1")
    assert row.verdict is Verdict.TOO_FEW
    assert (row.rank_low, row.rank_high) == (1, 3)
    assert row.score_low is not None
    assert row.score_high is not None
    assert row.score_low < 3.4  # Student's t with one degree of freedom: 4.6 less 12.7 times 0.1
    assert row.score_high == 5.0
    assert not row.is_droppable


def test_scores_that_are_all_the_same_get_a_mean_and_no_interval() -> None:
    row = row_of(board({"a|v1": [3.0] * 12, "b|v1": EVEN}), "a|v1")
    assert (row.verdict, row.score_mean, row.score_low, row.score_high) == (Verdict.CONSTANT, 3.0, None, None)


def test_cells_without_a_mean_stand_last_with_the_reason() -> None:
    nothing: list[float | None] = [None] * 12
    scores = {"a|v1": nothing, "b|v1": nothing, "c|v1": EVEN}
    found = board(scores, n_done={"a|v1": 0})
    assert [row.model for row in found.rows] == ["c", "a", "b"]
    failed, unscored = row_of(found, "a|v1"), row_of(found, "b|v1")
    assert (failed.verdict, failed.reason, failed.n_failed, failed.n_unscored) == (
        Verdict.FAILED, "6 calls failed", 12, 0,
    )  # fmt: skip
    assert (unscored.verdict, unscored.n_failed, unscored.n_unscored) == (Verdict.UNSCORED, 0, 12)
    assert failed.place is failed.score_mean is failed.rank_low is failed.win_share is failed.to_best is None
    assert not failed.is_droppable


def test_a_cell_that_failed_in_part_is_ranked_by_what_it_has() -> None:
    row = row_of(board({"a|v1": EVEN, "b|v1": EVEN}, n_done={"a|v1": 11}), "a|v1")
    assert (row.verdict, row.n_scored, row.n_failed, row.reason) == (Verdict.ESTIMATED, 11, 1, "6 calls failed")


def test_wins_are_counted_by_scenario_and_a_tie_is_half_a_win() -> None:
    found = board({"a|v1": [4.0] * 6 + [3.0] * 6, "b|v1": [3.0] * 12, "c|v1": [1.0] * 12})
    assert row_of(found, "a|v1").win_share == pytest.approx((9 + 12) / 24)
    assert row_of(found, "b|v1").win_share == pytest.approx((3 + 12) / 24)
    assert row_of(found, "c|v1").win_share == 0


def test_the_same_scores_give_the_same_board_in_whatever_order_they_lie() -> None:
    told = judged({"a|v1": EVEN, "b|v1": _spread(3.0), "c|v2": _spread(3.1)})
    turned = type(told)(told.judge, told.rubric_version, told.results,
                        told.scores.sample(fraction=1, shuffle=True, seed=3), told.n_scenarios)  # fmt: skip
    once, again, other = (judge_board(one, None, "", None) for one in (told, told, turned))
    assert once == again == other


def test_an_interval_ends_where_the_scale_ends_but_not_where_foreign_scores_happen_to_end() -> None:
    high = [5.0, 4.0] + [None] * 10
    assert row_of(board({"a|v1": high, "b|v1": EVEN}), "a|v1").score_high == 5.0
    low = [1.0, 2.0] + [None] * 10
    assert row_of(board({"a|v1": low, "b|v1": EVEN}), "a|v1").score_low == 1.0
    foreign = board({"a|v1": [0.9, 0.1, *[None] * 10], "b|v1": [0.1 + 0.05 * n for n in range(12)]}, rubric=BROUGHT)
    row = row_of(foreign, "a|v1")
    assert (foreign.scale_min, foreign.scale_max) == (0.1, 0.9)
    assert row.score_low is not None
    assert row.score_high is not None
    assert row.score_low < -3
    assert row.score_high > 4


def test_a_foreign_scale_without_spread_is_still_a_scale() -> None:
    found = board({"a|v1": [7.0] * 12, "b|v1": [7.0] * 12}, rubric=BROUGHT)
    assert (found.scale_min, found.scale_max) == (7.0, 7.0)
    assert {row.verdict for row in found.rows} == {Verdict.CONSTANT}


def test_differences_are_paired_over_shared_scenarios_with_the_family_controlled() -> None:
    rng = np.random.default_rng(5)
    hard = rng.normal(0, 1, 20)
    scores = {
        f"{name}|v1": list(2.5 + gain + hard / 2 + rng.normal(0, 0.1, 20))
        for name, gain in zip("abc", (0.5, 0.45, 0), strict=True)
    }
    found = board(scores)
    by_names = {(one.first.model, one.second.model): one for one in found.differences}
    far = by_names["a", "c"]
    plain = stats.ttest_rel(scores["a|v1"], scores["c|v1"])
    assert far.difference == pytest.approx(np.mean(np.subtract(scores["a|v1"], scores["c|v1"])))
    assert far.is_different
    assert far.p_adjusted is not None
    assert far.p_adjusted >= plain.pvalue * (1 - 1e-6)
    p_values = sorted(stats.ttest_rel(scores[f"{one}|v1"], scores[f"{other}|v1"]).pvalue for one, other in by_names)
    holm = np.minimum(np.maximum.accumulate(np.array(p_values) * [3, 2, 1]), 1)
    assert sorted(one.p_adjusted or 0 for one in found.differences) == pytest.approx(list(holm), abs=1e-6)
    assert all(one.n_scenarios == 20 for one in found.differences)


def test_the_first_two_are_separated_or_it_is_said_how_many_scenarios_more_that_takes() -> None:
    clear = board({"a|v1": _spread(4.0), "b|v1": _spread(3.0)[::-1]}).separation
    close = board({"a|v1": _spread(4.0), "b|v1": _spread(3.9)[::-1]}).separation
    assert clear is not None
    assert close is not None
    assert (clear.first, clear.second, clear.is_real) == (cell("a|v1"), cell("b|v1"), True)
    assert not close.is_real
    assert close.n_more_scenarios is not None
    assert close.n_more_scenarios > 12
    assert clear.low is not None
    assert clear.high is not None
    assert clear.low < clear.difference < clear.high


def test_a_lead_on_a_few_shared_scenarios_has_no_interval_and_says_why() -> None:
    few = board({"a|v1": _spread(4.0, 3), "b|v1": _spread(3.0, 3)[::-1]}).separation
    assert few is not None
    assert (few.low, few.high, few.n_more_scenarios, few.is_real) == (None, None, None, False)
    assert few.reason == "They share 3 scored scenarios; it takes 10 to see how much they vary."
    close = board({"a|v1": _spread(4.0), "b|v1": _spread(3.9)[::-1]}).separation
    assert close is not None
    assert close.reason is None


@pytest.mark.parametrize("turned", [False, True])
def test_the_lead_keeps_its_sign_whichever_cell_comes_first(turned: bool) -> None:
    scores = {"a|v1": _spread(4.0), "b|v1": _spread(3.0)[::-1]}
    found = board(dict(reversed(scores.items())) if turned else scores).separation
    assert found is not None
    assert found.difference == pytest.approx(1.0)
    assert found.low is not None
    assert found.low > 0


def test_what_a_model_explains_and_what_a_prompt_is_told_apart() -> None:
    scores = {f"{model}|{prompt}": _spread(mean) for model, mean in (("a", 2.0), ("b", 4.0)) for prompt in ("v1", "v2")}
    found = board({name: list(np.roll(values, at)) for at, (name, values) in enumerate(scores.items())}).effects
    assert found is not None
    shares = {one.what: one.share for one in found.explained}
    assert shares["model"] > 0.95
    assert {one.name: round(one.score_mean, 6) for one in found.by_model} == {"a": 2.0, "b": 4.0}
    assert all(one.score_mean == pytest.approx(3.0) for one in found.by_prompt)


def test_money_and_tokens_are_told_per_tip_that_there_is() -> None:
    row = row_of(board({"a|v1": EVEN, "b|v1": EVEN}, n_done={"a|v1": 6}), "a|v1")
    assert (row.cost_usd_per_1000, row.prompt_tokens, row.completion_tokens) == (pytest.approx(1.0), 100, 20)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(11)
    means, n_runs, n_held, n_dropped = (3.4, 3.2, 2.8), 300, 0, 0
    for _ in range(n_runs):
        hard = rng.normal(0, 0.5, 20)
        scores = {
            f"{name}|v1": list(mean + hard + rng.normal(0, 0.4, 20)) for name, mean in zip("abc", means, strict=True)
        }
        found = board(scores, rubric=BROUGHT)
        for name, mean in zip("abc", means, strict=True):
            row = row_of(found, f"{name}|v1")
            if row.score_low is not None and row.score_high is not None:
                n_held += row.score_low <= mean <= row.score_high
        n_dropped += row_of(found, "a|v1").is_droppable
    assert 0.92 <= n_held / (3 * n_runs) <= 0.98
    assert n_dropped / n_runs <= 0.05


def test_rows_are_in_the_order_of_their_places() -> None:
    rng = np.random.default_rng(2)
    found = board({f"m{n}|v1": list(rng.normal(3, 0.5, 12)) for n in range(8)}, rubric=BROUGHT)
    assert all((one.place or 99) <= (other.place or 99) for one, other in pairwise(found.rows))


def test_nobody_is_dropped_or_called_different_on_fewer_than_ten_scenarios() -> None:
    few = [1.0, 1.2, 1.1, *[None] * 9]
    found = board({"a|v1": _spread(4.5), "b|v1": few})
    row = row_of(found, "b|v1")
    assert (row.is_droppable, row.to_best_low, row.to_best_high) == (False, None, None)
    [pair] = found.differences
    assert (pair.is_different, pair.low, pair.high, pair.p_adjusted, pair.n_scenarios) == (False, None, None, None, 3)


def test_a_lead_is_called_real_only_where_the_second_is_out_of_the_race() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.3, (9, 30))
    scores = {f"m{place}|v1": list(3.0 + noise[place] - noise[place].mean()) for place in range(9)}
    scores["m0|v1"] = [value + 0.18 for value in scores["m0|v1"]]
    close = board(scores)
    assert close.separation is not None
    second = row_of(close, f"{close.separation.second.model}|v1")
    assert not second.is_droppable
    assert not close.separation.is_real
    scores["m0|v1"] = [value + 1.0 for value in scores["m0|v1"]]
    clear = board(scores)
    assert clear.separation is not None
    assert clear.separation.is_real
    assert all(row.is_droppable for row in clear.rows[1:])
