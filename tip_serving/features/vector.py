"""The vector: the one way from profile, context and tip to the numbers that models are trained and served on.

One row per tip, one column per declared number, float64. What is derived here and not in the declarations of
profile, context and tip is `VERSION`: it changes whenever any number of any column changes.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import nan
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_serving.features.context import CONTEXT_FEATURES, ContextFeature, PartOfDay
from tip_serving.features.declared import Between, DType
from tip_serving.features.profile import PROFILE_FEATURES, Resolved
from tip_serving.features.tip import TIP_FEATURES, Reference, tip_rows
from tip_serving.scenarios.model import Situation

VERSION = 1
_DAY_HOURS = 24

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "tr", "ru", "uk", "el", "ro",
             "hu", "ar", "he", "fa", "hi", "id", "vi", "th", "ja", "ko", "zh")  # fmt: skip
REGIONS = ("UTC", "Etc", "Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian",
           "Antarctica", "Arctic")  # fmt: skip

Compute = Callable[[Resolved, Mapping[str, Any]], float]


class Column(NamedTuple):
    """One number of the vector."""

    name: str
    low: float
    high: float
    meaning: str
    may_be_nan: bool = False
    vocabulary: tuple[str, ...] = ()
    """The words of a categorical column: the first is 1, 0 stands for one that is not listed."""


class _Shared(NamedTuple):
    """A column that all tips of a request have in common, and how it is computed."""

    column: Column
    compute: Compute


_PROFILE_NUMBERS = {
    feature.name: Column(f"profile_{feature.name}", *feature.allowed, feature.meaning)
    for feature in PROFILE_FEATURES
    if isinstance(feature.allowed, Between)
}
"""The declared numbers of profiles, as they are."""


def _context_number(feature: ContextFeature) -> Column:
    low, high = feature.allowed if isinstance(feature.allowed, Between) else (0.0, 1.0)
    may_be_nan = feature.fallback is None and feature.source == "tasks"
    return Column(f"context_{feature.name}", low, high, feature.meaning, may_be_nan)


_CONTEXT_NUMBERS = {
    feature.name: _context_number(feature)
    for feature in CONTEXT_FEATURES
    if feature.dtype in {DType.FLOAT, DType.INT, DType.BOOL}
}
"""The declared numbers and flags of contexts, as they are."""


def _coded(vocabulary: Sequence[str], word_of: Callable[[Resolved, Mapping[str, Any]], str]) -> Compute:
    codes = {word: float(code) for code, word in enumerate(vocabulary, start=1)}
    return lambda profile, context: codes.get(word_of(profile, context), 0.0)


def _category(
    name: str, vocabulary: tuple[str, ...], meaning: str, word_of: Callable[[Resolved, Mapping[str, Any]], str]
) -> _Shared:
    return _Shared(Column(name, 0, len(vocabulary), meaning, vocabulary=vocabulary), _coded(vocabulary, word_of))


@lru_cache(maxsize=1024)  # of 24 x 24, each with or without leading zeros
def _quiet(written: str) -> tuple[int, int]:
    start, end = written.split("-")
    return int(start), int(end)


def _quiet_hours(profile: Resolved, _: Mapping[str, Any]) -> float:
    start, end = _quiet(profile.values["quiet_hours"])
    return float((end - start) % _DAY_HOURS)


def _is_quiet(profile: Resolved, context: Mapping[str, Any]) -> float:
    start, end = _quiet(profile.values["quiet_hours"])
    return float((context["hour"] - start) % _DAY_HOURS < (end - start) % _DAY_HOURS)


def _from_preferred(profile: Resolved, context: Mapping[str, Any]) -> float:
    apart = (context["hour"] - profile.values["preferred_hour"]) % _DAY_HOURS
    return float(min(apart, _DAY_HOURS - apart))


_DERIVED = (
    _category("profile_language", LANGUAGES, "primary language of the tag",
              lambda profile, _: profile.values["language"].partition("-")[0].lower()),
    _category("profile_region", REGIONS, "region of the time zone",
              lambda profile, _: profile.values["time_zone"].partition("/")[0]),
    _category("context_part_of_day", tuple(PartOfDay), "see PartOfDay", lambda _, context: context["part_of_day"]),
    _Shared(Column("profile_quiet_hours", 0, 23, "length of the quiet hours"), _quiet_hours),
    _Shared(Column("profile_n_favourite_labels", 0, 50, "favourite labels"),
            lambda profile, _: float(len(profile.values["favourite_labels"]))),
    _Shared(Column("profile_n_fell_back", 0, len(PROFILE_FEATURES), "profile features that fell back"),
            lambda profile, _: float(len(profile.fell_back))),
    _Shared(Column("moment_is_quiet", 0, 1, "now lies in the quiet hours"), _is_quiet),
    _Shared(Column("moment_hours_from_preferred", 0, 12, "from now to the preferred hour, either way"),
            _from_preferred),
)  # fmt: skip

COLUMNS = (
    *_PROFILE_NUMBERS.values(),
    *_CONTEXT_NUMBERS.values(),
    *(shared.column for shared in _DERIVED),
    *(
        Column(f"tip_{feature.name}", *feature.allowed, feature.meaning, feature.may_be_nan)
        for feature in TIP_FEATURES
        if isinstance(feature.allowed, Between)
    ),
)
"""Every column in the order of the vector."""

N_SHARED = len(COLUMNS) - len(TIP_FEATURES)
"""So many columns come first that all tips of a request have in common."""

_NAMES = tuple(column.name for column in COLUMNS)
_shared_as_bytes = struct.Struct(f"{N_SHARED}d").pack
_profile_numbers = itemgetter(*_PROFILE_NUMBERS)
_context_numbers = itemgetter(*_CONTEXT_NUMBERS)


def names() -> tuple[str, ...]:
    """The names of the columns, in order."""
    return _NAMES


def categorical() -> tuple[str, ...]:
    """The names of the columns that hold codes of a vocabulary, for the training of a model."""
    return tuple(column.name for column in COLUMNS if column.vocabulary)


def vectors(
    profile: Resolved, context: Mapping[str, Any], tips: Sequence[str], situation: Situation
) -> NDArray[np.float64]:
    """One row per tip.

    Args:
        profile: from `profile.resolve`.
        context: every context feature by name, from `context.context_features` or `context.resolve_context`.
        tips: the candidates' texts.
        situation: what the tips are held against.

    Returns:
        (len(tips), len(names())) float64, C-contiguous and read-only; finite within the declared range of each column,
        NaN only where the column declares it.
    """
    # Bytes from the start: joined they are the table, without a number of Python's for every cell.
    shared = _shared_as_bytes(
        *_profile_numbers(profile.values),
        *[nan if number is None else number for number in _context_numbers(context)],
        *[derived.compute(profile, context) for derived in _DERIVED],
    )
    rows = tip_rows(tips, Reference.of(situation, profile.values["favourite_labels"]), shared)
    return np.frombuffer(rows).reshape(len(tips), len(COLUMNS))
