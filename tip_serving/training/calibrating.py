"""From what a model puts out to a probability: a growing line through what happened at each height of the output.

Isotonic where there are rows enough, drawn through the middles of its steps so that no two outputs become one; else
Platt's, a sigmoid of two numbers, whose line is drawn through points close to one another.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_serving.scoring.reward_model import Calibration

Floats = NDArray[np.float64]

ISOTONIC_FROM = 1000
"""Rows; below, steps follow the noise and Platt's two numbers are better."""
ISOTONIC_FROM_OF_EACH = 100
"""Successes and failures."""
_N_POINTS = 65
_EDGE = 1e-6
_SUCCESS = 0.5


class Calibrated(NamedTuple):
    """How outputs become rewards."""

    line: Calibration
    method: str


def calibrated(outputs: Floats, rewards: Floats) -> Calibrated:
    """The line through outputs and rewards of rows that the model was not fitted on.

    Args:
        outputs: (n,) float64 in [0, 1], of at least two kinds.
        rewards: (n,) float64 in [0, 1], both successes and failures.
    """
    n_good = int((rewards >= _SUCCESS).sum())
    is_large = rewards.size >= ISOTONIC_FROM and min(n_good, rewards.size - n_good) >= ISOTONIC_FROM_OF_EACH
    if is_large and (line := _isotonic(outputs, rewards)) is not None:
        return Calibrated(line, "isotonic, through the middles of its steps")
    return Calibrated(_platt(outputs, rewards), "Platt")


def apply(line: Calibration, outputs: Floats) -> Floats:
    """(n,) float64, as the server computes it."""
    return np.interp(outputs, line.outputs, line.rewards)


def log_odds(outputs: Floats) -> Floats:
    """(n,) float64, of outputs kept away from 0 and 1."""
    safe = np.clip(outputs, _EDGE, 1.0 - _EDGE)
    odds: Floats = np.log(safe) - np.log1p(-safe)
    return odds


def _isotonic(outputs: Floats, rewards: Floats) -> Calibration | None:
    """Centred isotonic regression; None where it has a single step.

    Source: Oron & Flournoy (2017), Centered isotonic regression.
    """
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(outputs, rewards)
    heights, step = np.unique(fitted, return_inverse=True)
    middles = np.bincount(step, outputs) / np.bincount(step)
    apart = np.concatenate([[True], np.diff(middles) > 0.0])
    if apart.sum() < 2:  # noqa: PLR2004  one point is no line
        return None
    # A step of nothing but failures is not certainty: half a success more in as many rows is within what it shows.
    least = 0.5 / rewards.size
    bounded = np.clip(heights[apart], least, 1.0 - least)
    return Calibration(tuple(middles[apart].tolist()), tuple(np.maximum.accumulate(bounded).tolist()))


def _platt(outputs: Floats, rewards: Floats) -> Calibration:
    """A sigmoid of the log-odds with Platt's targets, which keep it from certainty.

    Source: Platt (1999), Probabilistic outputs for support vector machines.
    """
    from scipy.optimize import minimize

    n_good = float(rewards.sum())
    n_bad = rewards.size - n_good
    targets = rewards * (n_good + 1.0) / (n_good + 2.0) + (1.0 - rewards) / (n_bad + 2.0)
    odds = log_odds(outputs)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        linear = parameters[0] + np.exp(parameters[1]) * odds  # a slope above 0: the best tip stays the best
        chance = 1.0 / (1.0 + np.exp(-linear))
        value = float(np.mean(np.logaddexp(0.0, linear) - targets * linear))
        slopes = chance - targets
        return value, np.array([slopes.mean(), float((slopes * odds).mean() * np.exp(parameters[1]))])

    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-20.0, 20.0), (-5.0, 3.0)]).x
    points = np.unique(
        np.concatenate([np.linspace(odds.min(), odds.max(), _N_POINTS), np.linspace(-8.0, 8.0, _N_POINTS)])
    )
    places = 1.0 / (1.0 + np.exp(-points))
    heights = 1.0 / (1.0 + np.exp(-(found[0] + np.exp(found[1]) * points)))
    return Calibration(tuple(places.tolist()), tuple(heights.tolist()))
