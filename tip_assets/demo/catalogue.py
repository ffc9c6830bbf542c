"""The tips that the app knows by heart, and in which of the demo's languages any tip is written.

The language is told by small words, without the task that a tip quotes. Data stands in `catalogue.toml`.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from tip_serving.features.words import words

_QUOTED = re.compile(r"“[^”]*”|„[^“]*“|«[^»]*»")


def known_tips(language: str) -> tuple[str, ...]:
    """The tips that the app knows by heart in a language."""
    return tuple(_data()["tips"][language])


@lru_cache(maxsize=4096)
def language_of(tip: str) -> str:
    """The language whose small words the tip has most of; English where it has none."""
    said = words(_QUOTED.sub(" ", tip))
    small = _small_words()
    return max(small, key=lambda language: sum(word in small[language] for word in said))


@cache
def _small_words() -> Mapping[str, frozenset[str]]:
    return {language: frozenset(listed.split()) for language, listed in _data()["small_words"].items()}


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("tip_assets.demo").joinpath("catalogue.toml").read_text(encoding="utf-8"))
