"""Means adjusted by what was known of each unit before the experiment, which narrows what is compared afterwards."""

import math
from typing import NamedTuple

from tip_experiments.stats.moments import ArmEstimate, JointMoments


class Adjusted(NamedTuple):
    """Arms after the adjustment, in the order in which they were given."""

    arms: tuple[ArmEstimate, ...]
    theta: float
    """How much of y goes with one of x within an arm; 0 where x does not vary."""
    variance_reduction: float
    """Share of the variance of y within arms that x explains, in [0, 1]: a half saves half of the units."""


def adjusted(*arms: JointMoments) -> Adjusted:
    """The means of y of `arms` at the covariate that all of them have on average.

    Compare the arms with `difference.difference` or `relative_lift`. The standard errors are those of comparisons: the
    common mean of the covariate is taken as known, and falls out of differences.

    Args:
        arms: two or more; x must have been known before the units were assigned, or the difference is biased.

    Raises:
        ValueError: fewer than 2 arms, or an arm has fewer than 3 units.

    Source:
        Deng, Xu, Kohavi & Walker (2013), WSDM, 123-132; theta is pooled within arms (Lin 2013), so that the effect
        itself does not enter it.
    """
    if len(arms) < 2 or any(arm.n < 3 for arm in arms):  # noqa: PLR2004 - the slope takes one degree of freedom
        sizes = [arm.n for arm in arms]
        raise ValueError(f"Arms of {sizes} units cannot be adjusted; expected at least 2 arms of at least 3 units each")
    y_m2, x_m2, c = (math.fsum(sums) for sums in zip(*((arm.y_m2, arm.x_m2, arm.c) for arm in arms), strict=True))
    theta = c / x_m2 if x_m2 > 0 else 0.0
    explained = min(theta * c / y_m2, 1.0) if y_m2 > 0 else 0.0
    common = math.fsum(arm.n * arm.x_mean for arm in arms) / sum(arm.n for arm in arms)
    return Adjusted(tuple(_adjusted_arm(arm, theta, common) for arm in arms), theta, explained)


def _adjusted_arm(arm: JointMoments, theta: float, common: float) -> ArmEstimate:
    left = max(arm.y_m2 - 2 * theta * arm.c + theta**2 * arm.x_m2, 0.0)
    value = arm.y_mean - theta * (arm.x_mean - common)
    return ArmEstimate(value, math.sqrt(left / (arm.n - 2) / arm.n), arm.n)
