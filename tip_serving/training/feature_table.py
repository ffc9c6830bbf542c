"""Stored requests as a table of features, by the very functions that serving calls.

Grain: one row per candidate tip of a request. Columns: decision_id, tip_id, position, contract_hash, then every
column of the vector as Float64, NaN (never null) where the contract declares it.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tip_serving.features.context import resolve_context
from tip_serving.features.contract import contract_hash
from tip_serving.features.profile import resolve
from tip_serving.features.vector import names, vectors
from tip_serving.lake.tables import Schema
from tip_serving.scenarios.model import Situation


class StoredRequest(NamedTuple):
    """What a request asked about, as it was kept."""

    decision_id: str
    situation: Situation
    """With the profile features that were used, those of the online store too."""
    tips: Mapping[str, str]
    """Text of each candidate by its id, in the order of the request."""
    context: Mapping[str, Any] | None = None
    """Context features that the caller shipped."""
    computed_at: Mapping[str, dt.datetime] | None = None
    """When the profile features were computed, where an online store said so."""


def feature_schema() -> Schema:
    """The columns of the table in order."""
    head: Schema = {"decision_id": pl.String, "tip_id": pl.String, "position": pl.Int32, "contract_hash": pl.String}
    return head | dict.fromkeys(names(), pl.Float64())


def feature_table(stored: Iterable[StoredRequest]) -> pl.DataFrame:
    """The features of every candidate, requests and candidates in their order.

    Raises:
        ProfileError: the profile features of a request are not as declared.
        ContextError: the same of the context features that a caller shipped.
    """
    keys: list[tuple[str, str, int, str]] = []
    blocks = [np.empty((0, len(names())))]
    for request in stored:
        situation = request.situation
        profile = resolve(situation.profile_features, request.computed_at, situation.now)
        context = resolve_context(request.context, situation).values
        blocks.append(vectors(profile, context, list(request.tips.values()), situation))
        keys += [(request.decision_id, tip_id, place, contract_hash()) for place, tip_id in enumerate(request.tips)]
    schema = feature_schema()
    head = pl.DataFrame(keys, schema={name: schema[name] for name in schema if name not in names()}, orient="row")
    return head.hstack(pl.from_numpy(np.vstack(blocks), schema=list(names()), orient="row"))
