"""The contract: every declaration together, and the one hash that names it.

A model states the hash that it was trained under; serving refuses one that states another.
"""

import hashlib
import json
from functools import cache
from typing import Any, NamedTuple

from tip_serving.features import words
from tip_serving.features.context import CONTEXT_FEATURES, ContextFeature
from tip_serving.features.profile import PROFILE_FEATURES, ProfileFeature
from tip_serving.features.tip import TIP_FEATURES, TipFeature
from tip_serving.features.vector import COLUMNS, VERSION, Column


class Contract(NamedTuple):
    """All that determines the vector."""

    profile: tuple[ProfileFeature, ...]
    context: tuple[ContextFeature, ...]
    tip: tuple[TipFeature, ...]
    columns: tuple[Column, ...]
    word_lists: tuple[frozenset[str], ...]
    version: int
    """Of the code between the declarations and the numbers."""


IN_FORCE = Contract(PROFILE_FEATURES, CONTEXT_FEATURES, TIP_FEATURES, COLUMNS, words.DEFINED, VERSION)
"""What this build declares."""


def hash_of(contract: Contract) -> str:
    """16 hex digits over every field of every declaration in its order; `meaning` is prose and does not count."""
    text = json.dumps(_determining(contract), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def contract_hash() -> str:
    """The hash of the contract in force."""
    return hash_of(IN_FORCE)


def _determining(part: Any) -> Any:
    if isinstance(part, frozenset):
        return sorted(part)
    if hasattr(part, "_asdict"):
        named = part._asdict()
        return [type(part).__name__, *(_determining(named[name]) for name in named if name != "meaning")]
    return [_determining(item) for item in part] if isinstance(part, tuple) else part
