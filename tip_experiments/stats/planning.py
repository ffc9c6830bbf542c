"""How many units and days a comparison takes, and what it can find: for a sample size that is fixed beforehand.

Several treatments are each compared with the control; the level is shared among them (Bonferroni). Comparisons that
are watched (`sequential`) must be allowed 1.6 times the units for a power of 80 %, and stop after about as many as
planned here on average (simulated).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from scipy import stats

from tip_experiments.stats.inputs import require_no_faults

_MOST_UNITS = 10**12
_NORMAL_FROM = 10_000  # degrees of freedom; from there on the normal agrees with the noncentral t to 4 digits
_FAR_SIDE_UNTIL = 5.0  # beyond it the side of the wrong sign holds less than 3e-7, and scipy's nct.cdf may be NaN


class Plan(NamedTuple):
    """What a comparison takes."""

    n_control: int
    n_treatment: int
    """In each treatment."""
    n_total: int
    power: float
    """Of each comparison, with these numbers; at least what was asked for."""


@dataclass(frozen=True, slots=True)
class Design:
    """How arms are compared.

    Raises:
        ValueError: a field lies outside its range; all faults at once.
    """

    level: float = 0.95
    """1 minus the chance that any comparison finds a difference where there is none; in (0, 1)."""
    n_treatments: int = 1
    treatment_per_control: float = 1.0
    """Units in each treatment for each unit in the control."""

    def __post_init__(self) -> None:
        faults = [] if 0 < self.level < 1 else [f"level must lie in (0, 1), found {self.level}"]
        faults += [] if self.n_treatments >= 1 else [f"n_treatments is {self.n_treatments}, expected at least 1"]
        ratio = self.treatment_per_control
        faults += [] if 0 < ratio < math.inf else [f"treatment_per_control is {ratio}, expected a positive number"]
        require_no_faults("A comparison cannot be designed", faults)

    @property
    def error(self) -> float:
        """Two-sided error of each comparison."""
        return (1 - self.level) / self.n_treatments

    def n_treatment(self, n_control: int) -> int:
        """Units in each treatment beside `n_control`."""
        return max(math.ceil(n_control * self.treatment_per_control - 1e-9), 1)


def power_of_means(design: Design, effect: float, standard_deviation: float, n_control: int) -> float:
    """The probability of finding a difference of `effect` between two means, by the pooled t-test.

    Args:
        design: how arms are compared.
        effect: of either sign, in the units of the metric.
        standard_deviation: of a unit within an arm, positive; with a covariate, times sqrt(1 - variance_reduction).
        n_control: at least 2.

    Raises:
        ValueError: an argument lies outside its range; all faults at once.

    Source:
        Cohen (1988); the noncentral t distribution, both tails.
    """
    faults = _units_faults(n_control, 2) + _deviation_faults(standard_deviation)
    faults += [] if math.isfinite(effect) else [f"effect is {effect}, expected a number"]
    require_no_faults("Power cannot be told", faults)
    n_treatment = design.n_treatment(n_control)
    degrees = n_control + n_treatment - 2
    shift = abs(effect) / standard_deviation / math.sqrt(1 / n_control + 1 / n_treatment)
    critical = float(stats.t.isf(design.error / 2, degrees))
    if degrees > _NORMAL_FROM:
        return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift))
    far_side = stats.nct.cdf(-critical, degrees, shift) if shift < _FAR_SIDE_UNTIL else 0.0
    return float(stats.nct.sf(critical, degrees, shift) + far_side)


def power_of_proportions(design: Design, baseline: float, effect: float, n_control: int) -> float:
    """The probability of finding a share of `baseline + effect` against one of `baseline`, by the pooled z-test.

    Args:
        design: how arms are compared.
        baseline: share in the control, in (0, 1).
        effect: absolute, such that the treatment's share lies in (0, 1).
        n_control: at least 1.

    Raises:
        ValueError: an argument lies outside its range; all faults at once.

    Source:
        Fleiss, Levin & Paik (2003), section 4.4, without continuity correction; both tails.
    """
    require_no_faults("Power cannot be told", _units_faults(n_control, 1) + _share_faults(baseline, effect))
    n_treatment = design.n_treatment(n_control)
    share = baseline + effect
    pooled = (n_control * baseline + n_treatment * share) / (n_control + n_treatment)
    under_null = math.sqrt(pooled * (1 - pooled) * (1 / n_control + 1 / n_treatment))
    otherwise = math.sqrt(baseline * (1 - baseline) / n_control + share * (1 - share) / n_treatment)
    critical = float(stats.norm.isf(design.error / 2)) * under_null
    return float(
        stats.norm.sf((critical - abs(effect)) / otherwise) + stats.norm.cdf((-critical - abs(effect)) / otherwise)
    )


def units_for_means(design: Design, effect: float, standard_deviation: float, power: float = 0.8) -> Plan:
    """The fewest units with which a difference of `effect` between means is found with probability `power`.

    Args:
        design: how arms are compared.
        effect: the smallest one worth finding, of either sign, not 0.
        standard_deviation: see `power_of_means`.
        power: in (0, 1).

    Raises:
        ValueError: an argument lies outside its range, all faults at once; or it would take 10**12 units and more.
    """
    faults = _effect_and_power_faults(effect, power) + _deviation_faults(standard_deviation)
    require_no_faults("Units cannot be planned", faults)
    return _fewest(design, power, lambda n: power_of_means(design, effect, standard_deviation, n))


def units_for_proportions(design: Design, baseline: float, effect: float, power: float = 0.8) -> Plan:
    """The fewest units with which a share of `baseline + effect` is told from `baseline` with probability `power`.

    Args:
        design: how arms are compared.
        baseline: see `power_of_proportions`.
        effect: the smallest one worth finding, absolute, of either sign, not 0.
        power: in (0, 1).

    Raises:
        ValueError: an argument lies outside its range, all faults at once; or it would take 10**12 units and more.
    """
    faults = _effect_and_power_faults(effect, power) + _share_faults(baseline, effect)
    require_no_faults("Units cannot be planned", faults)
    return _fewest(design, power, lambda n: power_of_proportions(design, baseline, effect, n))


def smallest_effect_of_means(design: Design, standard_deviation: float, n_control: int, power: float = 0.8) -> float:
    """The difference between means that `n_control` units find with probability `power`.

    Args:
        design: how arms are compared.
        standard_deviation: see `power_of_means`.
        n_control: at least 2.
        power: above the error of a comparison, below 1.

    Raises:
        ValueError: an argument lies outside its range.
    """
    faults = _effect_and_power_faults(1.0, power)
    faults += [] if power > design.error else [f"power {power} is not above the error {design.error:g} of a comparison"]
    faults += _units_faults(n_control, 2) + _deviation_faults(standard_deviation)
    require_no_faults("The smallest effect cannot be told", faults)
    low, high = 0.0, standard_deviation
    while power_of_means(design, high, standard_deviation, n_control) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        is_enough = power_of_means(design, middle, standard_deviation, n_control) >= power
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def days_for(plan: Plan, units_per_day: float, coverage: float = 1.0) -> int:
    """Days until `plan` is filled, in whole weeks, so that every day of the week counts equally.

    Args:
        plan: from `units_for_means` or `units_for_proportions`.
        units_per_day: new units, positive; not visits of the same ones.
        coverage: share of them that takes part, in (0, 1].

    Raises:
        ValueError: an argument lies outside its range.
    """
    faults = [] if 0 < units_per_day < math.inf else [f"units_per_day is {units_per_day}, expected a positive number"]
    faults += [] if 0 < coverage <= 1 else [f"coverage is {coverage}, expected a share in (0, 1]"]
    require_no_faults("Days cannot be planned", faults)
    return 7 * math.ceil(plan.n_total / (units_per_day * coverage) / 7)


def _fewest(design: Design, power: float, power_of: Callable[[int], float]) -> Plan:
    """Power grows with units: double until it is enough, then halve the gap."""
    enough = 2
    while power_of(enough) < power:
        enough *= 2
        if enough > _MOST_UNITS:
            raise ValueError(f"Units cannot be planned: more than {_MOST_UNITS} would be needed")
    too_few = enough // 2 if enough > 2 else 1  # noqa: PLR2004 - where the search began
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        too_few, enough = (too_few, middle) if power_of(middle) >= power else (middle, enough)
    n_treatment = design.n_treatment(enough)
    return Plan(enough, n_treatment, enough + design.n_treatments * n_treatment, power_of(enough))


def _effect_and_power_faults(effect: float, power: float) -> list[str]:
    faults = [] if effect and math.isfinite(effect) else [f"effect is {effect}, expected a number other than 0"]
    return faults + ([] if 0 < power < 1 else [f"power is {power}, expected a probability in (0, 1)"])


def _units_faults(n_control: int, fewest: int) -> list[str]:
    return [] if n_control >= fewest else [f"n_control is {n_control}, expected at least {fewest}"]


def _deviation_faults(deviation: float) -> list[str]:
    is_positive = 0 < deviation < math.inf
    return [] if is_positive else [f"standard_deviation is {deviation}, expected a positive number"]


def _share_faults(baseline: float, effect: float) -> list[str]:
    shares = (("baseline", baseline), ("baseline + effect", baseline + effect))
    return [f"{name} is {share}, expected a share in (0, 1)" for name, share in shares if not 0 < share < 1]
