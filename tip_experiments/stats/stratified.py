"""Two arms compared within strata, where a unit may be in both: prompts that rotate, rollouts whose shares grow.

Days differ, and an arm that was shown more on better days is no better for it; so arms are compared day by day. What
`difference` does for arms of other units, this does for units that saw either or both.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.stats.difference import Effect
from tip_experiments.stats.estimates import jackknifed, student
from tip_experiments.stats.inputs import faulty_rows, level_faults, require_no_faults, require_vectors

Floats = NDArray[np.float64]
Codes = NDArray[np.integer]

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class StratifiedEffect:
    """Treatment minus control, each taken over the same mix of strata."""

    effect: Effect
    """Its `n` counts units; interval and p-value are Student's, for a sample whose size was fixed beforehand."""
    control: float
    """Mean of the control over the mix."""
    treatment: float
    """Mean of the treatment over the same mix; less `control` it is the effect's value."""
    n_strata: int
    """Strata that hold both arms; the others tell nothing of a difference."""
    n_control: int
    """Units that saw the control in these strata."""
    n_treatment: int
    n_both: int
    """Units that saw both arms."""


def stratified_difference(
    units: Codes, strata: Codes, is_treatment: NDArray[np.bool_], sums: Floats, counts: Codes, level: float = 0.95
) -> StratifiedEffect | None:
    """The mean of the treatment less that of the control, stratum by stratum; None where no stratum holds both.

    A stratum weighs `c t / (c + t)` with `c` and `t` observations in its arms: as much as it tells of a difference, so
    thousands of thin strata do no harm. Units are left out one at a time, with all that they did in every stratum, so
    that it is they who count, however often each was seen.

    Args:
        units: (n,) codes of any range; a unit may have many rows.
        strata: (n,) codes of any range.
        is_treatment: (n,) bool.
        sums: (n,) float64, finite: of the values observed.
        counts: (n,) integers from 0: how many values.
        level: coverage of the interval, in (0, 1).

    Raises:
        ValueError: shapes differ, a sum is not finite, a count is negative or is 0 beside another sum than 0, or the
            level is none; all faults, the first ten rows of each.

    Source:
        Mantel & Haenszel (1959) and Greenland & Robins (1985), Biometrics 41, 55-68, for the weights; theirs are for
        units that are seen once, here the error is Tukey's jackknife over units.
    """
    require_vectors(units=units, strata=strata, is_treatment=is_treatment, sums=sums, counts=counts)
    faults = faulty_rows("have a sum that is not finite", ~np.isfinite(sums), sums)
    faults += faulty_rows("have a negative count", counts < 0, counts)
    faults += faulty_rows("have a sum other than 0 of no values", (counts == 0) & (sums != 0.0), sums)
    require_no_faults("A difference within strata cannot be told", faults + level_faults(level))
    table = _Table.of(units, strata, is_treatment, sums, counts)
    if table is None:
        return None
    weight, control, treatment = table.whole()
    value = (treatment - control) / weight
    replicates = table.without_each_unit()
    n_units = replicates.size
    is_told = n_units >= _FEWEST and bool(np.isfinite(replicates).all())
    error = math.sqrt(float(jackknifed(replicates[:, np.newaxis])[0, 0])) if is_told else 0.0
    told = student(value, error, n_units - 1, level)
    p_value = None if told.low is None else float(2 * stats.t.sf(abs(value) / error, n_units - 1))
    return StratifiedEffect(
        effect=Effect(value, error, told.low, told.high, p_value, n_units),
        control=control / weight,
        treatment=treatment / weight,
        n_strata=table.n_strata,
        **table.seen(),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """One row per unit and stratum that holds both arms.

    Columns of `rows` and `totals` are c, C, t, T: numbers and sums of the control and of the treatment.
    """

    units: NDArray[np.int64]
    """(m,) codes from 0."""
    strata: NDArray[np.int64]
    """(m,) codes from 0."""
    rows: Floats
    """(m, 4) float64."""
    totals: Floats
    """(S, 4) float64, of each stratum."""

    @classmethod
    def of(
        cls, units: Codes, strata: Codes, is_treatment: NDArray[np.bool_], sums: Floats, counts: Codes
    ) -> "_Table | None":
        """The table of these rows; None where it would have none."""
        of_control, of_treatment = np.where(is_treatment, 0, counts), np.where(is_treatment, counts, 0)
        _, place = np.unique(strata, return_inverse=True)
        is_shared = (np.bincount(place, of_control) > 0) & (np.bincount(place, of_treatment) > 0)
        kept = is_shared[place] & (counts > 0)
        if not kept.any():
            return None
        _, unit = np.unique(units[kept], return_inverse=True)
        _, stratum = np.unique(strata[kept], return_inverse=True)
        key = unit.astype(np.int64) * (int(stratum.max()) + 1) + stratum
        names, entry = np.unique(key, return_inverse=True)
        value = sums[kept]
        columns = (
            of_control[kept], np.where(is_treatment[kept], 0.0, value),
            of_treatment[kept], np.where(is_treatment[kept], value, 0.0),
        )  # fmt: skip
        rows = np.column_stack([np.bincount(entry, column, names.size) for column in columns]).astype(np.float64)
        at = names % (int(stratum.max()) + 1)
        totals = np.column_stack([np.bincount(at, column) for column in rows.T]).astype(np.float64)
        return cls(names // (int(stratum.max()) + 1), at, rows, totals)

    @property
    def n_strata(self) -> int:
        return int(self.totals.shape[0])

    def seen(self) -> dict[str, int]:
        """How many units saw the control, the treatment and both."""
        control, treatment = (np.bincount(self.units, self.rows[:, column]) > 0 for column in (0, 2))
        both = control & treatment
        return {"n_control": int(control.sum()), "n_treatment": int(treatment.sum()), "n_both": int(both.sum())}

    def whole(self) -> tuple[float, float, float]:
        """The sum of the weights, and the weighted sums of the means of control and treatment."""
        weight, control, treatment = _weighed(self.totals)
        return float(weight.sum()), float(control.sum()), float(treatment.sum())

    def without_each_unit(self) -> Floats:
        """(G,) float64, the difference without each unit in turn; NaN where nothing is left to compare."""
        weight, control, treatment = self.whole()
        before, after = _weighed(self.totals[self.strata]), _weighed(self.totals[self.strata] - self.rows)
        lost = [np.bincount(self.units, one - other) for one, other in zip(before, after, strict=True)]
        left = weight - lost[0]
        is_left = left > 1e-12 * weight  # what sums of floats leave of nothing
        apart = (treatment - lost[2]) - (control - lost[1])
        return np.asarray(np.divide(apart, left, out=np.full(left.size, np.nan), where=is_left))


def _weighed(totals: Floats) -> tuple[Floats, Floats, Floats]:
    """The weight of each stratum, and weight times mean of control and treatment; 0 where an arm is empty."""
    n_control, control, n_treatment, treatment = totals.T
    n = n_control + n_treatment
    is_full = (n_control > 0) & (n_treatment > 0)
    safe = np.where(is_full, n, 1.0)
    return (
        np.where(is_full, n_control * n_treatment / safe, 0.0),
        np.where(is_full, n_treatment * control / safe, 0.0),
        np.where(is_full, n_control * treatment / safe, 0.0),
    )
