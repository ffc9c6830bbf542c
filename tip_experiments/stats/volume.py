"""Is a day's count unusual among the days before it? Bounds that a few odd days do not move."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from tip_experiments.stats.inputs import level_faults, require_no_faults

MIN_DAYS = 7
"""Fewer days say nothing of a week's ups and downs."""
_TO_SIGMA = float(1 / stats.norm.ppf(0.75))  # of the median absolute deviation of normal numbers


class Volume(NamedTuple):
    """What counts are usual."""

    expected: float
    """The median of the earlier days."""
    low: float
    high: float

    def is_usual(self, count: int) -> bool:
        """Whether a count lies within the bounds."""
        return self.low <= count <= self.high


def usual_volume(earlier: Sequence[int], level: float) -> Volume | None:
    """The bounds of a usual count; None for fewer than MIN_DAYS earlier ones.

    On the scale of log(1 + count): the median, and its spread by the median absolute deviation, which half of the days
    would have to be odd to move. The spread is never below that of pure chance at this size, 1 / sqrt(count).

    Args:
        earlier: counts of days, 0 or more each.
        level: in (0, 1), nominal: the share of usual days that lie within, after many days. The median deviation of
            few days is rough: simulated, at 0.99 one usual day in 20 lies outside of 7 earlier ones, one in 65 of 28.

    Raises:
        ValueError: a count is negative, or no level.

    Source: Leys et al. (2013), Detecting outliers: do not use standard deviation around the mean, use absolute
        deviation around the median; ours are counts, hence the logarithm and the floor.
    """
    negative = [f"a count of {count}" for count in earlier if count < 0]
    require_no_faults("No usual volume can be told", [*negative[:10], *level_faults(level)])
    if len(earlier) < MIN_DAYS:
        return None
    logs = np.log1p(np.array(earlier, np.float64))
    center = float(np.median(logs))
    spread = _TO_SIGMA * float(np.median(np.abs(logs - center)))
    spread = max(spread, 1 / math.sqrt(math.exp(center)))
    reach = float(stats.t.ppf((1 + level) / 2, len(earlier) - 1)) * spread * math.sqrt(1 + 1 / len(earlier))
    return Volume(math.expm1(center), max(0.0, math.expm1(center - reach)), math.expm1(center + reach))
