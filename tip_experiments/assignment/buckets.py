"""Parts of the line from 0 to 1: cut by weights and coverage, and found again from a unit's place.

These functions take odd input as GrowthBook's specification does, silently; `experiment.Experiment` refuses it first.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tip_experiments.assignment.hashing import place

WEIGHTS_MAY_MISS = 0.01
"""How far the sum of weights may lie from 1."""


class BucketRange(NamedTuple):
    """A part of the line: from `low` (included) to `high` (excluded)."""

    low: float
    high: float


def equal_weights(n: int) -> list[float]:
    """`n` equal weights; none when `n` is below 1."""
    return [1 / n] * n if n > 0 else []


def bucket_ranges(n: int, coverage: float, weights: Sequence[float] | None) -> list[BucketRange]:
    """The part of the line of each of `n` variations: as long as its weight, of which the first `coverage` is used.

    Lowering the coverage moves nobody from one variation to another.

    Args:
        n: how many variations.
        coverage: share of all units that take part; outside [0, 1] the nearer end counts.
        weights: (n,), sum within 0.01 of 1; equal weights stand in for weights that are none, too many, too few or
            of another sum.

    Source: GrowthBook specification 0.8, `getBucketRange`.
    """
    covered = min(max(coverage, 0.0), 1.0)
    if weights is None or len(weights) != n or abs(sum(weights) - 1) > WEIGHTS_MAY_MISS:
        weights = equal_weights(n)
    ranges, start = [], 0.0
    for weight in weights:
        ranges.append(BucketRange(start, start + covered * weight))
        start += weight
    return ranges


def choose_variation(at: float, ranges: Sequence[tuple[float, float]]) -> int:
    """The index of the first range that holds the place `at`; -1 where none does."""
    return next((index for index, (low, high) in enumerate(ranges) if low <= at < high), -1)


def in_namespace(unit: str, name: str, low: float, high: float) -> bool:
    """Whether `unit` stands in the part [low, high) of the namespace `name`, under hash version 1.

    Experiments that hold parts of one namespace that do not overlap never share a unit.
    """
    return low <= place(f"__{name}", unit, 1) < high


def places_in(ranges: Sequence[tuple[float, float]], n_places: int) -> list[int]:
    """How many of the places 0, 1/n, ..., (n-1)/n each range holds: what propensities are made of, exactly."""
    return [_places_below(high, n_places) - _places_below(low, n_places) for low, high in ranges]


def _places_below(edge: float, n_places: int) -> int:
    """How many places are less than `edge`, compared as `choose_variation` compares them."""
    count = min(max(round(edge * n_places), 0), n_places)
    while count > 0 and (count - 1) / n_places >= edge:
        count -= 1
    while count < n_places and count / n_places < edge:
        count += 1
    return count
