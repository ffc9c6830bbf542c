"""Arms compared within strata: by hand, against leaving units out one by one, and whether intervals cover."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from tip_experiments.stats.difference import difference
from tip_experiments.stats.moments import Moments
from tip_experiments.stats.sequential import ConfidenceSequence
from tip_experiments.stats.stratified import StratifiedEffect, stratified_difference

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class Rows(NamedTuple):
    units: Codes
    strata: Codes
    is_treatment: NDArray[np.bool_]
    sums: Floats
    counts: Codes


def _rows(*rows: tuple[int, int, int, float, int]) -> Rows:
    units, strata, arms, sums, counts = zip(*rows, strict=True)
    return Rows(
        np.array(units), np.array(strata), np.array(arms, bool), np.array(sums, np.float64), np.array(counts, np.int64)
    )


def _told(rows: Rows) -> StratifiedEffect:
    found = stratified_difference(*rows)
    assert found is not None
    return found


def _world(
    rng: np.random.Generator, n_units: int, n_days: int, effect: float, *, share: float = 0.5, between: float = 0.1
) -> Rows:
    """Units that come on random days, see either arm each time, and like things more on later days."""
    n = n_units * 6
    units, days = rng.integers(n_units, size=n), rng.integers(n_days, size=n)
    # The treatment is shown more on later, better days: naively it would look better than it is.
    is_treatment = rng.random(n) < share * (0.4 + 1.2 * days / n_days)
    taste = rng.normal(0.0, between, n_units)
    rate = np.clip(0.25 + 0.3 * days / n_days + taste[units] + effect * is_treatment, 0.01, 0.99)
    return Rows(units, days, is_treatment, (rng.random(n) < rate).astype(float), np.ones(n, np.int64))


def test_a_stratum_weighs_as_much_as_it_tells_of_a_difference() -> None:
    rows = _rows(
        (1, 0, 0, 2.0, 4), (2, 0, 1, 3.0, 4),  # 0.75 - 0.50, weight 4 * 4 / 8 = 2
        (3, 1, 0, 1.0, 1), (4, 1, 1, 0.0, 3),  # 0.00 - 1.00, weight 1 * 3 / 4 = 0.75
        (5, 2, 1, 9.0, 9),  # one arm alone tells nothing
    )  # fmt: skip
    found = _told(rows)
    assert found.effect.value == pytest.approx((2 * 0.25 - 0.75) / 2.75)
    assert found.control == pytest.approx((2 * 0.5 + 0.75 * 1.0) / 2.75)
    assert found.treatment - found.control == pytest.approx(found.effect.value)
    assert (found.n_strata, found.effect.n) == (2, 4)
    assert (found.n_control, found.n_treatment, found.n_both) == (2, 2, 0)


def test_the_error_is_that_of_leaving_out_one_unit_at_a_time() -> None:
    rows = _world(np.random.default_rng(1), 30, 8, 0.1)
    found = _told(rows)
    without = []
    for unit in range(30):
        kept = rows.units != unit
        without.append(_told(Rows(*(column[kept] for column in rows))).effect.value)
    n = len(without)
    expected = np.sqrt((n - 1) / n * np.sum((np.array(without) - np.mean(without)) ** 2))
    assert found.effect.standard_error == pytest.approx(float(expected), rel=1e-9)
    assert found.effect.n == 30
    assert found.n_both == found.n_control + found.n_treatment - 30 > 20


def test_with_one_stratum_and_units_in_one_arm_it_is_the_plain_difference() -> None:
    rng = np.random.default_rng(2)
    values, arms = rng.normal(size=400), np.repeat([False, True], 200)
    found = _told(Rows(np.arange(400), np.zeros(400, np.int64), arms, values, np.ones(400, np.int64)))
    plain = difference(Moments.of(values[:200]).estimate(), Moments.of(values[200:]).estimate())
    assert found.effect.value == pytest.approx(plain.value)
    assert found.effect.standard_error == pytest.approx(plain.standard_error, rel=2e-3)


def test_neither_order_nor_splitting_a_row_nor_names_of_units_change_anything() -> None:
    rng = np.random.default_rng(3)
    rows = _world(rng, 40, 5, 0.0)
    order = rng.permutation(rows.units.size)
    shuffled = Rows(*(column[order] for column in rows))._replace(units=rows.units[order] * 7 + 1_000)
    halves = Rows(*(np.concatenate([column, column]) for column in rows))
    doubled = halves._replace(sums=halves.sums / 2)
    assert _told(shuffled).effect == pytest.approx(_told(rows).effect)
    once = _told(rows._replace(counts=rows.counts * 2))
    assert _told(doubled).effect == pytest.approx(once.effect)


def test_swapping_the_arms_turns_the_sign_and_nothing_else() -> None:
    rows = _world(np.random.default_rng(4), 50, 6, 0.2)
    here, there = _told(rows).effect, _told(rows._replace(is_treatment=~rows.is_treatment)).effect
    assert there.value == pytest.approx(-here.value)
    assert there[1] == pytest.approx(here[1])
    assert (there.low, there.high) == pytest.approx((-here.high, -here.low))  # type: ignore[operator]


def test_without_a_stratum_that_holds_both_arms_nothing_is_told() -> None:
    assert stratified_difference(*_rows((1, 0, 0, 1.0, 2), (2, 1, 1, 1.0, 2))) is None
    assert stratified_difference(*_rows((1, 0, 0, 1.0, 2), (2, 0, 1, 0.0, 0))) is None
    nobody = np.zeros(0, np.int64)
    assert stratified_difference(nobody, nobody, nobody.astype(bool), nobody.astype(float), nobody) is None


def test_where_one_unit_carries_the_comparison_there_is_no_interval() -> None:
    found = _told(_rows((1, 0, 0, 1.0, 3), (2, 0, 1, 1.0, 2), (3, 0, 1, 0.0, 2)))
    assert found.effect.value == pytest.approx(0.25 - 1 / 3)
    assert found.effect[2:5] == (None, None, None)


def test_every_fault_is_told_at_once() -> None:
    rows = _rows((1, 0, 0, np.inf, 2), (2, 0, 1, 1.0, -1), (3, 0, 1, 1.0, 0))
    with pytest.raises(ValueError, match=r"not finite.*negative count.*of no values.*level must lie"):
        stratified_difference(*rows, level=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("n_days", "share"), [(5, 0.5), (60, 0.5), (60, 0.05)])
def test_intervals_cover_also_with_thin_strata_and_days_that_differ(n_days: int, share: float) -> None:
    rng = np.random.default_rng(5)
    hits, naive, runs = 0, [], 400
    for _ in range(runs):
        rows = _world(rng, 80, n_days, 0.1, share=share)
        effect = _told(rows).effect
        assert effect.low is not None
        assert effect.high is not None
        hits += effect.low <= 0.1 <= effect.high
        treated = rows.is_treatment
        naive.append(rows.sums[treated].mean() - rows.sums[~treated].mean())
    assert 0.925 <= hits / runs <= 0.98
    assert np.mean(naive) > 0.12, "days that differ do mislead whoever does not look at them one by one"


@pytest.mark.slow
@pytest.mark.parametrize(("n_units", "share"), [(300, 0.5), (60, 0.1)])
def test_watching_people_who_stay_finds_what_is_not_there_in_5_percent_at_most(n_units: int, share: float) -> None:
    rng = np.random.default_rng(6)
    sequence = ConfidenceSequence(planned_n=1_000, burn_in=0)
    runs, alarms = 200, 0
    for _ in range(runs):
        rows = _world(rng, n_units, 40, 0.0, share=share, between=0.15)
        for day in range(2, 41, 2):
            seen = rows.strata < day
            found = stratified_difference(*(column[seen] for column in rows))
            if found is None or min(found.n_control, found.n_treatment) < 40:
                continue
            told = sequence.watch(found.effect)
            if told.p_value is not None and told.p_value < 0.05:
                alarms += 1
                break
    assert alarms / runs <= 0.05
