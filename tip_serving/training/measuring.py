"""The offline metrics of a reward model on its test part, with intervals clustered by person, and baselines beside."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats import prediction
from tip_experiments.stats.estimates import Estimate
from tip_serving.training.cards.card import CalibrationBin, Metric

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

CONFIDENCE = 0.95
LOG_LOSS, BRIER, AUC, ECE = "log loss", "Brier score", "AUC", "calibration error"
TOLERATED_ERROR = 0.05
"""Calibration error that predicted rewards must not be shown to exceed: its interval has to reach down to it."""


class Measured(NamedTuple):
    """What the test part says of a model."""

    metrics: tuple[Metric, ...]
    calibration: tuple[CalibrationBin, ...]


def saved_against(baseline: str) -> str:
    """The name of the metric of log loss saved against a baseline."""
    return f"log loss saved against the {baseline}"


def measured(
    version: str,
    predicted: Floats,
    baselines: Mapping[str, Floats],
    outcomes: Floats,
    people: Codes,
    rng: np.random.Generator,
) -> Measured:
    """The metrics of a model and of each baseline.

    Args:
        version: of the model.
        predicted: (n,) float64 in [0, 1].
        baselines: by name, (n,) float64 in [0, 1].
        outcomes: (n,) float64 in [0, 1].
        people: (n,) equal for rows of one person.
        rng: of the resamples of people.
    """
    metrics: list[Metric] = []
    losses = prediction.log_losses(predicted, outcomes)
    for name, theirs in baselines.items():
        saved = prediction.mean_of(prediction.log_losses(theirs, outcomes) - losses, people, confidence=CONFIDENCE)
        metrics += _metric(saved_against(name), version, saved, outcomes.size, is_higher_better=True)
    for name, probabilities in ((version, predicted), *baselines.items()):
        error = prediction.calibration_error(probabilities, outcomes, people, rng, confidence=CONFIDENCE)
        metrics += _absolute(name, probabilities, outcomes, people)
        metrics += _metric(ECE, name, error, outcomes.size, is_higher_better=False)
    return Measured(tuple(metrics), curve(predicted, outcomes, people))


def _absolute(name: str, predicted: Floats, outcomes: Floats, people: Codes) -> Iterator[Metric]:
    n = outcomes.size
    losses, squares = prediction.log_losses(predicted, outcomes), prediction.brier_scores(predicted, outcomes)
    area = prediction.area_under_curve(predicted, outcomes, people, confidence=CONFIDENCE)
    mean_loss = prediction.mean_of(losses, people, confidence=CONFIDENCE)
    mean_square = prediction.mean_of(squares, people, confidence=CONFIDENCE)
    yield from _metric(LOG_LOSS, name, mean_loss, n, is_higher_better=False)
    yield from _metric(BRIER, name, mean_square, n, is_higher_better=False)
    yield from _metric(AUC, name, area, n, is_higher_better=True)


def curve(predicted: Floats, outcomes: Floats, people: Codes) -> tuple[CalibrationBin, ...]:
    """The calibration curve, in bins of equally many rows."""
    found = prediction.calibration_curve(predicted, outcomes, people, confidence=CONFIDENCE)
    return tuple(
        CalibrationBin(
            predicted=one.predicted, observed=one.observed, low=one.low, high=one.high, n_rows=one.n,
            n_users=one.n_clusters,
        )
        for one in found
    )  # fmt: skip


def _metric(name: str, of: str, found: Estimate | None, n: int, *, is_higher_better: bool) -> list[Metric]:
    if found is None:
        return []
    return [
        Metric(
            name=name, of=of, value=found.value, low=found.low, high=found.high, confidence=CONFIDENCE,
            is_higher_better=is_higher_better, n_rows=n,
        )
    ]  # fmt: skip


def metric_of(metrics: tuple[Metric, ...], name: str, of: str) -> Metric | None:
    """The metric of that name, where it was measured."""
    return next((one for one in metrics if one.name == name and one.of == of), None)
