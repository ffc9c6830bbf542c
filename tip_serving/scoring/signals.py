"""The body of /signals: what people did with their tasks and the app, as events, read strictly, with every fault.

The types stand in `events.signal`. Here an id is of few characters, since it travels in the head of a message, and no
signal is kept for longer than the server keeps things.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import msgspec

from tip_serving.events.signal import AnySignal, Signal
from tip_serving.features.declared import shown
from tip_serving.scoring.errors import RequestError

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
            faults += [f"{place}.{fault}" if fault else f"{place}" for fault in _faults(told)]
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
    if told.keys() - _NAMES[told["type"]] or not re.match(_EVENT_ID, signal.event_id):
        raise msgspec.ValidationError
    return signal


def _faults(told: Any) -> Iterator[str]:
    """Everything that keeps `told` from being a signal, each with its field."""
    if not isinstance(told, dict):
        yield f": expected a signal, found {type(told).__name__}"
        return
    tag = told.get("type")
    if not isinstance(tag, str) or tag not in _TYPES:
        yield f"type: {shown(tag)} is none; expected one of {', '.join(_TYPES)}"
        return
    yield from (f"{shown(name)}: is no field of {tag}" for name in sorted(told.keys() - _NAMES[tag]))
    for name, field in _FIELDS[tag].items():
        if name not in told:
            if field.required:
                yield f"{name}: is missing"
            continue
        try:
            msgspec.convert(told[name], field.type)
        except msgspec.ValidationError as error:
            yield f"{name}: {error}"
        else:
            if name == "event_id" and not re.match(_EVENT_ID, told[name]):
                yield f"{name}: {shown(told[name])} does not match {_EVENT_ID}"
