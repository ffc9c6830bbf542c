"""Two arms compared: their difference, absolute and relative, with an interval for a sample size fixed beforehand.

For looking as often as one likes see `sequential`; for adjusting the p-values of several comparisons `multiplicity`.
"""

import math
from typing import NamedTuple

from scipy import optimize, stats

from tip_experiments.stats.estimates import student
from tip_experiments.stats.inputs import level_faults, require_no_faults
from tip_experiments.stats.moments import ArmEstimate, Proportion


class Effect(NamedTuple):
    """What the treatment does against the control; what the data cannot tell is None."""

    value: float
    standard_error: float
    low: float | None
    high: float | None
    p_value: float | None
    """Two-sided, of no effect; below 1 - level exactly when the interval leaves out 0."""
    n: int
    """Units of both arms."""


def difference(control: ArmEstimate, treatment: ArmEstimate, level: float = 0.95) -> Effect:
    """Treatment minus control with Welch's interval.

    Args:
        control: from `Moments.estimate`, `JointMoments.ratio` or `cuped.adjusted`.
        treatment: the other arm, of other units.
        level: coverage of the interval, in (0, 1).

    Returns:
        The effect; without interval and p-value where neither arm varies.

    Raises:
        ValueError: `level` is none, or an estimate is not finite.

    Source:
        Welch (1947), Biometrika 34, 28-35.
    """
    _require("A difference cannot be told", level, control, treatment)
    return _welch(
        treatment.value - control.value, control.standard_error, treatment.standard_error, control, treatment, level
    )


def relative_lift(control: ArmEstimate, treatment: ArmEstimate, level: float = 0.95) -> Effect:
    """Treatment minus control, by control, with the interval of the delta method: 0.05 is five percent more.

    Args:
        control: what is divided by; at least 8 standard errors from 0.
        treatment: the other arm, of other units.
        level: coverage of the interval, in (0, 1).

    Raises:
        CloseToZeroError: the control lies closer to 0: its lift could be any number.
        ValueError: `level` is none, or an estimate is not finite.

    Source:
        Deng, Knoblich & Lu (2018), KDD, 233-242.
    """
    _require("A relative lift cannot be told", level, control, treatment)
    base = control.as_denominator("A relative lift").value
    by_treatment = treatment.standard_error / abs(base)
    by_control = abs(treatment.value) * control.standard_error / base**2
    return _welch((treatment.value - base) / base, by_control, by_treatment, control, treatment, level)


def difference_of_proportions(control: Proportion, treatment: Proportion, level: float = 0.95) -> Effect:
    """Treatment's share minus control's with Newcombe's interval, which holds for rare events and few units too.

    The p-value is 1 minus the level at which that interval touches 0, so that the two never disagree. The standard
    error is that of the delta method, for planning and pooling; the interval is not made of it.

    Args:
        control: at least one unit.
        treatment: at least one unit.
        level: coverage of the interval, in (0, 1).

    Raises:
        ValueError: an arm has no unit, or `level` is none.

    Source:
        Newcombe (1998), Statistics in Medicine 17, 873-890, method 10; of Wilson's (1927) intervals.
    """
    require_no_faults("A difference cannot be told", level_faults(level))
    value = treatment.share - control.share
    low, high = _newcombe(control, treatment, float(stats.norm.isf((1 - level) / 2)))
    variance = sum(arm.share * (1 - arm.share) / arm.n for arm in (control, treatment))
    return Effect(value, math.sqrt(variance), low, high, _newcombe_p_value(control, treatment), control.n + treatment.n)


def wilson(proportion: Proportion, z: float) -> tuple[float, float]:
    """Wilson's interval of a share, `z` standard normal deviations to each side; within [0, 1]."""
    n, share = proportion.n, proportion.share
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def _newcombe(control: Proportion, treatment: Proportion, z: float) -> tuple[float, float]:
    (c_low, c_high), (t_low, t_high) = wilson(control, z), wilson(treatment, z)
    value = treatment.share - control.share
    below = math.hypot(treatment.share - t_low, c_high - control.share)
    above = math.hypot(t_high - treatment.share, control.share - c_low)
    return value - below, value + above


def _newcombe_p_value(control: Proportion, treatment: Proportion) -> float:
    if treatment.share == control.share:
        return 1.0
    end = 0 if treatment.share > control.share else 1
    farthest = 38.0  # beyond it a p-value is 0 in double precision
    if _newcombe(control, treatment, farthest)[end] * (1 - 2 * end) > 0:
        return 0.0
    touching = optimize.brentq(lambda z: _newcombe(control, treatment, z)[end], 0.0, farthest, xtol=1e-12)
    return float(2 * stats.norm.sf(touching))


def _welch(
    value: float, by_control: float, by_treatment: float, control: ArmEstimate, treatment: ArmEstimate, level: float
) -> Effect:
    """The effect whose variance has these two parts, each known as well as its arm has units."""
    n = control.n + treatment.n
    parts = by_control**2, by_treatment**2
    error = math.hypot(by_control, by_treatment)
    if error == 0:
        return Effect(value, error, None, None, None, n)
    degrees = sum(parts) ** 2 / (parts[0] ** 2 / (control.n - 1) + parts[1] ** 2 / (treatment.n - 1))
    told = student(value, error, degrees, level)
    return Effect(value, error, told.low, told.high, float(2 * stats.t.sf(abs(value) / error, degrees)), n)


def _require(attempt: str, level: float, *arms: ArmEstimate) -> None:
    faults = level_faults(level)
    for name, arm in zip(("control", "treatment"), arms, strict=True):
        if not (math.isfinite(arm.value) and 0 <= arm.standard_error < math.inf):
            faults.append(
                f"the {name} is {arm.value} with standard error {arm.standard_error}, expected finite numbers"
            )
        if arm.n < 2:  # noqa: PLR2004 - one unit does not tell how units differ
            faults.append(f"the {name} has {arm.n} units, expected at least 2")
    require_no_faults(attempt, faults)
