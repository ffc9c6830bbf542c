"""Prompts: a judge's word is where learning starts, people have the last one, and what was not shown has no reward."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from support import learning
from support.judged import MODEL, board, publish

from tip_experiments.policies import state
from tip_serving.bench.page.content import Calibration, Judges, Verdict
from tip_serving.events import vectors as packing
from tip_serving.events.export import SCHEMAS, read_day
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.scoring import policy_context, prompt_choice
from tip_serving.training import prompt_policy, prompt_priors
from tip_serving.training.cards.card import is_complete
from tip_serving.training.cards.of_prompt_policy import prompt_policy_card
from tip_serving.training.parts import TrainingError
from tip_serving.training.prompt_feedback import WrittenTips, written_tips

DAY = dt.date(2026, 3, 2)
NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(days=10)
MIDDLE = np.array([0.0, 1.0, 0.0, 0.8, 0.2, 0.1, 0.6, 0.3, 0.2, 0.5, 0.4, 0.7])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def _no_tips() -> WrittenTips:
    empty = np.empty(0)
    nowhere = np.empty((0, len(policy_context.NAMES)))
    return WrittenTips((), empty, nowhere, np.empty(0, np.str_), np.empty(0, "datetime64[us]"), np.empty((0, 50)))


def _tips(arms: list[str], rewards: list[float]) -> WrittenTips:
    n = len(arms)
    at = np.datetime64("2026-03-02T12:00:00", "us") + np.arange(n)
    users = np.array([f"u{row % 40}" for row in range(n)])
    return WrittenTips(tuple(arms), np.array(rewards), np.tile(MIDDLE, (n, 1)), users, at, np.full((n, 50), np.nan))


# Priors


def test_a_prior_by_hand(lake: Lake) -> None:
    publish(lake, board({"v2": 4.0, "v1": 3.0}))
    better, worse = prompt_priors.priors(lake, 0.3)
    # middle 3.5; half a point is an eighth of the scale, worth an eighth of 0.4
    assert (better.arm, better.mean) == (f"{MODEL}@v2", pytest.approx(0.35))
    assert (worse.arm, worse.mean) == (f"{MODEL}@v1", pytest.approx(0.25))
    assert better.n == prompt_priors.TRUSTED
    assert better.low is not None
    assert better.high is not None
    assert better.low < better.mean < better.high


def test_the_base_rate_is_that_of_people_where_there_are_rewards(lake: Lake) -> None:
    publish(lake, board({"v2": 4.0, "v1": 3.0}))
    assert [one.mean for one in prompt_priors.priors(lake, 0.6)] == pytest.approx([0.65, 0.55])
    assert [one.mean for one in prompt_priors.priors(lake, None)] == pytest.approx([0.35, 0.25])


def test_priors_are_as_far_apart_whatever_the_scale_is_called(lake: Lake, tmp_path: Path) -> None:
    publish(lake, board({"v2": 4.0, "v1": 3.0}))
    other = Lake(str(tmp_path / "other"))
    publish(other, board({"v2": 75.0, "v1": 50.0}, scale_min=0, scale_max=100))
    one, two = (prompt_priors.priors(place, 0.3) for place in (lake, other))
    assert [prior.mean for prior in one] == pytest.approx([prior.mean for prior in two])


@pytest.mark.parametrize(
    ("kind", "correlation", "n", "weight"),
    [
        ("person or agent", None, 0, 20.0),
        ("language model", None, 0, 3.0),
        ("language model", 0.9, 200, 20 * 0.81),
        ("language model", 0.9, 10, 3.0),
        ("language model", -0.9, 200, 3.0),
        ("rules, no model and no person", 0.2, 200, 3.0),
    ],
)
def test_a_judge_weighs_what_is_proven_of_it(
    lake: Lake, kind: str, correlation: float | None, n: int, weight: float
) -> None:
    about = {"judge": "j", "bias": 0, "low": None, "high": None, "mean_absolute_error": 0.1}
    known = () if correlation is None else (Calibration(correlation=correlation, n_candidates=n, **about),)
    publish(lake, board({"v2": 4.0, "v1": 3.0}, "j", kind), judges=Judges(calibrations=known))
    assert [one.n for one in prompt_priors.priors(lake, 0.3)] == pytest.approx([weight] * 2)


def test_a_score_that_is_hardly_known_weighs_less(lake: Lake) -> None:
    judged = board({"v2": 4.0, "v1": 3.0})
    unsure = judged.rows[0].model_copy(update={"score_se": 3.0})
    publish(lake, judged.model_copy(update={"rows": (unsure, judged.rows[1])}))
    first, second = prompt_priors.priors(lake, 0.3)
    assert first.n == pytest.approx(0.21 / 0.3**2)
    assert second.n == prompt_priors.TRUSTED


def test_one_judge_speaks_and_people_go_before_models(lake: Lake) -> None:
    publish(lake, board({"v1": 4.5, "v2": 2.0, "v3": 3.0}, "llm:x", "language model"), board({"v2": 4.0, "v1": 3.0}))
    found = prompt_priors.priors(lake, 0.3)
    assert [(one.arm, one.judge) for one in found] == [(f"{MODEL}@v2", "ana"), (f"{MODEL}@v1", "ana")]


def test_of_several_experiments_the_one_with_most_scores_speaks_of_a_cell(lake: Lake) -> None:
    publish(lake, board({"v1": 4.0}))
    few = board({"v1": 2.0, "v2": 3.0})
    rows = tuple(row.model_copy(update={"n_scored": 10}) for row in few.rows)
    publish(lake, few.model_copy(update={"rows": rows}), experiment="tip-bench-b")
    found = {one.arm: (one.score, one.experiment) for one in prompt_priors.priors(lake, 0.3)}
    assert found == {f"{MODEL}@v1": (4.0, "tip-bench-a"), f"{MODEL}@v2": (3.0, "tip-bench-b")}


def test_cells_that_are_out_unscored_or_unknown_are_no_arms(lake: Lake) -> None:
    judged = board({"v1": 4.0, "v2": 3.0, "v3": 2.0, "v99": 4.9})
    first, second, third, strange = judged.rows
    unscored = {"score_mean": None, "score_low": None, "score_high": None, "verdict": Verdict.UNSCORED, "place": None}
    rows = (first, second.model_copy(update={"is_droppable": True}), third.model_copy(update=unscored), strange)
    publish(lake, judged.model_copy(update={"rows": rows}))
    assert [one.arm for one in prompt_priors.priors(lake, 0.3)] == [f"{MODEL}@v1"]


def test_without_a_leaderboard_there_are_no_priors_and_no_policy(lake: Lake) -> None:
    assert prompt_priors.priors(lake, None) == ()
    with pytest.raises(TrainingError, match="no leaderboard has a scored cell"):
        prompt_policy.train((), _no_tips())


# The policy


def test_without_feedback_the_better_judged_arm_is_drawn_more_often_and_none_never(lake: Lake) -> None:
    publish(lake, board({"v2": 4.6, "v1": 3.0, "v3": 1.6}))
    made = prompt_policy.train(prompt_priors.priors(lake, None), _no_tips())
    drawn = dict(zip(made.policy.arms, made.policy.probabilities(MIDDLE).tolist(), strict=True))
    assert drawn[f"{MODEL}@v2"] > drawn[f"{MODEL}@v1"]
    assert min(drawn.values()) >= prompt_policy.EXPLORED_SHARE / 3 - 1e-9
    assert prompt_policy.base_rate_of(_no_tips()) is None


def test_what_people_do_outweighs_an_unproven_judge(lake: Lake) -> None:
    publish(lake, board({"v2": 4.8, "v1": 1.2}, "llm:x", "language model"))
    judged_best, judged_worst = f"{MODEL}@v2", f"{MODEL}@v1"
    rng = np.random.default_rng(3)
    arms = [judged_best, judged_worst] * 60
    rewards = (rng.random(120) < np.tile([0.1, 0.6], 60)).astype(float).tolist()
    made = prompt_policy.train(prompt_priors.priors(lake, 0.35), _tips(arms, rewards))
    drawn = dict(zip(made.policy.arms, made.policy.probabilities(MIDDLE).tolist(), strict=True))
    assert drawn[judged_worst] > 0.8


def test_a_proven_judge_is_outvoted_later_than_an_unproven_one(lake: Lake, tmp_path: Path) -> None:
    other = Lake(str(tmp_path / "other"))
    publish(lake, board({"v2": 4.8, "v1": 1.2}))
    publish(other, board({"v2": 4.8, "v1": 1.2}, "llm:x", "language model"))
    arms = [f"{MODEL}@v2"] * 5 + [f"{MODEL}@v1"] * 5
    tips = _tips(arms, [0.0] * 5 + [1.0, 0.0, 0.0, 1.0, 0.0])
    trusted, doubted = (
        prompt_policy.train(prompt_priors.priors(place, 0.3), tips).policy.probabilities(MIDDLE)[0]
        for place in (lake, other)
    )
    assert trusted > doubted


def test_feedback_on_arms_that_nobody_judged_is_let_go(lake: Lake) -> None:
    publish(lake, board({"v2": 4.0, "v1": 3.0}))
    priors = prompt_priors.priors(lake, 0.3)
    made = prompt_policy.train(priors, _tips(["other/model@v1", f"{MODEL}@v1"], [1.0, 1.0]))
    assert made.is_learnt.tolist() == [False, True]
    assert made.version == prompt_policy.train(priors, _tips([f"{MODEL}@v1"], [1.0])).version


def test_a_server_reads_the_state_and_draws_a_model_and_a_version(lake: Lake) -> None:
    publish(lake, board({"v2": 4.0, "v1": 3.0}))
    made = prompt_policy.train(prompt_priors.priors(lake, None), _no_tips())
    served = state.loads(made.content.decode())
    choice = prompt_choice.choose("auto", "v1", served, MIDDLE, "decision-1")
    assert choice.model == MODEL
    assert choice.version in {"v1", "v2"}
    assert choice.policy_version == made.version


@pytest.mark.parametrize("n", [0, 90])
def test_its_card_is_complete_with_and_without_feedback(lake: Lake, n: int) -> None:
    publish(lake, board({"v2": 4.0, "v1": 3.0}))
    tips = (
        _tips([f"{MODEL}@v2", f"{MODEL}@v1", f"{MODEL}@v1"] * (n // 3), [1.0, 0.0, 1.0] * (n // 3)) if n else _no_tips()
    )
    made = prompt_policy.train(prompt_priors.priors(lake, None), tips)
    card = prompt_policy_card(made, None, NOON, "ana")
    assert is_complete(card) == []
    lived = [metric for metric in card.metrics if metric.of == "people"]
    assert len(lived) == (2 if n else 0)
    assert ("no reaction has come in yet" in card.algorithm) == (n == 0)


# Feedback


def _exposure(kind: str, decision: str, vectors: Any, contract_hash: str, **fields: Any) -> dict[str, Any]:
    packed = packing.pack(np.atleast_2d(vectors))
    as_row = {"n_rows": packed.n_rows, "varying": list(packed.varying), "first_row": packed.first_row,
              "other_rows": packed.other_rows}  # fmt: skip
    return {
        "event_id": f"e-{decision}", "at": NOON, "user": "u", "decision_id": decision, "kind": kind, "order": [0],
        "contract_hash": contract_hash, "vectors": as_row, "schema_version": 1, **fields,
    }  # fmt: skip


def _shown(kind: str, decision: str, **fields: Any) -> dict[str, Any]:
    plain = {"decision_id": decision, "tip_id": "t", "user": "u", "at": NOON, "kind": kind, "rank": 0, "n_reactions": 0,
             "model": MODEL, "prompt_version": "v1"}  # fmt: skip
    return {**plain, **fields}


def _write(lake: Lake, exposures: list[dict[str, Any]], shown: list[dict[str, Any]]) -> None:
    for kind, rows in ((Kind.EXPOSURE, exposures), (TIP_SCORES, shown)):
        declared = SCHEMAS[kind]
        frame = pl.DataFrame([[row.get(name) for name in declared] for row in rows], declared, orient="row")
        write_table(lake, layout.events(kind, DAY.isoformat()), frame)


def test_a_written_tip_that_was_shown_has_its_reward_and_the_logged_context(lake: Lake) -> None:
    _write(
        lake,
        [_exposure("generate", "g1", MIDDLE, policy_context.contract_hash())],
        [_shown("generate", "g1", accepted_at=NOON + dt.timedelta(hours=1), n_reactions=1)],
    )
    tips = written_tips(lake, [DAY], LATER)
    assert tips.arms == (f"{MODEL}@v1",)
    assert tips.rewards.tolist() == [1.0]
    assert tips.contexts[0].tobytes() == MIDDLE.tobytes()


@pytest.mark.parametrize(("n_reactions", "expected"), [(0, 1), (1, 2)])
def test_a_tip_that_was_handed_on_counts_where_it_was_shown(lake: Lake, n_reactions: int, expected: int) -> None:
    """It went into a /score and came first there: one reward, not a second one of 0 for the decision that wrote it."""
    made = learning.world(11, 1, n_users=1, n_tips=2, n_days=0.5)
    learning.write(lake, made)
    written = [{"decision_id": "g1", "prompt_version": "v1", "model": MODEL}, None]
    scored = read_day(lake, Kind.EXPOSURE, DAY).to_dicts()[0] | {"written": written, "order": [0, 1]}
    shown = read_day(lake, TIP_SCORES, DAY).to_dicts()[0] | {"model": MODEL, "prompt_version": "v1"}
    generated = _exposure("generate", "g1", MIDDLE, policy_context.contract_hash())
    _write(lake, [scored, generated], [shown, _shown("generate", "g1", n_reactions=n_reactions)])
    tips = written_tips(lake, [DAY], LATER)
    assert tips.n == expected
    assert np.isfinite(tips.vectors).any(axis=1).sum() == 1  # of the scored one all features are known


def test_tips_whose_window_is_open_and_contexts_of_another_contract_are_left_out(lake: Lake) -> None:
    exposures = [_exposure("generate", "g1", MIDDLE, policy_context.contract_hash()),
                 _exposure("generate", "g2", MIDDLE, "0" * 16)]  # fmt: skip
    _write(lake, exposures, [_shown("generate", "g1"), _shown("generate", "g2")])
    assert written_tips(lake, [DAY], NOON + dt.timedelta(hours=23)).n == 0
    assert written_tips(lake, [DAY], LATER).n == 1


def test_days_without_events_have_no_tips(lake: Lake) -> None:
    tips = written_tips(lake, [DAY], LATER)
    assert tips.n == 0
    assert tips.contexts.shape == (0, len(policy_context.NAMES))
