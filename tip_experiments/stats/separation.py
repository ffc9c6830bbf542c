"""How many more scenarios it takes until the first cell is known to be better than the second."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from tip_experiments.stats.cell_scores import CellScores
from tip_experiments.stats.clustered import ROUNDING
from tip_experiments.stats.intervals import MIN_SCENARIOS
from tip_experiments.stats.paired import PairedDifference, paired_differences

_MOST = 10_000_000  # scenarios; who needs more has no difference worth finding


class Outcome(StrEnum):
    """What can be said of the first two cells."""

    SEPARATED = "already separated"
    NEEDS_MORE = "needs more scenarios"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True)
class Separation:
    """The first two cells and what separates them."""

    outcome: Outcome
    reason: str
    """One sentence for the reader of the leaderboard."""
    first: int | None
    """Places among the cells; None where fewer than two are scored."""
    second: int | None
    n_shared: int
    difference: float | None
    p_value: float | None
    n_more: int | None
    """Scenarios beyond the shared ones, if the true difference is the one found. 0 when separated, None when nothing
    can be said."""
    n_more_at_least: int | None
    """The same, if the true difference is the largest that the scores still allow. The most it can take has no bound
    as long as the cells may be equal."""


def separate_first_two(scores: CellScores, level: float = 0.05, power: float = 0.8) -> Separation:
    """Whether the two cells with the highest means are separated, and else how many scenarios it would take.

    Separated means that the paired t test, two-sided, rejects at `level`. Two-sided is what makes up for the first
    being picked for its lead over the second. The number needed is that of the same test: the number of scenarios
    from which it rejects with probability `power`. A difference picked because it leads is too large on average, so
    the number is rather too small.

    Args:
        scores: of one judge.
        level: chance of calling equal cells separated, in (0, 1).
        power: chance of separating cells that differ, in (level, 1).

    Raises:
        ValueError: `level` or `power` is out of range.

    Source:
        Hung & Fithian (2019), Annals of Statistics 47, 758-782, for testing a leader against the runner-up; power
        from the non-central t distribution.
    """
    if not 0.0 < level < power < 1.0:
        raise ValueError(f"A separation needs 0 < level < power < 1; found level {level} and power {power}")
    if np.count_nonzero(scores.n_scored) < 2:  # noqa: PLR2004  first and second
        reason = "Fewer than two cells are scored."
        return Separation(Outcome.CANNOT_SAY, reason, None, None, 0, None, None, None, None)
    first, second = np.argsort(-scores.means, kind="stable")[:2].tolist()  # NaN last
    of_both = CellScores(scores.sums[[first, second]], scores.counts[[first, second]])
    (pair,) = paired_differences(of_both, confidence=1.0 - level)
    said = _said(pair, level, power)
    return Separation(
        said.outcome, said.reason, first, second, pair.n_shared, pair.difference,
        pair.p_value, said.n_more, said.n_more_at_least,
    )  # fmt: skip


class _Said(NamedTuple):
    outcome: Outcome
    reason: str
    n_more: int | None = None
    n_more_at_least: int | None = None


def _said(pair: PairedDifference, level: float, power: float) -> _Said:
    """What the difference of the first two says."""
    mean, error, p_value, high, n = pair.difference, pair.standard_error, pair.p_value, pair.high, pair.n_shared
    if n < MIN_SCENARIOS or mean is None:
        reason = f"They share {n} scored scenarios; it takes {MIN_SCENARIOS} to see how much they vary."
        return _Said(Outcome.CANNOT_SAY, reason)
    if error is None or p_value is None or high is None:
        why = "the same on every shared scenario" if error is None else f"too skewed to be judged by {n} scenarios"
        return _Said(Outcome.CANNOT_SAY, f"Their differences are {why}.")
    deviation = error * float(np.sqrt(n))
    if mean <= ROUNDING * deviation:
        return _Said(Outcome.CANNOT_SAY, "Over the scenarios they share the first is not ahead.")
    if p_value <= level:
        return _Said(Outcome.SEPARATED, f"The first is better by {mean:.3g}, p = {p_value:.2g}.", 0, 0)
    needed = scenarios_needed(mean / deviation, level, power)
    at_least = scenarios_needed(high / deviation, level, power)
    if needed is None or at_least is None:
        reason = f"A difference as small as {mean:.2g} takes more than {_MOST:,} scenarios."
        return _Said(Outcome.CANNOT_SAY, reason)
    n_more = max(needed - n, 1)
    reason = f"With {n_more:,} more scenarios the chance to tell them apart is {power:.0%}."
    return _Said(Outcome.NEEDS_MORE, reason, n_more, max(at_least - n, 1))


def scenarios_needed(effect: float, level: float, power: float) -> int | None:
    """The number of scenarios from which a two-sided paired t test finds the better cell with probability `power`.

    Args:
        effect: the true difference in standard deviations of the scenarios' differences, > 0.
        level: of the test, in (0, 1).
        power: in (level, 1).

    Returns:
        At least 2; None above ten million.
    """

    def lacking(n: float) -> float:
        return float(stats.nct.sf(stats.t.isf(level / 2, n - 1), n - 1, effect * np.sqrt(n))) - power

    # Beyond a few hundred degrees of freedom normal quantiles do, where the non-central t loses digits.
    by_normal: float = ((stats.norm.isf(level / 2) + stats.norm.ppf(power)) / effect) ** 2
    if by_normal > _MOST:
        return None
    if by_normal > 1000:  # noqa: PLR2004  the two differ by 2 scenarios there
        return ceil(by_normal) + 2
    enough = 2.0
    while lacking(enough) < 0.0:
        enough *= 2.0
    root: float = optimize.brentq(lacking, enough / 2.0, enough) if enough > 2.0 else enough  # noqa: PLR2004  the fewest
    return ceil(root)
