"""What every declared feature has in common: a type, a range, and how a value that fits neither is named.

Values come from outside. Whatever they are, a fault is a short sentence: nothing here echoes a long text, prints a
deep structure or fails on a number of a thousand digits.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_SHOWN_CHARACTERS = 60
_SHOWN_NUMBER = 10**15  # beyond it a number is described, not printed


class DType(StrEnum):
    """The type of a feature's value in JSON."""

    FLOAT = "float"
    INT = "int"
    BOOL = "bool"
    STRING = "string"
    STRINGS = "strings"


class Between(NamedTuple):
    """The range of a number, both ends included."""

    low: float
    high: float


class Text(NamedTuple):
    """The range of a string: it matches `pattern` as a whole and has at most `max_length` characters."""

    pattern: str
    max_length: int


class Texts(NamedTuple):
    """The range of a list of strings: at most `max_items`, each of at most `max_length` characters."""

    max_items: int
    max_length: int


Range = Between | Text | Texts | None
"""None for a boolean."""


class FeatureError(ValueError):
    """Features that are not as declared; `faults` lists every one."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def fitted(dtype: DType, value: Any) -> Any:
    """`value` of the declared type: a whole number that JSON wrote as 9.0 is the int 9, all else stays as it is."""
    return int(value) if dtype is DType.INT and isinstance(value, float) else value


def fault(name: str, dtype: DType, allowed: Range, value: Any) -> str | None:
    """What is wrong with `value` as the feature `name`; None where it is as declared."""
    wrong = (
        _misfit(dtype, allowed, value) if _has_type(dtype, value) else f"{shown(value)} is not of type {dtype.value}"
    )
    return f"{name}: {wrong}" if wrong else None


def _misfit(dtype: DType, allowed: Range, value: Any) -> str | None:
    """Why a value of the right type lies outside its range."""
    match allowed:
        case Between(low, high) if not low <= value <= high:  # NaN lies in no range
            return f"{shown(value)} lies outside {low:g} to {high:g}"
        case Between() if dtype is DType.INT and value != int(value):
            return f"{shown(value)} is not of type int"
        case Text(pattern, max_length) if len(value) > max_length or not _compiled(pattern).fullmatch(value):
            return f"{shown(value)} does not match {pattern} within {max_length} characters"
        case Texts(max_items, _) if len(value) > max_items:
            return f"{len(value)} strings are more than {max_items}"
        case Texts(_, max_length) if any(len(item) > max_length for item in value):
            return f"a string is longer than {max_length} characters"
        case _:
            return None


def _has_type(dtype: DType, value: Any) -> bool:
    match dtype:
        case DType.FLOAT | DType.INT:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case DType.BOOL:
            return isinstance(value, bool)
        case DType.STRING:
            return _is_text(value)
        case DType.STRINGS:
            return isinstance(value, list | tuple) and all(map(_is_text, value))


def _is_text(value: Any) -> bool:
    """Whether `value` is a string that can be written down: half a surrogate pair, which JSON may hold, cannot."""
    if not isinstance(value, str):
        return False
    return value.isascii() or not _HALF_PAIR.search(value)


def shown(value: object) -> str:
    """`value` in a few characters, whatever it is."""
    if isinstance(value, str):
        return repr(value[:_SHOWN_CHARACTERS]) + ("..." if len(value) > _SHOWN_CHARACTERS else "")
    if isinstance(value, bool | float) or value is None or (isinstance(value, int) and abs(value) < _SHOWN_NUMBER):
        return str(value)
    if isinstance(value, int):
        return f"a number of {value.bit_length()} bits"
    return f"a {type(value).__name__}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
