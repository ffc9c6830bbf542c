"""Reads a caller's feature registry in TypeScript: every object that has a `ttlSec`, and what it is named.

A reader of object literals, not of the language: it knows comments, the three kinds of quotes, numbers with
separators, arithmetic, and constants that the file declares. What it cannot make out it names with its line, and
nothing is guessed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tip_serving.features.arithmetic import value_of

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
      | (?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_$][\w$]*)
      | (?P<mark>\*\*|=>|\?\?|.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OPENING = {"{": "}", "[": "]", "(": ")"}
_ASSERTIONS = {"as", "satisfies"}
NAME = "name"
TTL = "ttlSec"


class Token(NamedTuple):
    """One word of the file. `kind` is string, number, name or mark; the text of a string is without its quotes."""

    kind: str
    text: str
    line: int


class Entry(NamedTuple):
    """One object of the registry."""

    name: str
    ttl_s: float | None
    """None: it has a name and no `ttlSec`."""
    line: int


class Unread(NamedTuple):
    """A place that cannot be made out."""

    line: int
    reason: str


@dataclass
class Registry:
    """What the file declares."""

    entries: list[Entry] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def read(source: str) -> Registry:
    """The registry in `source`, in the order of the file."""
    tokens = list(_tokens(source))
    constants = _constants(tokens)
    found = Registry()
    for place, token in enumerate(tokens):
        if (token.kind, token.text) == ("mark", "{"):
            _read_object(tokens, place, constants, found)
    unclosed = next((token for token in tokens if token.kind == "mark" and token.text in {'"', "'", "`"}), None)
    if unclosed:
        found.unread.append(Unread(unclosed.line, f"the quote {unclosed.text} is never closed"))
    return found


def _tokens(source: str) -> Iterator[Token]:
    line = 1
    for match in _TOKEN.finditer(source):
        kind, text = str(match.lastgroup), match.group()
        if kind == "string":
            # What a template fills in is not known here; it stays a mark, so that no name is made of it.
            is_filled = text.startswith("`") and "${" in text
            yield Token("mark", "${}", line) if is_filled else Token(kind, _ESCAPE.sub(r"\1", text[1:-1]), line)
        elif kind != "space":
            yield Token(kind, text, line)
        line += text.count("\n")


def _properties(tokens: Sequence[Token], start: int) -> dict[str, list[Token]]:
    """The properties of the object that opens at `start`, as `key: value`; others (spread, shorthand) are left out.

    What is parted by semicolons is a type or a block of code, and has none.
    """
    found: dict[str, list[Token]] = {}
    depth: list[str] = []
    part: list[Token] = []
    for token in tokens[start + 1 :]:
        is_mark = token.kind == "mark"
        if not depth and is_mark and token.text == ";":
            return {}
        if not depth and is_mark and token.text in {",", "}"}:
            if len(part) > 2 and part[0].kind in {"name", "string"} and part[1].text == ":":  # noqa: PLR2004
                found[part[0].text] = part[2:]
            part = []
            if token.text == "}":
                break
            continue
        if is_mark and token.text in _OPENING:
            depth.append(_OPENING[token.text])
        elif depth and is_mark and token.text == depth[-1]:
            depth.pop()
        part.append(token)
    return found


def _is_type(value: Sequence[Token] | None) -> bool:
    return value is not None and [token.text for token in value] == ["number"]


def _key_before(tokens: Sequence[Token], start: int) -> str | None:
    """The key under which the object at `start` stands, `a` in `a: {`."""
    before = tokens[max(start - 2, 0) : start]
    is_keyed = len(before) == 2 and before[1].text == ":" and before[0].kind in {"name", "string"}  # noqa: PLR2004
    return before[0].text if is_keyed else None


def _bare(tokens: Sequence[Token]) -> list[Token]:
    """The value without `as const`, `as number` or `satisfies Feature` behind it."""
    for index, token in enumerate(tokens):
        if token.kind == "name" and token.text in _ASSERTIONS and index:
            return list(tokens[:index])
    return list(tokens)


def _constants(tokens: Sequence[Token]) -> dict[str, float | str]:
    """Numbers and strings that the file declares with `const`; those in objects as `object.key`."""
    found: dict[str, float | str] = {}
    for index, token in enumerate(tokens):
        if (token.kind, token.text) != ("name", "const") or index + 2 >= len(tokens):
            continue
        name = tokens[index + 1].text
        equals = next((place for place in range(index + 2, len(tokens)) if tokens[place].text in {"=", ";"}), index)
        if tokens[equals].text != "=" or equals + 1 >= len(tokens):
            continue
        if tokens[equals + 1].text == "{":
            for key, value in _properties(tokens, equals + 1).items():
                _declare(found, f"{name}.{key}", value)
        else:
            _declare(found, name, _statement(tokens, equals + 1))
    return found


def _statement(tokens: Sequence[Token], start: int) -> list[Token]:
    """The tokens up to the end of the statement: a semicolon, or a new line that no operator bridges."""
    found: list[Token] = []
    for token in tokens[start:]:
        is_next_line = bool(found) and token.line > found[-1].line
        if token.text == ";" or (is_next_line and token.kind == "name") or token.text == "=":
            break
        found.append(token)
    return found


def _declare(found: dict[str, float | str], name: str, value: Sequence[Token]) -> None:
    known = _value(value, found)
    if known is not None:
        found[name] = known


def _value(tokens: Sequence[Token], constants: Mapping[str, float | str]) -> float | str | None:
    """The string or number that these tokens stand for; None where that cannot be made out."""
    bare = _bare(tokens)
    if len(bare) == 1 and bare[0].kind == "string":
        return bare[0].text
    dotted = "".join(token.text for token in bare)
    if isinstance(constants.get(dotted), str):
        return constants[dotted]
    numbers = {name: value for name, value in constants.items() if isinstance(value, float)}
    return value_of([(token.kind, token.text) for token in bare], numbers)


def _read_object(tokens: Sequence[Token], start: int, constants: Mapping[str, float | str], found: Registry) -> None:
    properties = _properties(tokens, start)
    line = tokens[start].line
    if _is_type(properties.get(TTL)):
        return
    if TTL not in properties:
        name = _value(properties[NAME], constants) if NAME in properties else None
        if isinstance(name, str):
            found.entries.append(Entry(name, None, line))
        return
    written = " ".join(token.text for token in properties[TTL])
    ttl_s = _value(properties[TTL], constants)
    name = _value(properties[NAME], constants) if NAME in properties else _key_before(tokens, start)
    if not isinstance(ttl_s, float):
        place = properties[TTL][0].line
        found.unread.append(Unread(place, f"{TTL}: {written[:60]} is no number that can be worked out here"))
    elif not isinstance(name, str):
        found.unread.append(Unread(line, f"an object has a {TTL} and no {NAME} that can be worked out here"))
    else:
        found.entries.append(Entry(name, ttl_s, line))
