"""The card of a reward model."""

import datetime as dt

import numpy as np

from tip_serving.features import contract, vector
from tip_serving.training import baselines, fairness, groups
from tip_serving.training.candidate import REWARD_MODEL
from tip_serving.training.cards.card import Card, Fairness, HistoryEntry, Input
from tip_serving.training.measuring import Measured, measured
from tip_serving.training.parts import described, features, people, rewards
from tip_serving.training.reward import WINDOW
from tip_serving.training.reward_model import TrainedModel

PURPOSE = (
    "Predicts how likely a person is to take a tip (accept it, do it, or rate it well within a day) at this moment. "
    "Its scores decide which of several tips comes first. It is not meant to judge people, to say how good a tip is by "
    "itself, or to predict whether a task gets done."
)
ALGORITHM = "Gradient-boosted trees (LightGBM) on the feature contract, calibrated on later decisions."


def measure(trained: TrainedModel, seed: int) -> tuple[Measured, Fairness]:
    """What the test part says of the model, as a whole and by group."""
    test = trained.parts.test
    outcomes, whose = rewards(test), people(test)
    found = measured(
        trained.version, trained.outputs, baselines.predictions(trained.parts), outcomes, whose,
        np.random.default_rng(seed),
    )  # fmt: skip
    columns = groups.labelled(groups.OF_PEOPLE, features(test))
    return found, fairness.by_group(fairness.Rows(outcomes, trained.outputs, whose), columns)


def reward_model_card(trained: TrainedModel, found: Measured, by_group: Fairness, now: dt.datetime, by: str) -> Card:
    """The card of a model that was just trained.

    Args:
        trained: the model.
        found: its metrics on the test part.
        by_group: the same by group.
        now: aware, when it was made.
        by: who made it.
    """
    return Card(
        name=REWARD_MODEL,
        version=trained.version,
        created_at=now,
        purpose=PURPOSE,
        algorithm=ALGORITHM,
        parameters=dict(trained.parameters),
        inputs=tuple(
            Input(
                name=column.name, meaning=column.meaning, low=column.low, high=column.high,
                may_be_missing=column.may_be_nan, importance=trained.importance[column.name],
            )
            for column in vector.COLUMNS
        ),
        contract_hash=contract.contract_hash(),
        data=trained.data,
        parts=described(trained.parts),
        sources={},
        metrics=found.metrics,
        calibration=found.calibration,
        tables=(),
        fairness=by_group,
        limits=tuple(_limits(trained, by_group)),
        history=(HistoryEntry(at=now, event="trained", detail=_told(trained), by=by),),
    )  # fmt: skip


def _told(trained: TrainedModel) -> str:
    data = trained.data
    return f"On {data.n_rows:,} decisions of {data.n_users:,} people, {data.first_day} to {data.last_day}."


def _limits(trained: TrainedModel, by_group: Fairness) -> list[str]:
    data, parts = trained.data, trained.parts
    hours = WINDOW.total_seconds() / 3600
    measured_on = f"Measured on {parts.test.height:,} decisions from {parts.untouched_since:%Y-%m-%d %H:%M} UTC on"
    unused = f"; {trained.n_left_out:,} more were not settled or of another contract" if trained.n_left_out else ""
    limits = [
        "Learnt from tips that came first. Of a tip that no policy ever put first it knows what tips like it did.",
        f"A reward is a reaction within {hours:g} hours; whether the tip did any good later is not known.",
        f"Decisions of {data.first_day} to {data.last_day}: habits of other seasons were not seen.",
        f"{measured_on}, many by people whom it knows from training: newcomers are predicted less well.",
        f"{parts.n_purged:,} decisions between the parts were left out, lest outcomes reach into a later part{unused}.",
    ]
    small = [
        f"{group.column} {group.group} ({group.n_rows:,})" for group in by_group.groups if not group.is_large_enough
    ]
    if small:
        limits.append(f"Groups too small to say anything of: {', '.join(small)}.")
    return limits
