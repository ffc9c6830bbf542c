"""Which group of people or moments a decision belongs to, read from its own feature vector.

One definition for the slices of the release gate and the fairness of a model card.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tip_serving.features import vector
from tip_serving.features.context import PartOfDay

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]

OTHER = "other"
_AGES = ((7.0, "under a week"), (30.0, "under a month"), (365.0, "under a year"))
_ACTIVITY = ((1.0, "no tips this week"), (8.0, "1 to 7 tips this week"))


def _place(name: str) -> int:
    return vector.names().index(name)


def _words(name: str, vocabulary: tuple[str, ...]) -> Callable[[Floats], Labels]:
    words = np.array([OTHER, *vocabulary])

    def of(vectors: Floats) -> Labels:
        codes = np.nan_to_num(vectors[:, _place(name)]).astype(np.int64)
        return words[np.clip(codes, 0, words.size - 1)]

    return of


def _bands(name: str, bands: tuple[tuple[float, str], ...], last: str) -> Callable[[Floats], Labels]:
    edges, words = np.array([edge for edge, _ in bands]), np.array([*(word for _, word in bands), last])
    return lambda vectors: words[np.searchsorted(edges, vectors[:, _place(name)], "right")]


OF_PEOPLE: dict[str, Callable[[Floats], Labels]] = {
    "language": _words("profile_language", vector.LANGUAGES),
    "region": _words("profile_region", vector.REGIONS),
    "account age": _bands("profile_account_age_days", _AGES, "a year or more"),
    "activity": _bands("profile_tips_7d", _ACTIVITY, "8 tips or more this week"),
}
"""By what fairness is looked at; each takes (n, F) vectors and returns (n,) labels."""

OF_DECISIONS: dict[str, Callable[[Floats], Labels]] = {
    "language": OF_PEOPLE["language"],
    "part of day": _words("context_part_of_day", tuple(PartOfDay)),
    "account age": OF_PEOPLE["account age"],
}
"""Slices that a release must not harm."""


def labelled(by: dict[str, Callable[[Floats], Labels]], vectors: Floats) -> dict[str, Labels]:
    """(n,) labels by column, of (n, F) vectors; what all tips of a decision share is read, so any row of it will do."""
    return {column: of(vectors) for column, of in by.items()}
