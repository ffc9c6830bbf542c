"""The contract for those who call: TypeScript to build on, and JSON Schema to check against."""

import json
from collections.abc import Sequence
from typing import Any

from tip_serving.features.context import ContextFeature
from tip_serving.features.contract import Contract, hash_of
from tip_serving.features.declared import Between, DType, Range, Text, Texts
from tip_serving.features.profile import ProfileFeature

_TYPES = {
    DType.FLOAT: "number",
    DType.INT: "number",
    DType.BOOL: "boolean",
    DType.STRING: "string",
    DType.STRINGS: "readonly string[]",
}
_JSON_TYPES = {DType.FLOAT: "number", DType.INT: "integer", DType.BOOL: "boolean", DType.STRING: "string"}
_HEAD = """\
// The feature contract of the tip server. Written by `tip features export`; generate it again instead of editing it.

/** Names this contract; the server states the same in every answer. */
export const CONTRACT_HASH = {hash};

/** A value as it is, or with the moment when it was computed (ISO 8601 with an offset), so that its TTL is checked. */
export type Shipped<T> = T | {{ value: T | null; computed_at: string }} | null;
"""


def as_typescript(contract: Contract) -> str:
    """A module with both lists of features, as data and as types."""
    parts = [
        _HEAD.format(hash=json.dumps(hash_of(contract))),
        _list("PROFILE_FEATURES", [_profile_entry(feature) for feature in contract.profile]),
        _list("CONTEXT_FEATURES", [_context_entry(feature) for feature in contract.context]),
        _interface("ProfileFeatures", "What `profile_features` of a request may hold.", [
            (feature.name, f"Shipped<{_TYPES[feature.dtype]}>", feature.meaning) for feature in contract.profile
        ]),
        _interface("ContextFeatures", "What `context` of a request may hold.", [
            (feature.name, f"{_TYPES[feature.dtype]} | null", feature.meaning) for feature in contract.context
        ]),
    ]  # fmt: skip
    return "\n".join(parts)


def _list(name: str, entries: Sequence[dict[str, Any]]) -> str:
    lines = [f"  {{ {', '.join(f'{key}: {_literal(value)}' for key, value in entry.items())} }}," for entry in entries]
    return "\n".join([f"export const {name} = [", *lines, "] as const;", ""])


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _interface(name: str, meaning: str, fields: Sequence[tuple[str, str, str]]) -> str:
    lines = [line for key, kind, text in fields for line in (f"  /** {text} */", f"  {key}?: {kind};")]
    return "\n".join([f"/** {meaning} */", f"export interface {name} {{", *lines, "}", ""])


def _profile_entry(feature: ProfileFeature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "dtype": feature.dtype.value,
        "ttlSec": feature.ttl_s,
        "source": feature.source,
        "fallback": feature.fallback,
        **_range_of(feature.allowed),
        "meaning": feature.meaning,
    }


def _context_entry(feature: ContextFeature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "dtype": feature.dtype.value,
        "freshness": feature.freshness.value,
        "source": feature.source.value,
        "fallback": feature.fallback,
        **_range_of(feature.allowed),
        "meaning": feature.meaning,
    }


def _range_of(allowed: Range) -> dict[str, Any]:
    match allowed:
        case Between(low, high):
            return {"low": low, "high": high}
        case Text(pattern, max_length):
            return {"pattern": f"^(?:{pattern})$", "maxLength": max_length}
        case Texts(max_items, max_length):
            return {"maxItems": max_items, "maxLength": max_length}
        case None:
            return {}


def as_json_schema(contract: Contract) -> dict[str, Any]:
    """The schema (draft 2020-12) of a request's features: `{"profile_features": {...}, "context": {...}}`.

    It says what the server checks, but for one thing: whether a time zone exists.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Features of a request to the tip server",
        "x-contract-hash": hash_of(contract),
        "type": "object",
        "properties": {
            "profile_features": _object([_shipped(feature) for feature in contract.profile]),
            "context": _object([_derived(feature) for feature in contract.context]),
        },
        "additionalProperties": False,
    }


def _object(properties: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    return {"type": ["object", "null"], "properties": dict(properties), "additionalProperties": False}


def _shipped(feature: ProfileFeature) -> tuple[str, dict[str, Any]]:
    value = _schema_of(feature.dtype, feature.allowed)
    moment = {"type": "string", "format": "date-time"}
    with_age = {
        "type": "object",
        "properties": {"value": {"anyOf": [value, {"type": "null"}]}, "computed_at": moment},
        "required": ["value", "computed_at"],
        "additionalProperties": False,
    }
    return feature.name, {
        "description": feature.meaning,
        "default": feature.fallback,
        "x-ttl-s": feature.ttl_s,
        "x-source": feature.source,
        "anyOf": [value, with_age, {"type": "null"}],
    }


def _derived(feature: ContextFeature) -> tuple[str, dict[str, Any]]:
    return feature.name, {
        "description": feature.meaning,
        "default": feature.fallback,
        "x-freshness": feature.freshness.value,
        "x-source": feature.source.value,
        "anyOf": [_schema_of(feature.dtype, feature.allowed), {"type": "null"}],
    }


def _schema_of(dtype: DType, allowed: Range) -> dict[str, Any]:
    match allowed:
        case Between(low, high):
            return {"type": _JSON_TYPES[dtype], "minimum": low, "maximum": high}
        case Text(pattern, max_length):
            # Not `$`: to validators in Python that is also the place before a last line break.
            return {"type": "string", "pattern": f"^(?:{pattern})(?![\\s\\S])", "maxLength": max_length}
        case Texts(max_items, max_length):
            return {"type": "array", "items": {"type": "string", "maxLength": max_length}, "maxItems": max_items}
        case None:
            return {"type": _JSON_TYPES[dtype]}
