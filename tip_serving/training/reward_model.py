"""The reward model: LightGBM on the features of the tip that came first, calibrated on later rows.

Trees are grown on the training part by log loss and stop by people whom they did not see; the calibration part turns
their output into the expected reward; the test part is used for nothing but measuring. The same rows and the same seed
make the same bytes.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_serving.features import contract, vector
from tip_serving.scoring.reward_model import RewardModel, stamp
from tip_serving.training import calibrating
from tip_serving.training.candidate import DataWindow, content_version
from tip_serving.training.parts import Parts, features, mature, parted, people, rewards, window_of

Floats = NDArray[np.float64]

WHAT = "The reward model"
MOST_FAILURES = 20
"""Failures kept for each success; those kept weigh for those left out, so that probabilities stay what they are."""
_STOPPING_SHARE = 0.15
_SUCCESS = 0.5
_MAX_ROUNDS, _PATIENCE = 800, 40
SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 30,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "cat_smooth": 30.0,
    "max_cat_to_onehot": 4,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # two would add up in another order
    "verbose": -1,
}


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A reward model with what its card is made from."""

    content: bytes
    """The file that the server loads."""
    version: str
    parts: Parts
    data: DataWindow
    outputs: Floats
    """(n_test,) float64, predicted rewards of the test part, by the file as it stands."""
    importance: Mapping[str, float]
    """Column to its share of what the trees gained, in [0, 1]."""
    parameters: Mapping[str, str | float | int | bool | None]
    n_left_out: int
    """Rows of the table that were not mature, or of another contract."""

    def predict(self, vectors: Floats) -> Floats:
        """(n,) float64, as the server predicts."""
        return RewardModel(self.content, vector.names(), contract.contract_hash()).predict(vectors)


def train(table: pl.DataFrame, seed: int, now: dt.datetime) -> TrainedModel:
    """The reward model of a training set.

    Args:
        table: as `training_set.read` returns it.
        seed: of the people who say when to stop, and of the trees.
        now: aware; which rewards stand.

    Raises:
        TrainingError: there is too little to train on; all reasons.
    """
    rows = mature(table, now)
    parts = parted(rows, WHAT)
    booster, grown = _grow(parts.training, seed)
    found = calibrating.calibrated(_outputs(booster, parts.calibration), rewards(parts.calibration))
    content = stamp(booster.model_to_string(num_iteration=grown["n_trees"]), contract.contract_hash(), found.line)
    gains = booster.feature_importance("gain", iteration=grown["n_trees"])
    shares = gains / max(float(gains.sum()), np.finfo(float).tiny)
    model = RewardModel(content, vector.names(), contract.contract_hash())
    settings = {name: value for name, value in SETTINGS.items() if name not in {"verbose", "metric"}}
    return TrainedModel(
        content=content,
        version=content_version(content),
        parts=parts,
        data=window_of(rows),
        outputs=model.predict(features(parts.test)),
        importance=dict(zip(vector.names(), shares.tolist(), strict=True)),
        parameters={**settings, **grown, "calibration": found.method, "seed": seed},
        n_left_out=table.height - rows.height,
    )


def _grow(rows: pl.DataFrame, seed: int) -> tuple[Any, dict[str, int | float]]:
    """The trees, and how many of them say it best of people whom they did not see."""
    import lightgbm

    rng = np.random.default_rng(seed)
    codes = people(rows)
    held_out = rng.random(int(codes.max()) + 1) < _STOPPING_SHARE
    is_stopping = held_out[codes]
    stopping = rows.filter(pl.Series(is_stopping))
    if not 0 < float(rewards(stopping).sum()) < stopping.height:  # nobody, or all alike: nothing says when to stop
        is_stopping = rng.random(rows.height) < _STOPPING_SHARE
        stopping = rows.filter(pl.Series(is_stopping))
    fitting = rows.filter(pl.Series(~is_stopping))
    weights = _weights(rewards(fitting), rng)
    kept = weights > 0.0
    about = {"feature_name": list(vector.names()), "categorical_feature": list(vector.categorical())}
    fitted = lightgbm.Dataset(features(fitting)[kept], rewards(fitting)[kept], weight=weights[kept], **about)
    watched = lightgbm.Dataset(features(stopping), rewards(stopping), reference=fitted)
    booster = lightgbm.train(
        {**SETTINGS, "seed": seed}, fitted, _MAX_ROUNDS, valid_sets=[watched],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
    )  # fmt: skip
    return booster, {"n_trees": max(booster.best_iteration, 1), "n_rows_fitted": int(kept.sum())}


def _weights(outcomes: Floats, rng: np.random.Generator) -> Floats:
    """(n,) float64: 1, or for failures where they are many, 0 for those left out and more for those kept."""
    weights = np.ones(outcomes.size)
    failed = np.flatnonzero(outcomes < _SUCCESS)
    n_kept = MOST_FAILURES * (outcomes.size - failed.size)
    if failed.size > n_kept > 0:
        weights[failed] = 0.0
        weights[rng.choice(failed, n_kept, replace=False)] = failed.size / n_kept
    return weights


def _outputs(booster: Any, rows: pl.DataFrame) -> Floats:
    outputs: Floats = booster.predict(features(rows), num_iteration=booster.best_iteration or None, num_threads=1)
    return outputs
