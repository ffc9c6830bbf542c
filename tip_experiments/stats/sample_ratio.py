"""Whether arms hold as many units as their weights say. Where they do not, no comparison of them can be trusted."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tip_experiments.stats.inputs import faulty_rows, require_no_faults, require_vectors

FEWEST_EXPECTED = 5.0
"""Units that an arm must be expected to hold before the chi-square distribution describes what chance does."""


class SampleRatioVerdict(StrEnum):
    """What the numbers of units say."""

    AS_PLANNED = "as planned"
    MISMATCH = "mismatch"
    TOO_FEW = "too few units"


class SampleRatio(NamedTuple):
    """Numbers of units against their weights."""

    verdict: SampleRatioVerdict
    statistic: float
    """Chi-square over the arms of positive weight."""
    degrees: int
    """Arms of positive weight, less one."""
    p_value: float
    words: str


def sample_ratio(counts: ArrayLike, weights: ArrayLike, threshold: float = 0.001) -> SampleRatio:
    """Whether chance explains how far the numbers of units lie from the weights of their arms.

    An arm of weight 0 takes no degree of freedom, and one unit in it is a mismatch by itself: nobody could have been
    assigned there.

    Args:
        counts: (k,) whole numbers from 0, units by arm.
        weights: (k,) from 0, of any positive sum.
        threshold: p-value below which it is a mismatch, in (0, 1). Small, since it is looked at often and a mismatch
            stops the comparison.

    Raises:
        ValueError: shapes differ, a count or a weight is none, or no weight is positive; all faults, the first ten
            rows of each.

    Source:
        Pearson (1900); Fabijan et al. (2019), KDD, 2156-2164.
    """
    units, shares = np.asarray(counts, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    require_vectors(counts=units, weights=shares)
    is_count = (units >= 0) & (units == np.floor(units)) & np.isfinite(units)
    faults = faulty_rows("of counts are no whole numbers from 0", ~is_count, units)
    faults += faulty_rows("of weights are no numbers from 0", ~((shares >= 0) & np.isfinite(shares)), shares)
    faults += [] if (shares > 0).any() else ["no weight is positive"]
    faults += [] if 0 < threshold < 1 else [f"threshold must lie in (0, 1), found {threshold!r}"]
    require_no_faults("The sample ratio cannot be tested", faults)
    is_open = shares > 0
    expected = shares[is_open] / shares.sum() * units[is_open].sum()
    degrees = int(is_open.sum()) - 1
    with np.errstate(invalid="ignore"):  # no units at all: 0 / 0, which is no deviation
        statistic = float(np.nansum((units[is_open] - expected) ** 2 / expected))
    p_value = float(stats.chi2.sf(statistic, degrees)) if degrees else 1.0
    strays = np.flatnonzero(~is_open & (units > 0))
    if strays.size:
        listed = ", ".join(f"arm {arm}: {units[arm]:.0f}" for arm in strays[:10])
        words = f"Mismatch: {strays.size} arms of weight 0 hold units ({listed})"
        return SampleRatio(SampleRatioVerdict.MISMATCH, statistic, degrees, 0.0, words)
    return _judged(statistic, degrees, p_value, threshold, float(expected.min()))


def _judged(statistic: float, degrees: int, p_value: float, threshold: float, fewest: float) -> SampleRatio:
    if fewest < FEWEST_EXPECTED:
        verdict = SampleRatioVerdict.TOO_FEW
        words = f"Too few units: an arm is expected to hold {fewest:.1f}, and {FEWEST_EXPECTED:g} are needed to tell"
    elif p_value < threshold:
        verdict = SampleRatioVerdict.MISMATCH
        words = (
            f"Mismatch: chance gives numbers this far from the weights with probability {p_value:.2g}; find out where "
            "units get lost before comparing arms"
        )
    else:
        verdict = SampleRatioVerdict.AS_PLANNED
        words = f"As planned: chance gives numbers this far from the weights with probability {p_value:.2g}"
    return SampleRatio(verdict, statistic, degrees, p_value, words)
