"""Gate and proposals: what is let through, what is refused, and what a reader is warned of."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.boards import Scores, board, cell, judged, result

from tip_serving.bench.deciding import DecisionError, GateVerdict, Proposal, board_of, gate, propose
from tip_serving.bench.judging import automatic
from tip_serving.bench.page.content import JudgeBoard
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)

A, B, C = (cell(f"{name}|v1") for name in "abc")


def _scores(gain: float = 0.5, n: int = 20, noise: float = 0.2) -> dict[str, list[float | None]]:
    rng = np.random.default_rng(6)
    hard = rng.normal(3, 0.4, n)
    return {
        f"{name}|v1": list(hard + more + rng.normal(0, noise, n))
        for name, more in (("a", gain), ("b", 0.0), ("c", -1.0))
    }


def _gate(scores: Scores, min_gain: float = 0.0, confidence: float = 0.95) -> GateVerdict:
    return gate(judged(scores), A, B, min_gain, confidence)


def test_a_cell_that_is_better_by_enough_passes_by_the_one_sided_bound() -> None:
    scores = _scores()
    apart = np.subtract(scores["a|v1"], scores["b|v1"])  # type: ignore[arg-type]
    bound = apart.mean() - stats.t.ppf(0.95, 19) * apart.std(ddof=1) / np.sqrt(20)
    assert _gate(scores, min_gain=bound - 0.001).is_passed
    refused = _gate(scores, min_gain=bound + 0.001)
    assert not refused.is_passed
    assert f"{apart.mean():+.3f} points on 20 scenarios" in refused.reason
    assert f"95% confidence more than {bound:+.3f}" in refused.reason


def test_more_confidence_asks_for_more() -> None:
    scores = _scores(gain=0.12)
    assert [_gate(scores, 0.0, confidence).is_passed for confidence in (0.8, 0.9999)] == [True, False]


def test_a_worse_cell_is_refused_and_may_be_allowed_to_be_worse_by_so_much() -> None:
    scores = _scores(gain=-0.2)
    assert not _gate(scores).is_passed
    assert _gate(scores, min_gain=-0.5).is_passed


def test_too_few_shared_scenarios_are_not_enough_evidence_however_clear() -> None:
    scores = _scores(gain=2.0)
    scores["b|v1"] = [*scores["b|v1"][:9], *[None] * 11]
    verdict = _gate(scores)
    assert not verdict.is_passed
    assert verdict.reason.startswith("Not enough evidence")
    assert "share 9 scored scenarios and 10 are needed" in verdict.reason


def test_a_difference_that_never_varies_speaks_for_itself() -> None:
    scores = _scores()
    scores["a|v1"] = [(value or 0) + 0.25 for value in scores["b|v1"]]
    assert _gate(scores, 0.2).is_passed
    assert not _gate(scores, 0.3).is_passed
    assert "+0.250 on every one of 20 scenarios" in _gate(scores, 0.2).reason


def test_a_difference_that_rests_on_one_scenario_is_not_enough_evidence() -> None:
    scores = _scores()
    lucky = [0.001 * place for place in range(9)] + [2.0]
    verdict = _gate({"a|v1": [1.0 + more for more in lucky], "b|v1": [1.0] * 10, "c|v1": scores["c|v1"][:10]})
    assert not verdict.is_passed
    assert "too skewed to be judged by 10 scenarios" in verdict.reason


def test_the_gate_keeps_its_level() -> None:
    rng = np.random.default_rng(9)
    n_passed = sum(_gate({f"{name}|v1": list(rng.normal(3, 0.5, 15)) for name in "ab"}).is_passed for _ in range(400))
    assert n_passed / 400 < 0.085  # 5 % and three standard errors


def test_all_that_is_wrong_with_the_question_is_told_at_once() -> None:
    with pytest.raises(DecisionError) as caught:
        gate(judged(_scores()), cell("x|v1"), cell("x|v1"), float("nan"), 0.4)
    for said in ("x,v1 is not among the cells a,v1, b,v1", "are the same", "gain of nan", "confidence of 0.4"):
        assert said in str(caught.value)


def _boards(*judges: str) -> tuple[JudgeBoard, ...]:
    return tuple(board(_scores(), judge=judge) for judge in judges)


def test_the_judge_is_the_only_one_that_is_not_automatic() -> None:
    assert board_of(_boards("ana", automatic.JUDGE), None).judge == "ana"
    assert board_of(_boards(automatic.JUDGE), None).judge == automatic.JUDGE
    assert board_of(_boards("ana", "ben"), "ben").judge == "ben"


@pytest.mark.parametrize(
    ("named", "said"), [(None, "--judge: there are scores by ana, ben"), ("eve", "'eve' has judged nothing")]
)
def test_a_judge_that_is_not_clear_is_asked_for(named: str | None, said: str) -> None:
    with pytest.raises(DecisionError, match=said):
        board_of(_boards("ana", "ben"), named)
    with pytest.raises(DecisionError, match="there are scores by nobody"):
        board_of((board(_scores()).model_copy(update={"judge": None}),), None)


def _proposal(tmp_path: Path, found: JudgeBoard, name: str = "a|v1", now: dt.datetime = NOW) -> Proposal:
    lake = Lake(str(tmp_path / "lake"))
    made = propose(lake, "tip-bench-test", found, result(name, 20), "zoe", "looks fine", now)
    kept = Proposal.model_validate_json(lake.read(layout.proposal(made.proposal_id)))
    assert kept == made
    return made


def test_a_proposal_holds_all_the_evidence(tmp_path: Path) -> None:
    found = board(_scores())
    made = _proposal(tmp_path, found)
    assert (made.model, made.prompt, made.prompt_hash) == ("a", "v1", "abc")
    assert (made.judge, made.rubric_version, made.by, made.note) == ("ana", "r1", "zoe", "looks fine")
    assert made.row == found.rows[0]
    assert {frozenset((one.first, one.second)) for one in made.differences} == {frozenset((A, B)), frozenset((A, C))}
    assert made.separation == found.separation
    assert made.warnings == ()


def test_two_proposals_do_not_replace_one_another(tmp_path: Path) -> None:
    first, again = _proposal(tmp_path, board(_scores())), _proposal(tmp_path, board(_scores()))
    later = _proposal(tmp_path, board(_scores()), now=NOW + dt.timedelta(seconds=1))
    assert later.proposal_id != first.proposal_id
    assert again == first  # made at the same moment, it is the same


def _with_gap(cell_name: str) -> dict[str, list[float | None]]:
    scores = _scores()
    scores[cell_name] = [None, *scores[cell_name][1:]]
    return scores


@pytest.mark.parametrize(
    ("found", "name", "said"),
    [
        (board(_scores(gain=0.1)), "b|v1", ["the lead of the first is not proven", "it is number 2, not the first"]),
        (board(_scores(gain=0.1)), "a|v1", ["the lead of the first is not proven"]),
        (board(_scores()), "c|v1", ["by this judge it is not the best", "it is number 3, not the first"]),
        (board(_with_gap("a|v1")), "a|v1", ["1 of its candidates are unscored"]),
        (board(_scores(), n_done={"a|v1": 18}), "a|v1", ["2 of its candidates failed"]),
        (board(_scores(), judge=automatic.JUDGE), "a|v1", ["judged by rules only, not by people"]),
        (board(_scores(), judge="llm:openai/x"), "a|v1", ["judged by a language model, not by people"]),
        (
            board(_scores(n=5)), "a|v1",
            ["its interval cannot be trusted (too few scenarios, 5 scenarios)", "the lead of the first is not proven"],
        ),
        (
            board({"a|v1": _scores()["a|v1"], "b|v1": [None] * 20}), "a|v1",
            ["no other cell has a score: there is nothing to compare it with"],
        ),
    ],
)  # fmt: skip
def test_a_warning_is_given_where_it_is_true_and_only_there(
    tmp_path: Path, found: JudgeBoard, name: str, said: list[str]
) -> None:
    assert sorted(_proposal(tmp_path, found, name).warnings) == sorted(said)


def test_what_nobody_scored_cannot_be_proposed(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    unscored = board({"a|v1": [None] * 20, "b|v1": _scores()["b|v1"]})
    with pytest.raises(DecisionError, match="a,v1 has no score"):
        propose(lake, "tip-bench-test", unscored, result("a|v1", 20), "zoe", "", NOW)
    assert lake.find("") == []
