"""The body of /signals: what people did with their tasks and the app, as events, read strictly, with every fault.

The types stand in `events.signal`. Here an id is of few characters, since it travels in the head of a message, and no
signal is kept for longer than the server keeps things.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

import msgspec

from tip_serving.events.signal import AnySignal, Signal
from tip_serving.features.declared import shown
from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.event_clock import impossible

MAX_SIGNALS = 1_000
_MAX_FAULTS = 100  # listed
_EVENT_ID = r"^[A-Za-z0-9_.:-]{1,200}$"

_TYPES: dict[str, type[Signal]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnySignal)}
_FIELDS = {tag: {field.name: field for field in msgspec.structs.fields(kind)} for tag, kind in _TYPES.items()}
_NAMES = {tag: fields.keys() | {"type"} for tag, fields in _FIELDS.items()}


def read_signals(body: bytes, retention: dt.timedelta) -> list[AnySignal]:
    """The signals that `body` holds, each with the moment until which it is kept.

    Raises:
        RequestError: the body is no list of 1 to 1000 signals, or signals have fields that are missing, unknown, of
            another type or out of range, or share an id; all faults, the first hundred listed.
    """
    listed = _listed(body)
    found: list[AnySignal] = []
    faults: list[str] = []
    for place, told in enumerate(listed):
        try:
            signal = _read(told)
        except msgspec.ValidationError:
            faults += [f"signal {place}{fault}" for fault in _faults(told)]
        else:
            kept = min(signal.at + retention, signal.retain_until or signal.at + retention)
            found.append(msgspec.structs.replace(signal, retain_until=kept))
    repeated = [name for name, n in Counter(signal.event_id for signal in found).items() if n > 1]
    faults += [f"event_id {shown(name)} stands there more than once" for name in repeated]
    if faults:
        raise RequestError(faults[:_MAX_FAULTS])
    return found


def schema(ref_template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the OpenAPI file says of the body, and of the signals by name.

    Args:
        ref_template: of references, `{name}` for a name.
    """
    (one,), parts = msgspec.json.schema_components([AnySignal], ref_template=ref_template)
    for part in parts.values():
        part["additionalProperties"] = False
        part["properties"]["event_id"] = {"type": "string", "pattern": _EVENT_ID}
    return {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_SIGNALS}, parts


def _listed(body: bytes) -> Sequence[Any]:
    try:
        listed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError([f"body: is no JSON: {error}"]) from None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_SIGNALS:
        found = f"{len(listed)} of them" if isinstance(listed, list) else f"{type(listed).__name__}"
        raise RequestError([f"body: expected a list of 1 to {MAX_SIGNALS} signals, found {found}"])
    return listed


def _read(told: Any) -> AnySignal:
    """One signal. Raises msgspec.ValidationError."""
    signal: AnySignal = msgspec.convert(told, AnySignal)
    if told.keys() - _NAMES[told["type"]] or any(beyond(getattr(signal, name)) for name, beyond in _BEYOND.items()):
        raise msgspec.ValidationError
    return signal


def _id_faults(event_id: str) -> list[str]:
    return [] if re.fullmatch(_EVENT_ID, event_id) else [f"{shown(event_id)} does not match {_EVENT_ID}"]


_BEYOND: dict[str, Callable[[Any], list[str]]] = {"event_id": _id_faults, "at": impossible}
"""What is asked of a field beyond its type."""


def _faults(told: Any) -> Iterator[str]:
    """Everything that keeps `told` from being a signal, each with its field."""
    if not isinstance(told, dict):
        yield f" is {type(told).__name__}; expected a signal"
        return
    tag = told.get("type")
    if not isinstance(tag, str) or tag not in _TYPES:
        yield f".type: {shown(tag)} is none; expected one of {', '.join(_TYPES)}"
        return
    yield from (f".{shown(name)}: is no field of {tag}" for name in sorted(told.keys() - _NAMES[tag]))
    for name, field in _FIELDS[tag].items():
        if name in told:
            yield from (f".{name}: {fault}" for fault in _field_faults(name, field.type, told[name]))
        elif field.required:
            yield f".{name}: is missing"


def _field_faults(name: str, kind: Any, told: Any) -> list[str]:
    try:
        value = msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        return [str(error)]
    return _BEYOND[name](value) if name in _BEYOND else []
