"""Profile features: computed in batches by the caller and shipped on each call; here is what they must be.

A feature that is missing or null falls back to its declared value. Names that nobody declared and values of another
type are refused, all at once.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

DAY_S = 86_400
HOUR_S = 3_600


class DType(StrEnum):
    """The type of a feature's value as the caller ships it in JSON."""

    FLOAT = "float"
    INT = "int"
    STRING = "string"
    STRINGS = "strings"


class ProfileFeature(NamedTuple):
    """One declared feature. `low` and `high` bound numbers, both ends included."""

    name: str
    dtype: DType
    ttl_s: int
    source: str
    fallback: Any
    meaning: str
    low: float | None = None
    high: float | None = None


PROFILE_FEATURES = (
    ProfileFeature("completion_rate", DType.FLOAT, DAY_S, "task events, 30 days", 0.5, "tasks done / tasks due", 0, 1),
    ProfileFeature(
        "preferred_hour", DType.INT, 7 * DAY_S, "task events, 90 days", 9, "hour with most tasks done", 0, 23
    ),
    ProfileFeature("tips_7d", DType.INT, HOUR_S, "exposures", 0, "tips shown in 7 days", 0, 10_000),
    ProfileFeature("tips_30d", DType.INT, HOUR_S, "exposures", 0, "tips shown in 30 days", 0, 50_000),
    ProfileFeature("acceptance_rate", DType.FLOAT, DAY_S, "feedback, 30 days", 0.3, "tips accepted / shown", 0, 1),
    ProfileFeature("dismissal_rate", DType.FLOAT, DAY_S, "feedback, 30 days", 0.3, "tips dismissed / shown", 0, 1),
    ProfileFeature("streak_days", DType.INT, DAY_S, "task events", 0, "days in a row with a task done", 0, 100_000),
    ProfileFeature("account_age_days", DType.INT, DAY_S, "accounts", 0, "days since sign-up", 0, 100_000),
    ProfileFeature("session_minutes", DType.FLOAT, DAY_S, "app events, 30 days", 5.0, "median session", 0, 1_440),
    ProfileFeature("overdue_share", DType.FLOAT, HOUR_S, "tasks", 0.0, "overdue tasks / open tasks", 0, 1),
    ProfileFeature("language", DType.STRING, 30 * DAY_S, "account settings", "en", "BCP 47 tag"),
    ProfileFeature("time_zone", DType.STRING, 30 * DAY_S, "account settings", "UTC", "IANA name"),
    ProfileFeature("quiet_hours", DType.STRING, 30 * DAY_S, "account settings", "22-7", "from-to, local hours"),
    ProfileFeature("favourite_labels", DType.STRINGS, DAY_S, "task events, 90 days", (), "most used labels first"),
)

_BY_NAME: Mapping[str, ProfileFeature] = {feature.name: feature for feature in PROFILE_FEATURES}


class ProfileError(ValueError):
    """Profile features that are not as declared; lists every fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class Resolved(NamedTuple):
    """Every declared feature with a value, and the names of those that fell back."""

    values: dict[str, Any]
    fell_back: tuple[str, ...]


def resolve(profile_features: Mapping[str, Any] | None) -> Resolved:
    """The declared features, each as shipped or as its fallback.

    Raises:
        ProfileError: unknown names, wrong types, values out of range; all of them at once.
    """
    shipped = profile_features or {}
    faults = [f"{name}: is not a declared profile feature" for name in sorted(set(shipped) - set(_BY_NAME))]
    faults += [
        fault
        for feature in PROFILE_FEATURES
        if shipped.get(feature.name) is not None and (fault := _fault(feature, shipped[feature.name]))
    ]
    if faults:
        raise ProfileError(faults)
    fell_back = tuple(name for name in _BY_NAME if shipped.get(name) is None)
    values = {name: _BY_NAME[name].fallback if name in fell_back else shipped[name] for name in _BY_NAME}
    return Resolved(values, fell_back)


def _fault(feature: ProfileFeature, value: object) -> str | None:
    match feature.dtype:
        case DType.FLOAT | DType.INT:
            expected = (int,) if feature.dtype is DType.INT else (int, float)
            if isinstance(value, bool) or not isinstance(value, expected):
                return f"{feature.name}: {value!r:.60} is not of type {feature.dtype.value}"
            if not (feature.low is None or feature.high is None or feature.low <= value <= feature.high):
                return f"{feature.name}: {value} lies outside {feature.low:g} to {feature.high:g}"
        case DType.STRING:
            if not isinstance(value, str):
                return f"{feature.name}: {value!r:.60} is not of type string"
        case DType.STRINGS:
            if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
                return f"{feature.name}: {value!r:.60} is not a list of strings"
    return None
