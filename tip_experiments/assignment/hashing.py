"""FNV-1a with 32 bits, and the place on the line from 0 to 1 that it gives a unit. Nothing here knows experiments."""

import struct
from typing import Literal

HashVersion = Literal[1, 2]

PLACES: dict[HashVersion, int] = {1: 1_000, 2: 10_000}
"""How many places the line has; a unit's place is one of 0, 1/PLACES, ..., (PLACES - 1)/PLACES."""

_OFFSET, _PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def fnv1a32(text: str) -> int:
    """The FNV-1a hash of `text`, from 0 to 2**32 - 1, over its UTF-16 code units.

    For ASCII that is FNV-1a over bytes. Beyond ASCII it is not: GrowthBook's JavaScript library hashes code units, and
    an id must fall into the same bucket in a browser and here.

    Source: Fowler, Noll & Vo, draft-eastlake-fnv; GrowthBook specification 0.8.
    """
    hashed = _OFFSET
    units = text.encode("utf-16-le", "surrogatepass")
    for unit in struct.unpack(f"<{len(units) // 2}H", units):
        hashed = ((hashed ^ unit) * _PRIME) & _MASK
    return hashed


def place(seed: str, unit: str, version: HashVersion) -> float:
    """Where `unit` stands on the line of `seed`: from 0 (included) to 1 (excluded).

    Version 1 has 1,000 places, and the places of one unit under seeds that are alike are correlated; version 2 has
    10,000 and hashes twice against that. Take version 2 unless an experiment that runs was begun with version 1.

    Raises:
        ValueError: another version.

    Source: GrowthBook specification 0.8, `hash`.
    """
    if version not in PLACES:
        raise ValueError(f"Hash version {version} is unknown, expected one of {', '.join(map(str, PLACES))}")
    hashed = fnv1a32(unit + seed) if version == 1 else fnv1a32(str(fnv1a32(seed + unit)))
    return hashed % PLACES[version] / PLACES[version]
