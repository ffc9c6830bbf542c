"""The reward model on a world whose tastes are known: it learns them, its chances hold, and leaks are kept out."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from support import learning

from tip_serving.features import contract, vector
from tip_serving.scoring.reward_model import RewardModel
from tip_serving.training import parts as parting
from tip_serving.training import reward_model
from tip_serving.training.reward import WINDOW


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return learning.training_table(learning.world(1, 4000))


@pytest.fixture(scope="module")
def trained(table: pl.DataFrame) -> reward_model.TrainedModel:
    return reward_model.train(table, 7, learning.LATER)


def test_the_same_rows_and_seed_make_the_same_bytes(table: pl.DataFrame, trained: reward_model.TrainedModel) -> None:
    again = reward_model.train(table.sample(fraction=1.0, shuffle=True, seed=3), 7, learning.LATER)
    assert again.content == trained.content
    assert again.data == trained.data
    assert reward_model.train(table, 8, learning.LATER).content != trained.content


def test_the_file_is_one_that_the_server_loads_and_predicts_with(trained: reward_model.TrainedModel) -> None:
    served = RewardModel(trained.content, vector.names(), contract.contract_hash())
    assert served.predict(parting.features(trained.parts.test)).tolist() == trained.outputs.tolist()


def test_no_outcome_window_reaches_into_a_later_part(trained: reward_model.TrainedModel) -> None:
    training, calibration, test, n_purged = trained.parts
    assert training["at"].max() + WINDOW <= calibration["at"].min()
    assert calibration["at"].max() + WINDOW <= test["at"].min()
    assert n_purged > 0
    assert training.height + calibration.height + test.height + n_purged == 4000


def test_it_predicts_later_rewards_almost_as_well_as_the_truth(trained: reward_model.TrainedModel) -> None:
    test = trained.parts.test
    rewards = parting.rewards(test)
    rows = [int(decision.removeprefix("d")) for decision in test["decision_id"]]
    made = learning.world(1, 4000)
    truth = made.chances[np.arange(made.n), made.actions][rows]
    loss = -np.mean(np.log(np.where(rewards > 0, trained.outputs, 1 - trained.outputs)))
    best = -np.mean(np.log(np.where(rewards > 0, truth, 1 - truth)))
    rate = parting.rewards(trained.parts.training).mean()
    flat = -np.mean(np.log(np.where(rewards > 0, rate, 1 - rate)))
    assert best < loss < flat
    assert (flat - loss) / (flat - best) > 0.4


def test_rare_successes_leave_probabilities_what_they_are() -> None:
    made = learning.world(5, 9000, n_users=150)
    rng = np.random.default_rng(0)
    rare = made.rewards * (rng.random(made.n) < 0.1)  # one success in ten counts: about 2 in 100 rows
    found = reward_model.train(learning.training_table(made, rewards=rare), 1, learning.LATER)
    assert found.parameters["n_rows_fitted"] < found.parts.training.height * 0.85 * 0.9  # failures were left out
    rate = rare.mean()
    assert rate < 0.035
    assert found.outputs.mean() == pytest.approx(rate, rel=0.35)


def test_days_that_were_not_over_bring_no_rows_whose_bad_news_is_still_to_come() -> None:
    made = learning.world(2, 2000, n_days=6)
    now = learning.START + dt.timedelta(days=5, hours=12)
    kept = parting.mature(learning.training_table(made, now=now), now)
    assert kept["at"].max() <= now - WINDOW
    late = learning.training_table(made, now=now).filter(pl.col("at") > now - WINDOW)
    assert late.filter("is_settled")["reward"].min() == 1.0  # the good news that would have come alone


def test_a_day_that_began_with_good_news_alone_brings_none_of_it() -> None:
    made = learning.world(2, 2000, n_days=6)
    now = learning.START + dt.timedelta(days=5, hours=12)
    table = learning.training_table(made, now=now)
    lucky = table.filter((pl.col("at") <= now - WINDOW) | (pl.col("reward") == 1.0))
    assert lucky.filter(pl.col("at") > now - WINDOW)["is_settled"].all()
    assert parting.mature(lucky, now)["at"].max() < now - WINDOW
    assert parting.mature(lucky, learning.LATER)["at"].max() > now - WINDOW


def test_rows_of_another_contract_are_left_out(table: pl.DataFrame) -> None:
    other = table.with_columns(
        contract_hash=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("0" * 16)).otherwise("contract_hash")
    )
    assert parting.mature(other, learning.LATER).height == table.height // 2


def test_too_little_is_refused_with_every_reason() -> None:
    made = learning.world(3, 120, n_users=6)
    with pytest.raises(parting.TrainingError) as refused:
        reward_model.train(learning.training_table(made, rewards=np.zeros(made.n)), 0, learning.LATER)
    told = str(refused.value)
    assert told.startswith("The reward model cannot be trained: ")
    assert "decisions for training, at least 200 are needed" in told
    assert "6 people for training, at least 20 are needed" in told
    assert "0 successes for training, at least 20 are needed" in told
    assert "0 successes for test" in told
    assert len(refused.value.reasons) >= 6


def test_days_too_few_for_three_parts_are_told_as_such() -> None:
    with pytest.raises(parting.TrainingError, match=r"the decisions span 1\.\d days, and 24 hours have to lie between"):
        reward_model.train(learning.training_table(learning.world(3, 2000, n_days=1.5)), 0, learning.LATER)


def test_no_rows_are_refused_as_such() -> None:
    empty = learning.training_table(learning.world(3, 10)).clear()
    with pytest.raises(parting.TrainingError, match="there is no decision whose reward is settled"):
        reward_model.train(empty, 0, learning.LATER)


def test_the_hash_of_the_data_names_every_value(table: pl.DataFrame) -> None:
    rows = parting.mature(table, learning.LATER)
    known = parting.content_hash(rows)
    assert parting.content_hash(rows.clone()) == known
    nudged = rows.with_columns(
        tip_words=pl.when(pl.int_range(pl.len()) == 7).then(pl.col("tip_words") + 1e-9).otherwise("tip_words")
    )
    assert parting.content_hash(nudged) != known
    assert parting.content_hash(rows.with_columns(arm=pl.lit("x"))) != known
