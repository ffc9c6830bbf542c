"""The files of a Feast repository, written from the feature contract; no Feast is needed to write them.

    <repo>/feature_store.yaml    where registry and online store lie
    <repo>/tip_profile.py        entity, source, one view per TTL of the contract, one service of all of them
    <repo>/data/                 Feast's own registry and, where it is SQLite, its online store

Feast has one TTL per view, the contract one per feature: features of the same TTL share a view.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from tip_serving.features.contract import Contract, hash_of
from tip_serving.features.declared import DType
from tip_serving.features.profile import DAY_S, HOUR_S, ProfileFeature
from tip_serving.scoring.online_store.profile import KEPT_S
from tip_serving.settings import Settings

PROJECT = "tip"
SERVICE = "profile"
ENTITY = "user"
MOMENT = "computed_at"
DEFINITIONS = "tip_profile.py"
CONFIGURATION = "feature_store.yaml"
SQLITE = "sqlite"
ONLINE_FILE = "data/online.db"

_TYPES = {
    DType.FLOAT: "Float64",
    DType.INT: "Int64",
    DType.BOOL: "Bool",
    DType.STRING: "String",
    DType.STRINGS: "Array(String)",
}
_HEAD = '''\
"""Profile features of contract {hash}, as Feast keeps them.

Written by `tip features feast`; run it again instead of editing this.
"""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import {types}

{entity} = Entity(name={entity_name}, join_keys=[{entity_name}], value_type=ValueType.STRING, description="a person")

snapshots = FileSource(
    name="profile_snapshots",
    path={path},
    timestamp_field={moment},
    description="features of everybody at the end of each UTC day",
)
'''
_VIEW = """
{name} = FeatureView(
    name={quoted},
    entities=[{entity}],
    ttl=timedelta(seconds={ttl_s}),
    source=snapshots,
    schema=[
        Field(name={entity_name}, dtype=String),
{fields}
    ],
)
"""
_FIELD = """\
        Field(
            name={name},
            dtype={type},
            description={meaning},
            tags={{"source": {source}, "fallback": {fallback}}},
        ),"""
_SERVICE = """
{name} = FeatureService(
    name={quoted},
    features=[{views}],
    tags={{"contract_hash": {hash}}},
)
"""
_CONFIGURATION = """\
project: {project}
provider: local
registry: data/registry.db
offline_store:
  type: dask
online_store:
{online}
entity_key_serialization_version: 3
"""


class FeastRepositoryError(ValueError):
    """A repository that cannot be written as asked."""


class View(NamedTuple):
    """Features that live equally long."""

    name: str
    ttl_s: int
    features: tuple[ProfileFeature, ...]


def views(features: Iterable[ProfileFeature]) -> list[View]:
    """One view per TTL, the shortest first; features in declared order."""

    def ttl_s(feature: ProfileFeature) -> int:
        return feature.ttl_s

    grouped = itertools.groupby(sorted(features, key=ttl_s), ttl_s)
    return [View(f"profile_{_short(ttl)}", ttl, tuple(members)) for ttl, members in grouped]


def _short(seconds: int) -> str:
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h")):
        if seconds % unit_s == 0:
            return f"{seconds // unit_s}{unit}"
    return f"{seconds}s"


def definitions(contract: Contract, snapshots: str) -> str:
    """The Python file.

    Args:
        contract: whose profile features are defined.
        snapshots: where the folder of profile snapshots lies, a path or a URL.
    """
    grouped = views(contract.profile)
    types = {_TYPES[feature.dtype].partition("(")[0] for feature in contract.profile} | {"String"}
    types |= {"Array"} if any(feature.dtype is DType.STRINGS for feature in contract.profile) else set()
    head = _HEAD.format(
        hash=hash_of(contract), types=", ".join(sorted(types)), entity=ENTITY, entity_name=_quoted(ENTITY),
        path=_quoted(snapshots), moment=_quoted(MOMENT),
    )  # fmt: skip
    service = _SERVICE.format(
        name=SERVICE, quoted=_quoted(SERVICE), views=", ".join(view.name for view in grouped),
        hash=_quoted(hash_of(contract)),
    )  # fmt: skip
    return "".join([head, *map(_view, grouped), service])


def _view(view: View) -> str:
    fields = [
        _FIELD.format(
            name=_quoted(feature.name), type=_TYPES[feature.dtype], meaning=_quoted(feature.meaning),
            source=_quoted(feature.source), fallback=_quoted(json.dumps(feature.fallback, ensure_ascii=False)),
        )
        for feature in view.features
    ]  # fmt: skip
    return _VIEW.format(
        name=view.name, quoted=_quoted(view.name), entity=ENTITY, entity_name=_quoted(ENTITY), ttl_s=view.ttl_s,
        fields="\n".join(fields),
    )  # fmt: skip


def _quoted(text: str) -> str:
    """As a literal of Python: what JSON escapes, Python reads back alike."""
    return json.dumps(text, ensure_ascii=False)


def configuration(online: str) -> str:
    """The YAML file.

    Args:
        online: `sqlite`, or the address of a Redis.

    Raises:
        FeastRepositoryError: the address is of another kind.
    """
    lines = ["type: sqlite", f"path: {ONLINE_FILE}"]
    if online != SQLITE:
        lines = ["type: redis", f"connection_string: {_quoted(_connection(online))}", f"key_ttl_seconds: {KEPT_S}"]
    return _CONFIGURATION.format(project=PROJECT, online="\n".join(f"  {line}" for line in lines))


def _connection(url: str) -> str:
    """A Redis address as Feast spells it: `host:port,db=0,password=...`."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise FeastRepositoryError(
            f"Feast cannot keep features at an address that begins with {url.partition('://')[0]!r}; expected {SQLITE} "
            f"or redis://host:port/db."
        )
    options = list(_options(parts))
    if any("," in option or "$" in option for option in options):
        raise FeastRepositoryError("Feast cannot spell a Redis user or password that holds a comma or a dollar sign.")
    return ",".join([f"{parts.hostname}:{parts.port or 6379}", *options])


def _options(parts: SplitResult) -> Iterator[str]:
    yield f"db={parts.path.strip('/') or '0'}"
    if parts.username:
        yield f"username={unquote(parts.username)}"
    if parts.password:
        yield f"password={unquote(parts.password)}"
    if parts.scheme == "rediss":
        yield "ssl=true"


def folder_of(chosen: Settings) -> Path:
    """Where the repository of an installation lies, unless somebody says otherwise."""
    return chosen.home / "feast"


def write(folder: Path, contract: Contract, snapshots: str, online: str) -> None:
    """Write both files into `folder`, which is made where there is none; others may not read them.

    An online store in SQLite that was there is taken away: who is gone from the lake is gone from it too. In Redis,
    Feast lets a person go whom it has not been told of for as long as any feature lives.

    Raises:
        FeastRepositoryError: `online` is of another kind.
    """
    texts = {DEFINITIONS: definitions(contract, snapshots), CONFIGURATION: configuration(online)}
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        path.touch(mode=0o600)  # an address of Redis may hold a password
        path.write_text(text, encoding="utf-8")
    (folder / ONLINE_FILE).unlink(missing_ok=True)
