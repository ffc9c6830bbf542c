"""Bodies of the hot route, read by msgspec in a third of the time: structs that follow from the pydantic models.

The models of `request` stay the one definition. A body that a struct takes is one that the model takes, and equal to it
field by field; whatever else comes (a fault, a way to write a moment that msgspec does not know) is left to the model,
which takes it or names every fault. In one thing alone a struct takes more: features nested 200 deep and beyond, which
are as declared in neither case.
"""

import dataclasses
import datetime as dt
import re
import types
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

_Body = TypeVar("_Body", bound=BaseModel)
_PLAIN = {str, bool, int, float, dt.date, dt.time, types.NoneType}
_FINER_THAN_US = re.compile(rb'\.[0-9]{7,}["Zz+-]')  # of a moment: msgspec rounds it, pydantic cuts it short


def reader(model: type[_Body]) -> Callable[[bytes], _Body | None]:
    """Reads a body as `model` would; None where only the model can tell what the body is."""
    decode = msgspec.json.Decoder(_struct(model)).decode

    def read(body: bytes) -> _Body | None:
        if _FINER_THAN_US.search(body):
            return None
        try:
            # Not the model itself, and for whoever reads its fields as good as one.
            return cast("_Body", decode(body))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    return read


def made(model: type[_Body], **fields: Any) -> _Body:
    """The fields as a `model` whose parts were checked before: made in a tenth of the time, with nothing checked."""
    return cast("_Body", _struct(model)(**fields))


@cache
def _struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    """The struct of the same name, fields, defaults and limits."""
    fields = [_field(name, field) for name, field in model.model_fields.items()]
    if strange := {**model.__pydantic_decorators__.field_validators, **model.__pydantic_decorators__.validators}:
        raise TypeError(f"No struct can be made of {model.__name__}: it checks fields by {', '.join(strange)}.")
    checks = [_check(found) for found in model.__pydantic_decorators__.model_validators.values()]

    def __post_init__(self: Any) -> None:  # noqa: N807  msgspec's own hook
        for check in checks:
            check(self)

    return msgspec.defstruct(
        model.__name__,
        fields,
        namespace={"__post_init__": __post_init__} if checks else None,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,  # of plain values: it can be in no cycle
    )


def _field(name: str, field: FieldInfo) -> tuple[str, Any, Any]:
    kind = _limited(_type(field.annotation), field.metadata)
    return (name, kind, msgspec.NODEFAULT if field.is_required() else field.default)


def _type(kind: Any) -> Any:
    """The type that msgspec reads for the type of a field."""
    if kind is AwareDatetime:
        return Annotated[dt.datetime, msgspec.Meta(tz=True)]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _limited(_type(parts[0]), parts[1:])
    if origin in {Union, types.UnionType}:
        return Union[tuple(map(_type, parts))]  # noqa: UP007  of as many as there are
    if origin in {tuple, dict}:
        return origin[tuple(part if part in {..., Any} else _type(part) for part in parts)]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _struct(kind)
    if origin is Literal or kind in _PLAIN:
        return kind
    raise TypeError(f"No struct can be made of {kind!r}; say here how msgspec reads it.")


def _limited(kind: Any, metadata: Iterable[Any]) -> Any:
    """The type within the limits that pydantic keeps beside it."""
    limits: dict[str, Any] = {}
    for limit in metadata:
        told = {field.name: getattr(limit, field.name) for field in dataclasses.fields(limit)}
        limits |= {name: value for name, value in told.items() if value is not None}
    if strange := limits.keys() - _LIMITS:
        raise TypeError(f"No struct can be made of {kind!r} within {', '.join(strange)}; say here how msgspec does it.")
    if not limits:
        return kind
    if "pattern" in limits:
        limits["pattern"] = re.sub(r"\$$", r"\\Z", limits["pattern"])  # in Python `$` lets a last line end pass
    return Annotated[kind, msgspec.Meta(**limits)]


_LIMITS = {"min_length", "max_length", "pattern", "ge", "le"}


def _check(found: Any) -> Callable[[Any], object]:
    """A validator of the model: it only reads fields, so that it reads a struct's too."""
    if found.info.mode != "after":
        raise TypeError(f"No struct can be made with the validator {found.func!r}: it runs {found.info.mode!r}.")
    check: Callable[[Any], object] = found.func
    return check
