"""What a unit was given before, as documents that the caller keeps: one per unit, the shape that GrowthBook stores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeGuard

from tip_experiments.assignment.experiment import Experiment


@dataclass(frozen=True, slots=True)
class StickyDocument:
    """What one unit was given: the variation's name by `<experiment>__<bucket version>`."""

    attribute: str
    value: str
    assignments: Mapping[str, str]

    @property
    def key(self) -> str:
        """What a store files the document under."""
        return document_key(self.attribute, self.value)

    def to_json(self) -> dict[str, object]:
        """The document as GrowthBook's libraries store it."""
        return {"attributeName": self.attribute, "attributeValue": self.value, "assignments": dict(self.assignments)}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """The document that a GrowthBook library stored.

        Raises:
            ValueError: a field is missing or of another type.
        """
        attribute, value, given = (stored.get(field) for field in ("attributeName", "attributeValue", "assignments"))
        if isinstance(attribute, str) and isinstance(value, str) and _names_by_key(given):
            return cls(attribute, value, dict(given))
        raise ValueError(
            f"No sticky document: attributeName {attribute!r}, attributeValue {value!r}, assignments {given!r}; "
            "expected two strings and an object of strings"
        )


class Found(NamedTuple):
    """What was stored for a unit in one experiment."""

    variation: int | None
    is_blocked: bool
    """Whether the unit was given a variation under a version that has been withdrawn."""


def _names_by_key(given: object) -> TypeGuard[Mapping[str, str]]:
    return isinstance(given, Mapping) and all(isinstance(text, str) for pair in given.items() for text in pair)


def document_key(attribute: str, value: str) -> str:
    """What a store files the document of this unit under."""
    return f"{attribute}||{value}"


def given_before(
    experiment: Experiment, units: Iterable[tuple[str, str]], store: Mapping[str, StickyDocument]
) -> Found:
    """What `store` holds of this experiment for a person known under `units` (attribute, value).

    Where the documents of two units disagree the first unit's counts.
    """
    given: dict[str, str] = {}
    for attribute, value in units:
        document = store.get(document_key(attribute, value))
        if document is not None:
            given = {**document.assignments, **given}
    if any(f"{experiment.key}__{version}" in given for version in range(experiment.min_bucket_version)):
        return Found(None, is_blocked=True)
    name = given.get(f"{experiment.key}__{experiment.bucket_version}")
    variation = experiment.variations.index(name) if name in experiment.variations else None
    return Found(variation, is_blocked=False)


def remembered(
    experiment: Experiment, unit: tuple[str, str], variation: int, store: Mapping[str, StickyDocument]
) -> StickyDocument | None:
    """The document to be stored now that `unit` was given `variation`; None where the store says so already."""
    key = f"{experiment.key}__{experiment.bucket_version}"
    stored = store.get(document_key(*unit))
    before = {} if stored is None else stored.assignments
    name = experiment.variations[variation]
    return None if before.get(key) == name else StickyDocument(*unit, {**before, key: name})
