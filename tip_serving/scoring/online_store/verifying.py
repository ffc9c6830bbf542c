"""Whether a store answers with what was put into it, asked as a server asks."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

from tip_serving.scoring.online_store.opening import open_store
from tip_serving.scoring.online_store.port import Fetched, Profiles
from tip_serving.scoring.online_store.profile import Profile, entries, shipped

_PATIENCE_S = 5.0
_SHOWN = 10


class Verified(NamedTuple):
    """What a store said about some people."""

    n_asked: int
    n_wrong: int
    faults: tuple[str, ...]
    """Of the first ten: which answer, or which features. No person and no value is named."""
    latency_p50_ms: float | None
    """None where nobody was asked about."""


def verify(url: str, profiles: Sequence[Profile]) -> Verified:
    """Ask the store at `url` about each of these profiles; a feature that it has newer is as good.

    Raises:
        StoreError: the address is of another kind.
    """
    return asyncio.run(_verified(Profiles(open_store(url), _PATIENCE_S), profiles))


async def _verified(asked: Profiles, profiles: Sequence[Profile]) -> Verified:
    faults, took_ms = [], []
    for profile in profiles:
        started = time.perf_counter()
        found = await asked.of(profile.user, None)
        took_ms.append((time.perf_counter() - started) * 1e3)
        if fault := _fault(profile, found):
            faults.append(fault)
    await asked.aclose()
    return Verified(len(profiles), len(faults), tuple(faults[:_SHOWN]), statistics.median(took_ms) if took_ms else None)


def _fault(profile: Profile, found: Fetched) -> str | None:
    if found.features is None:
        return str(found.source)
    wrong = [
        name
        for name, expected in (shipped(entries(profile)) or {}).items()
        if (told := found.features.get(name)) is None
        or told["computed_at"] < expected["computed_at"]
        or (told["computed_at"] == expected["computed_at"] and told != expected)
    ]
    return f"other than written: {', '.join(wrong)}" if wrong else None
