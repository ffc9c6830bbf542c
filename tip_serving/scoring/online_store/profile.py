"""A person's profile at one moment, and its form in a store: by feature, the moment and the value as JSON.

Moments are written in UTC and one width, so that stores compare them as text.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tip_serving.features.profile import PROFILE_FEATURES, resolve
from tip_serving.scoring.online_store.port import StoreDataError

MOMENT_WIDTH = len("2026-03-02T00:00:00.000000+00:00")
KEPT_S = max(feature.ttl_s for feature in PROFILE_FEATURES)
"""What was computed longer ago is stale whatever it is, and no store needs to keep it."""

_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NAMES = frozenset(feature.name for feature in PROFILE_FEATURES)


class Profile(NamedTuple):
    """Features of a person, all computed at one moment; a feature that is null is known to be unknown."""

    user: str
    computed_at: dt.datetime
    features: Mapping[str, Any]


class Entry(NamedTuple):
    """One feature in a store."""

    name: str
    computed_at: str
    value: str


def as_text(moment: dt.datetime) -> str:
    """An aware moment as stores hold it, of MOMENT_WIDTH characters."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def entries(profile: Profile) -> list[Entry]:
    """The profile as a store holds it.

    Raises:
        ProfileError: a feature is not as the contract declares; all of them at once.
        ValueError: the moment has no offset.
    """
    if profile.computed_at.utcoffset() is None:
        raise ValueError(f"The profile of {profile.user!r} was computed at {profile.computed_at}, which has no offset.")
    resolve(profile.features, None, profile.computed_at)
    moment = as_text(profile.computed_at)
    return [Entry(name, moment, _encoded(value)) for name, value in profile.features.items()]


def shipped(found: list[Entry]) -> dict[str, Any] | None:
    """Entries of one user in the form in which a request ships them; None where there are none.

    What this build does not declare is left out: the store may have been written under a contract before or after it.

    Raises:
        StoreDataError: a value is no JSON.
    """
    try:
        features = {
            entry.name: {"value": json.loads(entry.value), "computed_at": entry.computed_at}
            for entry in found
            if entry.name in _NAMES
        }
    except ValueError as error:
        raise StoreDataError(f"A stored value is no JSON: {error}") from error
    return features or None
