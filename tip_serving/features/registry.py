"""Holds a caller's registry against the contract: every difference in names and TTLs, in one list."""

from collections import Counter
from collections.abc import Iterator

from tip_serving.features.contract import Contract
from tip_serving.features.typescript import Entry, Registry


def differences(registry: Registry, contract: Contract) -> list[str]:
    """Every difference, in the order of the contract, then what only the registry has; empty where they agree.

    A registry may list context features; as these are never cached, their TTL is 0 or left out.
    """
    profile = {feature.name: feature.ttl_s for feature in contract.profile}
    context = {feature.name for feature in contract.context}
    # Objects of all kinds have a name; without a TTL they count only where the contract knows that name.
    listed = [entry for entry in registry.entries if entry.ttl_s is not None or entry.name in profile]
    return [
        *_missing(profile, listed),
        *_other_ttls(profile, listed),
        *_cached(context, listed),
        *_undeclared({*profile, *context}, listed),
        *_repeated(listed),
    ]


def _missing(profile: dict[str, int], listed: list[Entry]) -> Iterator[str]:
    known = {entry.name for entry in listed}
    for name, ttl_s in profile.items():
        if name not in known:
            yield f"{name}: is declared with ttlSec {ttl_s} and not in the registry"


def _other_ttls(profile: dict[str, int], listed: list[Entry]) -> Iterator[str]:
    order = {name: place for place, name in enumerate(profile)}
    for entry in sorted((entry for entry in listed if entry.name in profile), key=lambda entry: order[entry.name]):
        if entry.ttl_s is None:
            yield f"{entry.name}: has no ttlSec in line {entry.line}; {profile[entry.name]} is declared"
        elif entry.ttl_s != profile[entry.name]:
            declared = profile[entry.name]
            yield f"{entry.name}: has ttlSec {entry.ttl_s:.15g} in line {entry.line}; {declared} is declared"


def _cached(context: set[str], listed: list[Entry]) -> Iterator[str]:
    for entry in listed:
        if entry.name in context and entry.ttl_s:
            yield (
                f"{entry.name}: has ttlSec {entry.ttl_s:.15g} in line {entry.line}; "
                "it is a context feature, derived at each call and never cached"
            )


def _undeclared(declared: set[str], listed: list[Entry]) -> Iterator[str]:
    for entry in listed:
        if entry.name not in declared:
            yield f"{entry.name}: is in the registry in line {entry.line} and not declared"


def _repeated(listed: list[Entry]) -> Iterator[str]:
    for name, n in Counter(entry.name for entry in listed).items():
        if n > 1:
            lines = ", ".join(str(entry.line) for entry in listed if entry.name == name)
            yield f"{name}: is in the registry {n} times, in lines {lines}"
