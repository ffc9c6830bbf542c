"""What a judging language model may answer: the shape it is held to, and the reading of what it writes all the same.

Reading forgives form (fences, prose around, points as text) and never substance: a missing criterion, a value off the
scale or two verdicts in one answer make it unreadable.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tip_serving.bench.judging.rubric import SCALE_MAX, SCALE_MIN, Rubric
from tip_serving.bench.judging.verdicts import OUTCOMES

MAX_REASON = 1_000  # characters that are kept
_WHOLE = re.compile(r"\s*(\d+)(?:\.0+)?\s*", re.ASCII)
_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)])
"""Signs that no text needs and that a terminal would obey."""
_DECODER = json.JSONDecoder()


class UnreadableError(ValueError):
    """An answer without one clear verdict; says what is wrong in words of ours alone, since the judge is told."""


class Answer(NamedTuple):
    """What the model said of one item; neither points nor a preference where it left the item out."""

    reason: str
    points: dict[str, int] | None = None
    preferred: str | None = None


def response_format(rubric: Rubric, *, is_pairs: bool) -> dict[str, Any]:
    """The shape of an answer as OpenAI writes it: the reason first, so that the model thinks before it judges."""
    verdict: dict[str, Any] = {"type": "string", "enum": list(OUTCOMES)}
    if not is_pairs:
        whole = {"type": "integer", "minimum": SCALE_MIN, "maximum": SCALE_MAX}
        verdict = _object(dict.fromkeys(rubric.names, whole))
    leaves_out = {"type": "null"}
    schema = _object({"reason": {"type": "string"}, _field(is_pairs): {"anyOf": [verdict, leaves_out]}})
    return {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}


def read_answer(text: str, rubric: Rubric, *, is_pairs: bool) -> Answer:
    """The verdict in `text`. Raises UnreadableError where there is none, or more than one."""
    field = _field(is_pairs)
    found = [given for given in _objects(text) if field in given or (not is_pairs and set(rubric.names) & set(given))]
    if not found:
        raise UnreadableError(f"it holds no JSON object with `{field}`")
    read = [_preference(given) if is_pairs else _points(given, rubric) for given in found]
    if any((other.points, other.preferred) != (read[0].points, read[0].preferred) for other in read):
        raise UnreadableError("it holds more than one verdict")
    return read[-1]


def _field(is_pairs: bool) -> str:
    return "preferred" if is_pairs else "scores"


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in `text` that lies in no other one."""
    start = text.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield value
        start = text.find("{", end)


def _preference(given: dict[str, Any]) -> Answer:
    preferred = given["preferred"]
    if preferred is None:
        return Answer(_reason(given))
    if not isinstance(preferred, str) or preferred.strip().lower() not in OUTCOMES:
        raise UnreadableError(f"`preferred` is none of {', '.join(OUTCOMES)}")
    return Answer(_reason(given), preferred=preferred.strip().lower())


def _points(given: dict[str, Any], rubric: Rubric) -> Answer:
    scores = given.get("scores", given)
    if scores is None:
        return Answer(_reason(given))
    if not isinstance(scores, dict):
        raise UnreadableError("`scores` is no JSON object")
    points = {name: _whole(scores.get(name)) for name in rubric.names}
    faulty = [name for name, value in points.items() if value is None]
    if faulty:
        raise UnreadableError(f"no whole points from {SCALE_MIN} to {SCALE_MAX} for {', '.join(faulty)}")
    return Answer(_reason(given), points={name: value for name, value in points.items() if value is not None})


def _whole(value: object) -> int | None:
    """Points that are whole, whether written as a number or as text, or None."""
    match = None if isinstance(value, bool) else _WHOLE.fullmatch(str(value))
    points = int(match[1]) if match and len(match[1]) == 1 else None
    return points if points is not None and SCALE_MIN <= points <= SCALE_MAX else None


def _reason(given: dict[str, Any]) -> str:
    said = " ".join(str(given.get("reason") or "").split()).translate(_CONTROLS)[:MAX_REASON]
    return said.encode(errors="replace").decode()  # half a surrogate pair can be spelled in JSON and nowhere else
