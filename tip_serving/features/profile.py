"""Profile features: computed in batches by the caller and shipped on each call; here is what they must be.

A feature that is missing, null or older than its TTL falls back to its declared value, and the answer says which did
and why. Names that nobody declared and values of another type are refused, all at once.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tip_serving.features.declared import (
    Between,
    Check,
    DType,
    FeatureError,
    Range,
    Text,
    Texts,
    check_of,
    fitted,
    shown,
)

DAY_S = 86_400
HOUR_S = 3_600
CLOCK_SKEW_S = 300
"""How far a caller's clock may be ahead; what was computed later than that has not happened yet and is not used."""

_AGED = frozenset({"value", "computed_at"})
_ABSENT = object()


class ProfileFeature(NamedTuple):
    """One declared feature; `fallback` holds where the value is missing, null or older than `ttl_s`."""

    name: str
    dtype: DType
    ttl_s: int
    source: str
    fallback: Any
    allowed: Range
    meaning: str


_SHARE = Between(0, 1)
_DAYS = Between(0, 100_000)
_LANGUAGE = Text("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", 35)
_TIME_ZONE = Text("[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", 64)
_QUIET_HOURS = Text("([01]?[0-9]|2[0-3])-([01]?[0-9]|2[0-3])", 5)

PROFILE_FEATURES = (
    ProfileFeature(
        "completion_rate", DType.FLOAT, DAY_S, "task events, 30 days", 0.5, _SHARE, "tasks done / tasks due"
    ),
    ProfileFeature(
        "preferred_hour", DType.INT, 7 * DAY_S, "task events, 90 days", 9, Between(0, 23),
        "local hour in which most tasks are done",
    ),
    ProfileFeature("tips_7d", DType.INT, DAY_S, "exposures", 0, Between(0, 10_000), "tips shown in 7 days"),
    ProfileFeature("tips_30d", DType.INT, DAY_S, "exposures", 0, Between(0, 50_000), "tips shown in 30 days"),
    ProfileFeature(
        "acceptance_rate", DType.FLOAT, DAY_S, "feedback, 30 days", 0.3, _SHARE, "tips accepted / tips shown"
    ),
    ProfileFeature(
        "dismissal_rate", DType.FLOAT, DAY_S, "feedback, 30 days", 0.3, _SHARE, "tips dismissed / tips shown"
    ),
    ProfileFeature("streak_days", DType.INT, DAY_S, "task events", 0, _DAYS, "days in a row with a task done"),
    ProfileFeature("account_age_days", DType.INT, DAY_S, "accounts", 0, _DAYS, "days since sign-up"),
    ProfileFeature(
        "session_minutes", DType.FLOAT, DAY_S, "app events, 30 days", 5.0, Between(0, 1_440),
        "median length of a session, minutes",
    ),
    ProfileFeature("overdue_share", DType.FLOAT, DAY_S, "tasks", 0.0, _SHARE, "overdue tasks / open tasks"),
    ProfileFeature("language", DType.STRING, 30 * DAY_S, "account settings", "en", _LANGUAGE, "BCP 47 tag"),
    ProfileFeature("time_zone", DType.STRING, 30 * DAY_S, "account settings", "UTC", _TIME_ZONE, "IANA name"),
    ProfileFeature(
        "quiet_hours", DType.STRING, 30 * DAY_S, "account settings", "22-7", _QUIET_HOURS,
        "from-to in local hours, the second not included; two equal hours mean none",
    ),
    ProfileFeature(
        "favourite_labels", DType.STRINGS, DAY_S, "task events, 90 days", (), Texts(50, 200),
        "labels of the tasks done, most used first",
    ),
)  # fmt: skip

_SHORT = 64  # characters of a string that is remembered
_PLAIN = {DType.FLOAT: float, DType.INT: int}


def _plan(feature: ProfileFeature) -> tuple[ProfileFeature, Check, Any, float, float]:
    """The feature, its check, and the type and range of a number that needs no closer look."""
    low, high = feature.allowed if isinstance(feature.allowed, Between) else (0, 0)
    check = check_of(feature.name, feature.dtype, feature.allowed)
    if feature.dtype is DType.STRING:
        check = _remembering(feature.name, check)
    return feature, check, _PLAIN.get(feature.dtype), low, high


def _remembering(name: str, check: Check) -> Check:
    """The check of a string, time zones looked up besides; most people share a few languages, zones and hours."""

    def whole(value: str) -> str | None:
        return check(value) or _unknown_zone(name, value)

    again = lru_cache(maxsize=2048)(whole)
    return lambda value: again(value) if isinstance(value, str) and len(value) <= _SHORT else whole(value)


_PLANS = tuple(map(_plan, PROFILE_FEATURES))
_NAMES = frozenset(feature.name for feature in PROFILE_FEATURES)


class FellBack(StrEnum):
    """Why a feature has its fallback."""

    MISSING = "missing"
    NULL = "null"
    STALE = "stale"
    AHEAD = "ahead"
    """Computed after the moment of the call: a clock that is wrong, or knowledge from the future."""


class ProfileError(FeatureError):
    """Profile features that are not as declared; lists every fault."""


class Resolved(NamedTuple):
    """Every declared feature with a value, in declared order, and the reason of each that fell back."""

    values: dict[str, Any]
    fell_back: dict[str, FellBack]
    computed_at: dt.datetime | None = None
    """When the latest of those that did not fall back was computed, as far as that was told."""


def resolve(
    profile_features: Mapping[str, Any] | None, computed_at: Mapping[str, dt.datetime] | None, now: dt.datetime
) -> Resolved:
    """The declared features, each as shipped or as its fallback.

    Args:
        profile_features: by name the bare value, or `{"value": ..., "computed_at": ISO 8601 with an offset}`.
        computed_at: when bare values were computed, aware, as an online store tells it; a value's own moment goes
            first. A value without one has no age and is taken for fresh.
        now: the moment of the call, aware.

    Raises:
        ProfileError: unknown names, wrong types, values out of range, moments that cannot be read; all at once.
    """
    shipped = profile_features or {}
    moments = computed_at or {}
    values: dict[str, Any] = {}
    fell_back: dict[str, FellBack] = {}
    used: list[dt.datetime | None] = []
    faults: list[str] = []
    if not (shipped.keys() <= _NAMES and moments.keys() <= _NAMES):
        unknown = (shipped.keys() | moments.keys()) - _NAMES
        faults = [f"{shown(name)}: is not a declared profile feature" for name in sorted(unknown)]
    for feature, check, plain, low, high in _PLANS:
        name = feature.name
        value: Any = shipped.get(name, _ABSENT)
        if type(value) is plain and low <= value <= high and not moments:
            values[name] = value
            continue
        value, moment, found = _unpacked(name, value, moments)
        faults += found
        reason = None if moment is None else _age(feature, moment, now)
        if value is None or value is _ABSENT:
            reason = FellBack.NULL if value is None else FellBack.MISSING
        elif wrong := check(value):
            faults.append(wrong)
            continue
        if reason is None:
            values[name] = fitted(feature.dtype, value)
            used.append(moment)
        else:
            values[name] = feature.fallback
            fell_back[name] = reason
    if faults:
        raise ProfileError(faults)
    return Resolved(values, fell_back, max(filter(None, used), default=None))


def _unpacked(
    name: str, value: Any, moments: Mapping[str, dt.datetime]
) -> tuple[Any, dt.datetime | None, Sequence[str]]:
    """The value, the moment at which it was computed where that is told, and the faults of the form."""
    if isinstance(value, dict):
        if value.keys() != _AGED:
            expected = "a value, or an object of just value and computed_at"
            return None, None, [f"{name}: an object of other fields; expected {expected}"]
        value, computed_at = value["value"], value["computed_at"]
    elif name in moments:
        computed_at = moments[name]
    else:
        return value, None, ()
    moment = _moment(computed_at)
    if moment is None:
        return value, None, [f"{name}: computed_at {shown(computed_at)} is no ISO 8601 moment with an offset"]
    return value, moment, ()


def _age(feature: ProfileFeature, moment: dt.datetime, now: dt.datetime) -> FellBack | None:
    """The reason to leave what was computed at `moment`."""
    age_s = (now - moment).total_seconds()
    if age_s > feature.ttl_s:
        return FellBack.STALE
    return FellBack.AHEAD if age_s < -CLOCK_SKEW_S else None


def _moment(written: object) -> dt.datetime | None:
    if isinstance(written, str):
        try:
            written = dt.datetime.fromisoformat(written)
        except ValueError:
            return None
    return written if isinstance(written, dt.datetime) and written.utcoffset() is not None else None


def _unknown_zone(name: str, value: Any) -> str | None:
    if name != "time_zone" or _is_zone(value):
        return None
    return f"{name}: {shown(value)} is no IANA time zone that is known here"


@lru_cache(maxsize=1024)  # what does not exist is looked for on disk; the same wrong name is not looked for twice
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or the name of a folder
        return False
    return True
