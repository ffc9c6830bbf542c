"""What every declared feature has in common: a type, a range, and how a value that fits neither is named.

Values come from outside. Whatever they are, a fault is a short sentence: nothing here echoes a long text, prints a
deep structure or fails on a number of a thousand digits.
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
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


Check = Callable[[Any], str | None]
"""What is wrong with a value, in a short sentence; None where it is as declared."""


def check_of(name: str, dtype: DType, allowed: Range) -> Check:
    """The check of the feature `name`, made once: it runs for every feature of every request."""
    match dtype, allowed:
        case ((DType.FLOAT | DType.INT), Between(low, high)):
            return _number(name, dtype, low, high)
        case DType.STRING, Text(pattern, max_length):
            return _string(name, pattern, max_length)
        case DType.STRINGS, Texts(max_items, max_length):
            return _strings(name, max_items, max_length)
        case DType.BOOL, None:
            return lambda value: None if isinstance(value, bool) else _wrong_type(name, value, dtype)
        case _:
            raise TypeError(f"{name}: the range {allowed} cannot be declared of the type {dtype.value}")


def _wrong_type(name: str, value: Any, dtype: DType) -> str:
    return f"{name}: {shown(value)} is not of type {dtype.value}"


def _number(name: str, dtype: DType, low: float, high: float) -> Check:
    is_whole = dtype is DType.INT

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _wrong_type(name, value, dtype)
        if not low <= value <= high:  # NaN lies in no range
            return f"{name}: {shown(value)} lies outside {low:g} to {high:g}"
        return _wrong_type(name, value, dtype) if is_whole and value != int(value) else None

    return check


def _string(name: str, pattern: str, max_length: int) -> Check:
    matches = re.compile(pattern).fullmatch

    def check(value: Any) -> str | None:
        if not _is_text(value):
            return _wrong_type(name, value, DType.STRING)
        if len(value) <= max_length and matches(value):
            return None
        return f"{name}: {shown(value)} does not match {pattern} within {max_length} characters"

    return check


def _strings(name: str, max_items: int, max_length: int) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, list | tuple) or not all(map(_is_text, value)):
            return _wrong_type(name, value, DType.STRINGS)
        if len(value) > max_items:
            return f"{name}: {len(value)} strings are more than {max_items}"
        if any(len(item) > max_length for item in value):
            return f"{name}: a string is longer than {max_length} characters"
        return None

    return check


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
