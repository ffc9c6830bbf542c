"""Evidence from logged decisions: the arms' own probabilities, no row too early or too late, and the truth at last."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from support import learning

from tip_experiments.gate import Decision
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.softmax import Softmax
from tip_serving.events.export import read_day
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.features import contract, vector
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.scoring import policy_context, ranking
from tip_serving.scoring.arms import DEFAULT_ARM, ReadyArm
from tip_serving.scoring.policy_context import policy_context as context_of
from tip_serving.scoring.ranking import PredictedRewards
from tip_serving.scoring.reward_model import RewardModel
from tip_serving.training import evidence as made
from tip_serving.training import reward_model, targets
from tip_serving.training.evaluation import as_markdown, evaluated, read_evaluation, write_evaluation
from tip_serving.training.logged import DecisionLog, Decisions
from tip_serving.training.reward import WINDOW

LATER = learning.START + dt.timedelta(days=40)


@pytest.fixture(scope="module")
def world() -> learning.World:
    return learning.world(4, 3000, n_users=100)


@pytest.fixture(scope="module")
def lake(world: learning.World, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    learning.write(lake, world)
    return lake


@pytest.fixture(scope="module")
def days(world: learning.World) -> list[dt.date]:
    return [learning.START.date() + dt.timedelta(days=number) for number in range(12)]


@pytest.fixture(scope="module")
def challenger() -> ReadyArm:
    """Trained on another draw of the same tastes."""
    trained = reward_model.train(learning.training_table(learning.world(5, 4000, n_users=100)), 1, learning.LATER)
    model = RewardModel(trained.content, vector.names(), contract.contract_hash())
    policy = Softmax.over(["any tip"], PredictedRewards(trained.version), 0.1, floor=0.01)
    return ReadyArm("new", model, None, trained.version, policy, None)


def _value(world: learning.World, target: NDArray[np.float64]) -> float:
    return float((world.chances * target).sum(axis=1).mean())


def _whole(lake: Lake, days: list[dt.date]) -> list[Decisions]:
    return list(DecisionLog(lake, days, LATER).parts())


def test_the_default_arm_would_have_done_what_it_did(lake: Lake, days: list[dt.date]) -> None:
    found = made.evidence(lake, days, DEFAULT_ARM, DEFAULT_ARM, LATER)
    assert found.n == 3000
    assert found.champion_table == pytest.approx(found.probabilities, abs=1e-11)
    assert found.champion.name != found.challenger.name


@pytest.mark.parametrize(("temperature", "floor"), [(0.05, 0.0), (0.3, 0.02), (0.1, 0.4)])
def test_probabilities_are_those_that_the_server_draws_by(
    lake: Lake, days: list[dt.date], challenger: ReadyArm, temperature: float, floor: float
) -> None:
    policy = Softmax.over(["any tip"], PredictedRewards("m"), temperature, floor=floor)
    part = _whole(lake, days[:1])[0]
    table = targets.target(replace(challenger, policy=policy), part)
    scores = targets.scores(challenger, part).reshape(part.n, -1)
    for row in range(0, part.n, 37):
        order = ranking.order(policy, part.tip_ids[row], scores[row].tolist(), None, "any")
        assert table[row] == pytest.approx(order.propensities, abs=1e-11)


def test_a_policy_over_tips_is_asked_with_the_context_of_each_decision(lake: Lake, days: list[dt.date]) -> None:
    policy = LinUcb.over(["t0", "t1"], len(policy_context.NAMES), floor=0.05)
    part = _whole(lake, days[:1])[0]
    table = targets.target(replace(DEFAULT_ARM, policy=policy), part)
    known = targets.contexts(part.vectors[part.starts])
    order = ranking.order(policy, part.tip_ids[5], [0.0] * 4, known[5], part.ids[5])
    assert table[5].tolist() == list(order.propensities)
    assert table.sum(axis=1) == pytest.approx(np.ones(part.n))


def test_a_context_read_from_a_vector_is_the_one_that_was_served_bit_for_bit() -> None:
    profile = {"completion_rate": 0.7, "acceptance_rate": 0.31, "dismissal_rate": 0.2, "tips_7d": 4, "streak_days": 3,
               "account_age_days": 120}  # fmt: skip
    context = {"hour": 8, "is_weekend": False, "n_tasks": 7, "n_overdue": 2, "n_due_today": 1}
    row = np.full(len(vector.names()), np.nan)
    for name, value in profile.items():
        row[vector.names().index(f"profile_{name}")] = value
    for name, value in context.items():
        row[vector.names().index(f"context_{name}")] = value
    assert targets.contexts(row[None])[0].tobytes() == context_of(profile, context).tobytes()


def test_estimates_hold_what_the_arms_truly_earn(
    lake: Lake, days: list[dt.date], world: learning.World, challenger: ReadyArm
) -> None:
    found = made.evidence(lake, days, DEFAULT_ARM, challenger, LATER)
    assert found.reward_model is not None
    told = evaluated(found, "v", LATER, None, np.random.default_rng(0))
    table = np.concatenate([targets.target(challenger, part) for part in _whole(lake, days)])
    truth = {"champion": _value(world, world.propensities), "challenger": _value(world, table)}
    truth["gain"] = truth["challenger"] - truth["champion"]
    assert truth["gain"] > 0.05
    for of, value in truth.items():
        for estimator in ("snips", "dr"):
            answer = told.answer(of, estimator)
            assert answer is not None
            assert answer.low is not None
            assert answer.high is not None
            reach = answer.high - answer.low
            assert answer.low - reach / 2 < value < answer.high + reach / 2, (of, estimator)
    assert told.decision == Decision.RELEASE
    assert told.best_estimator == "dr"


def test_the_worse_arm_is_kept_out(lake: Lake, days: list[dt.date], challenger: ReadyArm) -> None:
    found = made.evidence(lake, days, challenger, DEFAULT_ARM, LATER)
    assert found.verdict(np.random.default_rng(0)).decision is Decision.KEEP


def test_rows_lie_by_person_and_say_whose_they_are(lake: Lake, days: list[dt.date], challenger: ReadyArm) -> None:
    found = made.evidence(lake, days, DEFAULT_ARM, challenger, LATER)
    assert (np.diff(found.users) >= 0).all()
    assert found.users.max() == 99
    assert set(found.slices) == {"language", "part of day", "account age"}
    assert set(found.people) == {"language", "region", "account age", "activity"}


def test_the_reward_model_has_not_seen_the_people_whom_it_predicts(
    lake: Lake, days: list[dt.date], world: learning.World, tmp_path: Path
) -> None:
    """Each half is predicted from the other: rewards of one half turned around change the other half's predictions."""
    before = made.evidence(lake, days, DEFAULT_ARM, DEFAULT_ARM, LATER)
    half = (before.users * 2654435761 >> 16) % 2
    side = int(half[0])
    names = np.unique([f"person-{user}" for user in world.users])
    of_user = {name: half[before.users == code][0] for code, name in enumerate(names)}
    turned = np.array([of_user[f"person-{user}"] == side for user in world.users])
    changed = replace(world, rewards=np.where(turned, 1 - world.rewards, world.rewards))
    other = Lake(str(tmp_path))
    learning.write(other, changed)
    after = made.evidence(other, days, DEFAULT_ARM, DEFAULT_ARM, LATER)
    assert before.reward_model is not None
    assert after.reward_model is not None
    assert (before.reward_model[half == side] == after.reward_model[half == side]).all()
    assert (before.reward_model[half != side] != after.reward_model[half != side]).any()


def test_too_few_people_have_no_model_but_weights(tmp_path: Path) -> None:
    small = Lake(str(tmp_path))
    days = learning.write(small, learning.world(6, 400, n_users=20))
    found = made.evidence(small, days, DEFAULT_ARM, DEFAULT_ARM, LATER)
    assert found.reward_model is None
    assert evaluated(found, "v", LATER, None, np.random.default_rng(0)).best_estimator == "snips"


def test_what_is_not_settled_or_too_early_is_left_out_and_counted(lake: Lake, days: list[dt.date]) -> None:
    now, since = learning.START + dt.timedelta(days=8), learning.START + dt.timedelta(days=3)
    found = made.evidence(lake, days, DEFAULT_ARM, DEFAULT_ARM, now, since)
    parts = list(DecisionLog(lake, days, now, since).parts())
    at = np.concatenate([part.at for part in parts])
    assert at.min() >= np.datetime64(since.replace(tzinfo=None))
    assert at.max() < np.datetime64((now - WINDOW).replace(tzinfo=None))
    assert found.n + sum(found.n_left_out.values()) == 3000
    assert set(found.n_left_out) == {"before the moment asked for", "not settled"}


def test_until_keeps_outcomes_from_reaching_beyond(lake: Lake, days: list[dt.date]) -> None:
    until = learning.START + dt.timedelta(days=4)
    at = np.concatenate([part.at for part in DecisionLog(lake, days, LATER, until=until).parts()])
    assert at.max() < np.datetime64((until - WINDOW).replace(tzinfo=None))


def test_repeated_strange_and_broken_decisions_are_left_out_each_with_its_reason(tmp_path: Path) -> None:
    made_world = learning.world(7, 60, n_users=10, n_days=1)
    lake = Lake(str(tmp_path))
    (day,) = learning.write(lake, made_world)
    frame = read_day(lake, Kind.EXPOSURE, day)
    row = pl.int_range(pl.len())
    cut = pl.col("vectors").struct.with_fields(pl.field("other_rows").bin.head(8))
    broken = frame.with_columns(
        contract_hash=pl.when(row == 0).then(pl.lit("0" * 16)).otherwise("contract_hash"),
        vectors=pl.when(row == 1).then(None).when(row == 2).then(cut).otherwise("vectors"),
        propensities=pl.when(row == 3).then(pl.lit([0.5, 0.5])).otherwise("propensities"),
    )
    again = broken[5:7].with_columns(event_id=pl.lit("later"), at=pl.col("at") + dt.timedelta(seconds=1))
    written = broken[8:9].with_columns(kind=pl.lit("generate"), decision_id=pl.lit("written"))
    write_table(lake, layout.events(Kind.EXPOSURE, day.isoformat()), pl.concat([broken, again, written]))
    shown = read_day(lake, TIP_SCORES, day)
    write_table(lake, layout.events(TIP_SCORES, day.isoformat()), shown.filter(pl.col("decision_id") != "d9"))
    log = DecisionLog(lake, [day], LATER)
    assert sum(part.n for part in log.parts()) == 55
    assert dict(log.n_left_out) == {
        "of another feature contract": 1,
        "without vectors": 1,
        "whose vectors do not fit their tips": 1,
        "without propensities": 1,
        "repeating an earlier request": 2,
        "without a tip that was shown": 1,
    }


def test_decisions_among_fewer_tips_are_padded(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    two, five = (
        learning.world(8, 50, n_users=10, n_tips=2, n_days=1),
        learning.world(9, 50, n_users=10, n_tips=5, n_days=1),
    )
    (day,) = learning.write(lake, five)
    frames = {kind: read_day(lake, kind, day) for kind in (Kind.EXPOSURE, TIP_SCORES)}
    learning.write(lake, two)
    for kind, frame in frames.items():
        named = frame.with_columns(decision_id="x" + pl.col("decision_id"))
        write_table(lake, layout.events(kind, day.isoformat()), pl.concat([named, read_day(lake, kind, day)]))
    found = made.evidence(lake, [day], DEFAULT_ARM, DEFAULT_ARM, LATER)
    assert found.probabilities.shape == (100, 5)
    assert ((found.champion_table > 0).sum(axis=1) == (found.probabilities > 0).sum(axis=1)).all()
    assert found.champion_table == pytest.approx(found.probabilities, abs=1e-11)


def test_without_a_readable_decision_the_error_says_what_was_found(lake: Lake, days: list[dt.date]) -> None:
    with pytest.raises(made.EvidenceError, match=r"No decision of 2026-03-02 to 2026-03-13 .* 3,000 not settled\."):
        made.evidence(lake, days, DEFAULT_ARM, DEFAULT_ARM, learning.START)
    with pytest.raises(made.EvidenceError, match="there are none"):
        made.evidence(lake, [dt.date(2020, 1, 1)], DEFAULT_ARM, DEFAULT_ARM, LATER)


def test_an_evaluation_is_kept_and_tells_the_verdict_with_its_reasons(
    lake: Lake, days: list[dt.date], challenger: ReadyArm, tmp_path: Path
) -> None:
    found = made.evidence(lake, days, DEFAULT_ARM, challenger, LATER)
    told = evaluated(found, "a-version", LATER, learning.START, np.random.default_rng(0))
    place = Lake(str(tmp_path))
    write_evaluation(place, told)
    assert read_evaluation(place, "a-version") == told
    text = as_markdown(told)
    assert "| snips |" in text
    assert "**Release** by 3,000 decisions of 100 people." in text
    assert text.count("\n- passed: ") == len(told.findings)
