"""Arithmetic over tokens, as a registry writes it: `24 * 60 * 60`, `7 * DAY`, `86_400`, `(1 + 2) * HOUR`.

A small recursive parser: `+ - * / % **`, signs, parentheses, named constants. Nothing is ever evaluated as code.
"""

from collections.abc import Mapping, Sequence

_MAX_DEPTH = 40  # parentheses and signs within one another
_MAX_POWER = 64
_LARGEST = 1e15


class _NoNumberError(Exception):
    """The tokens are no arithmetic."""


def value_of(tokens: Sequence[tuple[str, str]], constants: Mapping[str, float]) -> float | None:
    """The number that the tokens, as (kind, text), stand for; None where they are no arithmetic over known names."""
    reader = _Reader(tokens, constants)
    try:
        value = reader.sum(0)
        reader.end()
    except (_NoNumberError, ZeroDivisionError, OverflowError, ValueError):
        return None
    return value if isinstance(value, float) and abs(value) < _LARGEST else None


class _Reader:
    """Reads the tokens once, from left to right."""

    def __init__(self, tokens: Sequence[tuple[str, str]], constants: Mapping[str, float]) -> None:
        self._tokens = tokens
        self._constants = constants
        self._place = 0

    def end(self) -> None:
        if self._place != len(self._tokens):
            raise _NoNumberError

    def sum(self, depth: int) -> float:
        value = self._product(depth)
        while mark := self._taken({"+", "-"}):
            term = self._product(depth)
            value = value + term if mark == "+" else value - term
        return value

    def _product(self, depth: int) -> float:
        value = self._power(depth)
        while mark := self._taken({"*", "/", "%"}):
            factor = self._power(depth)
            value = value * factor if mark == "*" else value / factor if mark == "/" else value % factor
        return value

    def _power(self, depth: int) -> float:
        base = self._single(depth)
        if not self._taken({"**"}):
            return base
        exponent = self._power(depth + 1)
        if not 0 <= exponent <= _MAX_POWER:
            raise _NoNumberError
        return float(base**exponent)

    def _single(self, depth: int) -> float:
        if depth > _MAX_DEPTH:
            raise _NoNumberError
        if sign := self._taken({"+", "-"}):
            value = self._single(depth + 1)
            return value if sign == "+" else -value
        if self._taken({"("}):
            value = self.sum(depth + 1)
            if not self._taken({")"}):
                raise _NoNumberError
            return value
        kind, text = self._next()
        if kind == "number":
            digits = text.replace("_", "")
            return float(int(digits, 16)) if digits[:2].lower() == "0x" else float(digits)
        return self._constant(kind, text)

    def _constant(self, kind: str, name: str) -> float:
        while kind == "name" and self._taken({"."}):
            name += "." + self._next()[1]
        if kind != "name" or name not in self._constants:
            raise _NoNumberError
        return self._constants[name]

    def _taken(self, marks: set[str]) -> str | None:
        """The mark at this place, read, where it is one of `marks`."""
        if self._place < len(self._tokens) and self._tokens[self._place] in {("mark", mark) for mark in marks}:
            self._place += 1
            return self._tokens[self._place - 1][1]
        return None

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise _NoNumberError
        self._place += 1
        return self._tokens[self._place - 1]
