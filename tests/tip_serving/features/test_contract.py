"""The contract's hash: any declaration that changes, changes it; prose does not."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tip_serving.features.contract import IN_FORCE, Contract, contract_hash, hash_of
from tip_serving.features.declared import Between, DType, Text, Texts

PARTS = ("profile", "context", "tip", "columns")


def other(value: Any) -> Any:
    """Something else of a similar kind."""
    if isinstance(value, Between | Text | Texts):  # their last field is a number
        return value._replace(**{value._fields[-1]: value[-1] + 1})
    if isinstance(value, DType):
        return DType.STRINGS if value is not DType.STRINGS else DType.FLOAT
    if isinstance(value, bool) or value is None:
        return not value
    return (
        value + {str: "x", int: 1, float: 1, tuple: ("x",)}[type(value) if type(value) in {int, float, tuple} else str]
    )


def changed() -> Iterator[tuple[str, Contract]]:
    """The contract with one field of one declaration changed, for every field of every declaration."""
    for part in PARTS:
        declared = getattr(IN_FORCE, part)
        for place, feature in enumerate(declared):
            for name in feature._fields:
                if name != "meaning":
                    edited = feature._replace(**{name: other(getattr(feature, name))})
                    renewed = (*declared[:place], edited, *declared[place + 1 :])
                    yield f"{part} {feature.name} {name}", IN_FORCE._replace(**{part: renewed})


def test_every_field_of_every_declaration_changes_the_hash_to_one_of_its_own() -> None:
    hashes = {label: hash_of(contract) for label, contract in changed()}
    assert len(hashes) > 300
    assert contract_hash() not in hashes.values()
    assert len(set(hashes.values())) == len(hashes)


@pytest.mark.parametrize("part", PARTS)
def test_order_number_and_place_of_declarations_change_the_hash(part: str) -> None:
    declared = getattr(IN_FORCE, part)
    variants = [declared[::-1], declared[1:], declared[:-1], (*declared, declared[0]), ()]
    hashes = {hash_of(IN_FORCE._replace(**{part: variant})) for variant in variants}
    assert len(hashes) == len(variants)
    assert contract_hash() not in hashes


@pytest.mark.parametrize("place", range(len(IN_FORCE.word_lists)))
def test_a_word_more_or_less_and_the_version_change_the_hash(place: int) -> None:
    lists = IN_FORCE.word_lists
    for edited in (lists[place] | {"zzz"}, lists[place] - {min(lists[place])}):
        assert hash_of(IN_FORCE._replace(word_lists=(*lists[:place], edited, *lists[place + 1 :]))) != contract_hash()
    assert hash_of(IN_FORCE._replace(version=IN_FORCE.version + 1)) != contract_hash()


def test_prose_does_not_change_the_hash() -> None:
    for part in PARTS:
        reworded = tuple(feature._replace(meaning="said otherwise") for feature in getattr(IN_FORCE, part))
        assert hash_of(IN_FORCE._replace(**{part: reworded})) == contract_hash()


def test_another_process_with_another_seed_of_hashes_names_the_same_contract() -> None:
    program = "from tip_serving.features.contract import contract_hash; print(contract_hash())"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == contract_hash()
    assert len(contract_hash()) == 16
    int(contract_hash(), 16)


def test_every_declaration_is_whole() -> None:
    for feature in (*IN_FORCE.profile, *IN_FORCE.context, *IN_FORCE.tip, *IN_FORCE.columns):
        assert feature.name
        assert feature.meaning
    json.dumps([feature.fallback for feature in (*IN_FORCE.profile, *IN_FORCE.context)])
    assert all(feature.source and feature.freshness for feature in IN_FORCE.context)
