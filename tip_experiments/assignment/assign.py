"""The decision which variation a unit sees, with its reason. The order of the questions is GrowthBook's."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from tip_experiments.assignment.buckets import choose_variation, in_namespace, places_in
from tip_experiments.assignment.experiment import Experiment
from tip_experiments.assignment.hashing import PLACES, place
from tip_experiments.assignment.sticky import StickyDocument, given_before, remembered


class Reason(StrEnum):
    """Why a unit sees what it sees."""

    RANDOMISED = "randomised"
    STICKY = "sticky"
    FORCED_BY_CALLER = "forced by caller"
    FORCED_BY_EXPERIMENT = "forced by experiment"
    ONE_VARIATION = "one variation"
    DISABLED = "disabled"
    INACTIVE = "inactive"
    NO_UNIT = "no unit"
    HELD_OUT = "held out"
    FILTERED_OUT = "filtered out"
    OTHER_NAMESPACE = "other namespace"
    NOT_ELIGIBLE = "not eligible"
    VERSION_WITHDRAWN = "version withdrawn"
    NOT_COVERED = "not covered"
    NO_SUCH_VARIATION = "no such variation"
    QA = "quality assurance"


class Assignment(NamedTuple):
    """Which variation a unit sees, and whether that counts as taking part in the experiment."""

    experiment: str
    variation: int
    """Index of the variation; 0, the control, for a unit that does not take part."""
    name: str
    is_in_experiment: bool
    reason: Reason
    attribute: str
    """What the unit was told apart by: the hash attribute or its fallback."""
    unit: str
    """Empty where the attributes name none."""
    place: float | None = None
    """The unit's place on the line from 0 to 1; None where it was not asked for."""
    propensity: float | None = None
    """Probability of this variation among units that take part, over all places of the line, in (0, 1].

    None unless chance chose the variation in this very call: a forced one had none, and a sticky one had that of the
    weights at the time it was given.
    """
    to_store: StickyDocument | None = None
    """What a sticky store should hold from now on; None where it does already."""

    @property
    def is_randomised(self) -> bool:
        """Whether chance chose the variation, now or when it was first given: only such units may be compared."""
        return self.reason in {Reason.RANDOMISED, Reason.STICKY}


class _Decision(NamedTuple):
    reason: Reason
    variation: int = 0
    place: float | None = None


_TAKING_PART = {Reason.RANDOMISED, Reason.STICKY, Reason.FORCED_BY_CALLER, Reason.FORCED_BY_EXPERIMENT}


def assign(
    experiment: Experiment,
    attributes: Mapping[str, object],
    *,
    forced: Mapping[str, int] | None = None,
    sticky: Mapping[str, StickyDocument] | None = None,
    is_eligible: bool = True,
    is_enabled: bool = True,
    is_qa: bool = False,
) -> Assignment:
    """The variation of `experiment` that the unit described by `attributes` sees: the same one on every call.

    Args:
        experiment: what is assigned.
        attributes: what is known of the unit; only the experiment's hash, fallback and filter attributes are read,
            which hold a string, a whole number or None.
        forced: variation by experiment key, for people who look at one on purpose; wins over everything but
            `is_enabled`.
        sticky: documents stored before, by their key; None where assignments are not kept. The caller stores the
            result's `to_store`.
        is_eligible: whether the caller's targeting admits the unit. Not asked of units that were admitted before.
        is_enabled: the kill switch for all experiments.
        is_qa: only forced variations count.

    Raises:
        TypeError: an attribute that tells units apart holds something else than a string, a whole number or None.

    Source:
        GrowthBook specification 0.8, `run`. Hold-outs are ours: they hold from the day on which they are named, for
        units with a sticky variation too.
    """
    store = sticky if experiment.is_sticky else None
    units = _units(experiment, attributes, with_fallback=store is not None)
    decision = (
        _overridden(experiment, forced or {}, is_enabled=is_enabled)
        or _withheld(experiment, units)
        or _given(experiment, attributes, units, store or {}, is_eligible=is_eligible, is_qa=is_qa)
    )
    unit = units[0] if units else (experiment.hash_attribute, "")
    result = Assignment(
        experiment.key,
        decision.variation,
        experiment.variations[decision.variation],
        decision.reason in _TAKING_PART,
        decision.reason,
        *unit,
        decision.place,
    )
    if decision.reason is Reason.RANDOMISED:
        result = result._replace(propensity=_propensity(experiment, decision.variation))
    if store is not None and result.is_randomised:
        result = result._replace(to_store=remembered(experiment, unit, decision.variation, store))
    return result


def _overridden(experiment: Experiment, forced: Mapping[str, int], *, is_enabled: bool) -> _Decision | None:
    """What is decided whoever the unit is."""
    if len(experiment.variations) < 2:  # noqa: PLR2004 - a comparison takes two
        return _Decision(Reason.ONE_VARIATION)
    if not is_enabled:
        return _Decision(Reason.DISABLED)
    if experiment.key in forced:
        return _forced(experiment, forced[experiment.key], Reason.FORCED_BY_CALLER)
    return None if experiment.is_active else _Decision(Reason.INACTIVE)


def _withheld(experiment: Experiment, units: Sequence[tuple[str, str]]) -> _Decision | None:
    """What keeps a unit out even if it was given a variation before."""
    if not units:
        return _Decision(Reason.NO_UNIT)
    unit = units[0][1]
    is_held_out = any(place(f"__holdout__{name}", unit, 2) < share for name, share in experiment.holdouts)
    return _Decision(Reason.HELD_OUT) if is_held_out else None


def _given(
    experiment: Experiment,
    attributes: Mapping[str, object],
    units: Sequence[tuple[str, str]],
    store: Mapping[str, StickyDocument],
    *,
    is_eligible: bool,
    is_qa: bool,
) -> _Decision:
    """The variation that the unit was given before or that its place on the line gives it now."""
    unit = units[0][1]
    before = given_before(experiment, units, store)
    if before.is_blocked:
        return _Decision(Reason.VERSION_WITHDRAWN)
    if before.variation is None and (refusal := _refusal(experiment, attributes, unit, is_eligible=is_eligible)):
        return _Decision(refusal)
    at = place(experiment.key if experiment.seed is None else experiment.seed, unit, experiment.hash_version)
    chosen = choose_variation(at, experiment.bucket_ranges) if before.variation is None else before.variation
    if chosen < 0:
        return _Decision(Reason.NOT_COVERED, place=at)
    if experiment.force is not None:
        return _forced(experiment, experiment.force, Reason.FORCED_BY_EXPERIMENT)
    if is_qa:
        return _Decision(Reason.QA, place=at)
    return _Decision(Reason.RANDOMISED if before.variation is None else Reason.STICKY, chosen, at)


def _forced(experiment: Experiment, variation: int, by: Reason) -> _Decision:
    is_there = 0 <= variation < len(experiment.variations)
    return _Decision(by, variation) if is_there else _Decision(Reason.NO_SUCH_VARIATION)


def _refusal(
    experiment: Experiment, attributes: Mapping[str, object], unit: str, *, is_eligible: bool
) -> Reason | None:
    """Why a unit that was given nothing before is not admitted."""
    for seed, ranges, attribute, version in experiment.filters:
        value = _identity(attributes, attribute)
        if not value or choose_variation(place(seed, value, version), ranges) < 0:
            return Reason.FILTERED_OUT
    if experiment.namespace is not None and not experiment.filters and not in_namespace(unit, *experiment.namespace):
        return Reason.OTHER_NAMESPACE
    return None if is_eligible else Reason.NOT_ELIGIBLE


def _propensity(experiment: Experiment, variation: int) -> float:
    counts = places_in(experiment.bucket_ranges, PLACES[experiment.hash_version])
    return counts[variation] / sum(counts)


def _units(experiment: Experiment, attributes: Mapping[str, object], *, with_fallback: bool) -> list[tuple[str, str]]:
    """What the unit is known under (attribute, value): the hash attribute first."""
    names = [experiment.hash_attribute]
    if with_fallback and experiment.fallback_attribute:
        names.append(experiment.fallback_attribute)
    return [(name, value) for name in names if (value := _identity(attributes, name))]


def _identity(attributes: Mapping[str, object], name: str) -> str:
    """The attribute as the string that is hashed; empty where there is none."""
    value = attributes.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(
        f"Attribute {name!r} tells units apart and holds {value!r} ({type(value).__name__}); expected a string, a "
        "whole number or None: other values are written differently elsewhere, and the unit would fall elsewhere too"
    )
