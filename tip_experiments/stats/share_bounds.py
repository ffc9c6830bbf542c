"""Exact bounds of one share that hold at every look, from the first unit on: for rare events and for small arms.

Where errors are rare, or all units of an arm err, a standard error says nothing and `sequential` stays silent; these
bounds speak. `harm` sets two arms against each other.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from tip_experiments.stats.inputs import level_faults, require_no_faults
from tip_experiments.stats.moments import Proportion
from tip_experiments.stats.sequential import SideBounds

_PRIOR = 0.5  # Jeffreys': bounds of rare events are little wider than with the best prior for each


@dataclass(frozen=True, slots=True)
class ShareBounds:
    """Bounds of a share of which, at the given level, none in the whole run misses the truth.

    Units come one by one and each does it with the same chance, whatever the others did.

    Raises:
        ValueError: the level is none.

    Source:
        Ville (1939); Robbins (1970), Annals of Mathematical Statistics 41, 1397-1409: a mixture of likelihoods, here
        over a Beta distribution with both parameters 1/2, against the likelihood of the share asked about.
    """

    level: float = 0.95
    """In (0, 1), of both bounds together."""

    def __post_init__(self) -> None:
        require_no_faults("Bounds of a share cannot be planned", level_faults(self.level))

    def of(self, seen: Proportion) -> SideBounds:
        """The bounds after what was seen, in [0, 1]; both hold together at `level`."""
        limit = -math.log(1 - self.level)
        if seen.n == 0:
            return SideBounds(0.0, 1.0)

        def excess(share: float) -> float:
            return float(log_evidence(seen.successes, seen.n, share)) - limit

        low, high = 0.0, 1.0
        if seen.successes > 0:
            low = float(optimize.brentq(excess, 1e-300, seen.share, xtol=1e-12)) if excess(1e-300) > 0 else 0.0
        if seen.successes < seen.n:
            high = float(optimize.brentq(excess, seen.share, 1 - 1e-16, xtol=1e-12)) if excess(1 - 1e-16) > 0 else 1.0
        return SideBounds(low, high)

    def harm(self, control: Proportion, treatment: Proportion) -> SideBounds:
        """By how much more units of the treatment do it, at least and at most; both hold together at `level`.

        Args:
            control: units of the one arm.
            treatment: units of the other.
        """
        each = ShareBounds(1 - (1 - self.level) / 2)
        ours, theirs = each.of(treatment), each.of(control)
        assert None not in (*ours, *theirs)  # noqa: S101  bounds of a share are always there
        return SideBounds(
            (ours.at_least or 0.0) - (theirs.at_most or 0.0), (ours.at_most or 0.0) - (theirs.at_least or 0.0)
        )


def log_evidence(successes: ArrayLike, n: ArrayLike, share: float) -> NDArray[np.float64]:
    """Natural logarithm of the e-value against units doing it with the chance `share`, at one look or at many.

    Under that chance it reaches log(1 / a), ever, with a probability of at most a.

    Args:
        successes: whole numbers from 0 to n.
        n: whole numbers from 0, of the same shape.
        share: in [0, 1].
    """
    yes, no = np.asarray(successes, np.float64), np.subtract(n, successes, dtype=np.float64)
    mixed = special.betaln(yes + _PRIOR, no + _PRIOR) - special.betaln(_PRIOR, _PRIOR)
    return np.asarray(mixed - special.xlogy(yes, share) - special.xlog1py(no, -share))
