"""Tip features: what a candidate says, held against the situation. Neither prompt nor model that wrote it is one.

Task titles are read once per situation (`Reference`), then every tip costs a few microseconds. The features of a tip
are kept as the bytes of float64 from the start: joining them makes a table in a fifth of the time of Python's numbers.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import nan
from typing import NamedTuple

from tip_serving.features.context import MAX_DAYS, Standing, standings
from tip_serving.features.declared import Between, DType, Range
from tip_serving.features.words import PLAN_WORDS, TIME_WORDS, minutes, numbers, telling, words
from tip_serving.scenarios.model import Situation, Task

MAX_LENGTH = 10_000
"""Characters; what follows in a longer tip is not read."""
_KEPT_LENGTH = 300  # characters of a tip whose reading is kept, so that what is kept stays within 10 MB
_SHARED_FOR_NAMED = 0.5  # of the telling words of a title
_MAX_MINUTES = 599_940  # 9,999 hours


class TipFeature(NamedTuple):
    """One declared feature. `may_be_nan`: NaN where the tip or the situation has no such thing."""

    name: str
    dtype: DType
    allowed: Range
    meaning: str
    may_be_nan: bool = False


_COUNT = Between(0, MAX_LENGTH)
_SHARE = Between(0, 1)
_FLAG = Between(0, 1)

TIP_FEATURES = (
    TipFeature("characters", DType.INT, _COUNT, "length"),
    TipFeature("words", DType.INT, _COUNT, "words, numbers and pairs of wide characters"),
    TipFeature("numbers", DType.INT, _COUNT, "numbers in digits"),
    TipFeature("minutes", DType.INT, Between(0, _MAX_MINUTES), "the first time box; NaN: none", may_be_nan=True),
    TipFeature("time_words", DType.INT, _COUNT, "different words of time, such as today"),
    TipFeature("plan_words", DType.INT, _COUNT, "different words of a plan, such as when"),
    TipFeature("exclamations", DType.INT, _COUNT, "exclamation marks"),
    TipFeature("is_question", DType.BOOL, _FLAG, "ends with a question mark"),
    TipFeature(
        "pressing_overlap", DType.FLOAT, _SHARE,
        "share of the telling words in the title of the task that matters most; NaN: no task", may_be_nan=True,
    ),
    TipFeature(
        "best_overlap", DType.FLOAT, _SHARE, "the same share for the task that has most; NaN: no task", may_be_nan=True
    ),
    TipFeature("names_task", DType.BOOL, _FLAG, "half of the telling words of a title, or more"),
    TipFeature("names_overdue", DType.BOOL, _FLAG, "the named task is overdue"),
    TipFeature("names_due_today", DType.BOOL, _FLAG, "the named task is due later today"),
    TipFeature("names_favourite", DType.BOOL, _FLAG, "the named task has a favourite label"),
    TipFeature(
        "named_priority", DType.INT, Between(1, 4), "priority of the named task; NaN: none named", may_be_nan=True
    ),
    TipFeature(
        "named_due_days", DType.INT, Between(-MAX_DAYS, MAX_DAYS),
        "days until the named task is due, negative where overdue; NaN: none named, or no day", may_be_nan=True,
    ),
)  # fmt: skip

_N_ALONE = 8
"""Features that a tip has whatever the situation: characters to is_question."""
_as_bytes = struct.Struct(f"{_N_ALONE}d").pack
_held_as_bytes = struct.Struct(f"{len(TIP_FEATURES) - _N_ALONE}d").pack
_UNNAMED = (0.0, 0.0, 0.0, 0.0, nan, nan)
_WITHOUT_TASKS = _held_as_bytes(nan, nan, *_UNNAMED)
_NAMES_NOTHING = _held_as_bytes(0.0, 0.0, *_UNNAMED)


@dataclass(frozen=True, slots=True)
class Reference:
    """The tasks of a situation as a tip is held against them, in the order of their urgency."""

    tasks: tuple[tuple[Task, Standing], ...]
    titles: tuple[tuple[set[str], int], ...]
    """The telling words of each task's title, and how many there are, at least 1."""
    words: frozenset[str]
    """Of all titles."""
    favourites: frozenset[str]
    """Labels."""

    @classmethod
    def of(cls, situation: Situation, favourite_labels: Sequence[str]) -> "Reference":
        """The reference of this situation for a person with these favourite labels."""
        tasks = tuple(sorted(zip(situation.tasks, standings(situation), strict=True), key=_urgency))
        titles = [telling(task.content) for task, _ in tasks]
        sized = tuple([(title, len(title) or 1) for title in titles])
        return cls(tasks, sized, frozenset().union(*titles), frozenset(favourite_labels))

    def held(self, said: frozenset[str]) -> bytes:
        """The features, pressing_overlap to named_due_days, of a tip with these words.

        Of tasks with equal shares of their words in the tip the one that matters more is named.
        """
        if not self.tasks:
            return _WITHOUT_TASKS
        shared = said & self.words
        if not shared:
            return _NAMES_NOTHING
        shares = [len(shared & title) / size for title, size in self.titles]
        best = max(shares)
        named = self._named(shares.index(best)) if best >= _SHARED_FOR_NAMED else _UNNAMED
        return _held_as_bytes(shares[0], best, *named)

    def _named(self, place: int) -> tuple[float, ...]:
        """The features of a tip that names this task: names_task to named_due_days."""
        task, (days, is_overdue) = self.tasks[place]
        return (
            True,
            is_overdue,
            days == 0 and not is_overdue,
            not self.favourites.isdisjoint(task.labels),
            task.priority,
            nan if days is None else min(max(days, -MAX_DAYS), MAX_DAYS),
        )


def _urgency(standing_task: tuple[Task, Standing]) -> tuple[bool, int, int]:
    """What matters most comes first: overdue before due, nearer before later, then the higher priority."""
    task, (days, is_overdue) = standing_task
    return not is_overdue, MAX_DAYS if days is None else max(days, 0), -task.priority


def tip_rows(tips: Sequence[str], reference: Reference, before: bytes = b"") -> bytes:
    """For each tip float64 in the machine's order: the features in declared order, booleans as 0 and 1.

    Holds for any texts, empty ones too.

    Args:
        tips: the texts.
        reference: what they are held against.
        before: what stands before the features of each tip.
    """
    parts: list[bytes] = []
    for tip in tips:
        alone, said = _read_again(tip) if len(tip) <= _KEPT_LENGTH else _read_tip(tip)
        parts += (before, alone, reference.held(said))
    return b"".join(parts)


def tip_features(tip: str, reference: Reference) -> tuple[float, ...]:
    """The features of one tip in declared order, booleans as 0 and 1; holds for any text, an empty one too."""
    return struct.unpack(f"{len(TIP_FEATURES)}d", tip_rows((tip,), reference))


def _read_tip(tip: str) -> tuple[bytes, frozenset[str]]:
    """The features that a tip has whatever the situation, and its words."""
    tip = tip[:MAX_LENGTH]
    found = words(tip)
    said = frozenset(found)
    places = numbers(found)
    time_box = minutes(found, places) if places else None
    alone = _as_bytes(
        len(tip),
        len(found),
        len(places),
        nan if time_box is None else time_box,
        len(said & TIME_WORDS),
        len(said & PLAN_WORDS),
        tip.count("!") + tip.count("\uff01"),
        tip.rstrip().endswith(("?", "\uff1f")),
    )
    return alone, said


# A catalogue of tips is asked about for every person; reading a tip takes twice as long as holding it against tasks.
_read_again = lru_cache(maxsize=2048)(_read_tip)
