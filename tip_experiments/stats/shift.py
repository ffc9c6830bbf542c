"""Has a number come to be distributed otherwise? The population stability index, and how large it gets by chance.

Rules of thumb (0.1 is watched, 0.25 is a change) are blind to sizes: two samples of a hundred of the same people exceed
0.1 most of the time. Here the index comes with the value that chance alone exceeds rarely.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.inputs import level_faults, require_no_faults

MAX_BINS = 10
_PRIOR = 0.5  # in each bin of each sample, so that an empty bin is rare and not impossible


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a sample lies from a reference."""

    psi: float
    """The index, 0 or more: sum over bins of the difference of shares times the difference of their logarithms."""
    noise: float
    """What the index stays below with the probability `level` where both are samples of one population."""
    n_bins: int
    n_reference: int
    n_current: int

    def is_beyond(self, tolerated: float) -> bool:
        """Whether the shift is both larger than what is tolerated and more than chance."""
        return self.psi > max(tolerated, self.noise)


def shift(reference: NDArray[np.float64], current: NDArray[np.float64], level: float) -> Shift:
    """How far `current` lies from `reference`, in bins of about equal shares of the reference.

    A number that has at most MAX_BINS values in the reference, most of them more than once, has a bin for each and one
    for all other values. Missing numbers have a bin of their own. Bins that are empty in both do not count.

    Args:
        reference: (n,) float64, n >= 1; NaN for a missing number.
        current: (m,) float64, m >= 1; the same.
        level: in (0, 1), of `noise`.

    Raises:
        ValueError: not two vectors with rows, or no level.

    Source: Yurdakul (2018), Statistical properties of population stability index: without a shift the index over B
        bins is distributed as (1/n + 1/m) times a chi-square with B - 1 degrees of freedom. Rows are taken as
        independent; where both samples hold the same people, chance is smaller than `noise`.
    """
    _require_samples(reference, current, level)
    bins = _bins(reference)
    counts = [_counts(sample, bins) for sample in (reference, current)]
    both = np.stack([sample[counts[0] + counts[1] > 0] for sample in counts])
    shares = (both + _PRIOR) / (both + _PRIOR).sum(axis=1, keepdims=True)
    psi = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    n_bins = both.shape[1]
    spread = 1 / reference.size + 1 / current.size
    noise = float(stats.chi2.ppf(level, n_bins - 1) * spread) if n_bins > 1 else 0.0
    return Shift(psi, noise, n_bins, reference.size, current.size)


class _Bins(NamedTuple):
    values: NDArray[np.float64]
    """Each is a bin where they are few; else the lower edges of all bins but the first."""
    are_few: bool


def _bins(reference: NDArray[np.float64]) -> _Bins:
    present = reference[~np.isnan(reference)]
    values = np.unique(present)
    if values.size <= MAX_BINS and 2 * values.size <= present.size:
        return _Bins(values, are_few=True)
    return _Bins(np.unique(np.quantile(present, np.arange(1, MAX_BINS) / MAX_BINS)), are_few=False)


def _counts(sample: NDArray[np.float64], bins: _Bins) -> NDArray[np.int64]:
    """How many lie in each bin: those of the values in their order, one more, and the missing ones last."""
    n = bins.values.size
    if bins.are_few:
        found = np.minimum(np.searchsorted(bins.values, sample), max(n - 1, 0))
        places = np.where(bins.values[found] == sample, found, n) if n else np.full(sample.shape, n)
    else:
        places = np.searchsorted(bins.values, sample, side="right")
    return np.bincount(np.where(np.isnan(sample), n + 1, places), minlength=n + 2)


def _require_samples(reference: NDArray[np.float64], current: NDArray[np.float64], level: float) -> None:
    named = {"reference": reference, "current": current}
    faults = [f"{name} has the shape {found.shape}, expected (n,) with n >= 1" for name, found in named.items()
              if found.ndim != 1 or found.size == 0]  # fmt: skip
    require_no_faults("No shift can be told", [*faults, *level_faults(level)])
