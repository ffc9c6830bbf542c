"""What is reported of an unknown number: the estimate, its standard error and an interval; and how to make one.

`student` serves where a standard error is known, `jackknifed` where the estimate can be computed without each cluster.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats


class Estimate(NamedTuple):
    """A number with its uncertainty; what cannot be told is None, never 0 and never infinite."""

    value: float
    standard_error: float | None
    low: float | None
    high: float | None


def student(value: float, standard_error: float | None, degrees: float, level: float) -> Estimate:
    """`value` with Student's interval.

    Args:
        value: the estimate.
        standard_error: non-negative; None or 0 gives no interval: data that do not vary tell nothing of how they would.
        degrees: degrees of freedom; below 1 there is no interval.
        level: coverage, in (0, 1).
    """
    if not standard_error or degrees < 1:
        return Estimate(value, standard_error, None, None)
    reach = float(stats.t.ppf(0.5 + level / 2.0, degrees)) * standard_error
    return Estimate(value, standard_error, value - reach, value + reach)


def jackknifed(replicates: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of an estimate, from its values with each cluster left out in turn.

    Args:
        replicates: (G, k) float64, G >= 2: the k numbers estimated without cluster g.

    Returns:
        (k, k) float64.

    Source:
        Tukey (1958); in regression the CV3 covariance of MacKinnon, Nielsen & Webb (2023), Journal of Applied
        Econometrics 38, here centred at the mean of the replicates. It errs on the wide side with few clusters.
    """
    n_clusters = replicates.shape[0]
    centred = replicates - replicates.mean(axis=0)
    covariance: NDArray[np.float64] = (n_clusters - 1) / n_clusters * (centred.T @ centred)
    return covariance
