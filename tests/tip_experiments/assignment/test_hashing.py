"""FNV-1a against published values, and what the line must be: even, and its seeds unrelated."""

import numpy as np
import pytest
from scipy import stats

from tip_experiments.assignment.hashing import PLACES, HashVersion, fnv1a32, place


@pytest.mark.parametrize(("text", "expected"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_ascii_hashes_as_in_the_tables_of_its_authors(text: str, expected: int) -> None:
    assert fnv1a32(text) == expected


def test_beyond_ascii_code_units_are_hashed_as_a_browser_does() -> None:
    def by_code_units(units: list[int]) -> int:
        hashed = 0x811C9DC5
        for unit in units:
            hashed = ((hashed ^ unit) * 0x01000193) % 2**32
        return hashed

    assert fnv1a32("é") == by_code_units([0xE9])
    assert fnv1a32("Я!") == by_code_units([0x42F, 0x21])
    assert fnv1a32("🦄") == by_code_units([0xD83E, 0xDD84])
    assert fnv1a32("\ud83e") == by_code_units([0xD83E])  # half a character: a browser sends such things


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("form", ["{}", "user-{:07d}", "{:032x}"])
def test_places_are_even_whatever_ids_look_like(version: HashVersion, form: str) -> None:
    places = np.array([place("exp", form.format(i), version) for i in range(20_000)])
    counts = np.bincount((places * 100).astype(int), minlength=100)
    assert places.min() >= 0
    assert places.max() < 1
    # FNV spreads running numbers more evenly than chance would, so only unevenness is a fault.
    assert stats.chi2.sf(float(((counts - 200) ** 2 / 200).sum()), 99) > 1e-4
    assert np.allclose(places * PLACES[version], np.round(places * PLACES[version]))


def test_version_2_gives_a_unit_unrelated_places_under_seeds_that_are_alike() -> None:
    units = [f"u{i}" for i in range(20_000)]
    one, other = (np.array([place(seed, unit, 2) for unit in units]) for seed in ("test-1", "test-2"))
    table = np.histogram2d(one, other, bins=10, range=[[0, 1], [0, 1]])[0]
    assert stats.chi2_contingency(table).pvalue > 1e-4
