"""What an experiment is: its variations, who may take part, and everything that is refused at its definition."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tip_experiments.assignment.buckets import WEIGHTS_MAY_MISS, BucketRange, bucket_ranges
from tip_experiments.assignment.hashing import PLACES, HashVersion


class ExperimentError(ValueError):
    """An experiment is defined in a way that cannot be meant; the message lists every fault."""


class Namespace(NamedTuple):
    """A part of a namespace: experiments that hold parts that do not overlap never share a unit."""

    name: str
    low: float
    high: float


class Holdout(NamedTuple):
    """Units that stay out of every experiment that names this hold-out: the same units each time."""

    name: str
    share: float
    """Of all units, in [0, 1]."""


class Filter(NamedTuple):
    """Only units whose place under `seed` lies in one of `ranges` take part.

    Where an experiment has filters its namespace is not asked: they are GrowthBook's newer form of the same thing.
    """

    seed: str
    ranges: tuple[BucketRange, ...]
    attribute: str = "id"
    hash_version: HashVersion = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment that assigns units to variations.

    Raises:
        ExperimentError: names are empty or repeated, weights do not fit the variations or do not sum to 1 within
            0.01, a share lies outside [0, 1], ranges overlap, a version is unknown or negative; all faults at once.
    """

    key: str
    variations: tuple[str, ...]
    """Names, the control first. Sticky documents store the name, so a variation keeps its units when others come."""
    weights: tuple[float, ...] | None = None
    """One for each variation; equal when None."""
    coverage: float = 1.0
    """Share of all units that take part, in [0, 1]."""
    ranges: tuple[BucketRange, ...] | None = None
    """Parts of the line, in place of weights and coverage."""
    namespace: Namespace | None = None
    filters: tuple[Filter, ...] = ()
    holdouts: tuple[Holdout, ...] = ()
    seed: str | None = None
    """What is hashed with the unit; the key when None. A new seed deals the units anew."""
    hash_version: HashVersion = 2
    hash_attribute: str = "id"
    fallback_attribute: str | None = None
    """Stands in for a missing `hash_attribute`, where assignments are sticky."""
    is_sticky: bool = True
    bucket_version: int = 0
    """Raise it to forget what units were given before."""
    min_bucket_version: int = 0
    """Units that were given a variation under a version below this one leave the experiment."""
    force: int | None = None
    """The variation of everybody who passes all filters and the coverage; nobody takes part if there is none such."""
    is_active: bool = True
    """The kill switch of this experiment: off, everybody sees the control."""

    def __post_init__(self) -> None:
        faults = [*self._faults_of_names(), *self._faults_of_shares(), *self._faults_of_versions()]
        if faults:
            raise ExperimentError(f"Experiment {self.key!r} cannot be defined: " + "; ".join(faults))

    @property
    def bucket_ranges(self) -> list[BucketRange]:
        """The part of the line that each variation holds."""
        if self.ranges is not None:
            return list(self.ranges)
        return bucket_ranges(len(self.variations), self.coverage, self.weights)

    def _faults_of_names(self) -> Iterator[str]:
        if not self.key:
            yield "the key is empty"
        if not self.variations:
            yield "there is no variation"
        if not all(self.variations):
            yield "a variation has no name"
        if len(set(self.variations)) < len(self.variations):
            yield f"variations repeat in {', '.join(self.variations)}"
        if not self.hash_attribute:
            yield "the hash attribute is empty"

    def _faults_of_shares(self) -> Iterator[str]:
        if not 0 <= self.coverage <= 1:
            yield f"coverage is {self.coverage}, expected 0 to 1"
        if self.weights is not None:
            yield from _faults_of_weights(self.weights, len(self.variations))
        if self.ranges is not None:
            if len(self.ranges) != len(self.variations):
                yield f"{len(self.ranges)} ranges for {len(self.variations)} variations"
            yield from _faults_of_ranges("ranges", self.ranges)
        if self.namespace is not None:
            yield from _faults_of_ranges(f"namespace {self.namespace[0]!r}", [self.namespace[1:]])
        for chosen in self.filters:
            yield from _faults_of_ranges(f"filter {chosen.seed!r}", chosen.ranges)
        for name, share in self.holdouts:
            if not 0 <= share <= 1:
                yield f"hold-out {name!r} takes {share} of all units, expected 0 to 1"

    def _faults_of_versions(self) -> Iterator[str]:
        for hash_version in (self.hash_version, *(chosen.hash_version for chosen in self.filters)):
            if hash_version not in PLACES:
                yield f"hash version {hash_version} is unknown, expected one of {', '.join(map(str, PLACES))}"
        if not 0 <= self.min_bucket_version <= self.bucket_version:
            yield (
                f"bucket versions from {self.min_bucket_version} to {self.bucket_version} are asked for, "
                "expected 0 <= min_bucket_version <= bucket_version"
            )


def _faults_of_weights(weights: Sequence[float], n: int) -> Iterator[str]:
    if len(weights) != n:
        yield f"{len(weights)} weights for {n} variations"
    if not all(0 <= weight <= 1 for weight in weights):
        yield f"weights {list(weights)} are not all within 0 to 1"
    elif abs(math.fsum(weights) - 1) > WEIGHTS_MAY_MISS:
        yield f"weights sum to {math.fsum(weights):g}, expected 1"


def _faults_of_ranges(what: str, ranges: Sequence[tuple[float, ...]]) -> Iterator[str]:
    backwards = [(low, high) for low, high in ranges if not 0 <= low <= high <= 1]
    if backwards:
        yield f"{what}: {backwards} are not parts of the line from 0 to 1"
        return
    ordered = sorted(part for part in ranges if part[0] < part[1])
    for one, other in pairwise(ordered):
        if other[0] < one[1]:
            yield f"{what}: {tuple(one)} and {tuple(other)} overlap"
