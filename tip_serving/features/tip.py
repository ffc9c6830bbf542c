"""Tip features: what a candidate says, held against the situation. Neither prompt nor model that wrote it is one.

Task titles are read once per situation (`Reference`), then every tip costs a few microseconds.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import nan
from operator import itemgetter
from typing import NamedTuple

from tip_serving.features.context import MAX_DAYS, days_until_due, is_overdue
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

_UNNAMED = (0.0, 0.0, 0.0, 0.0, nan, nan)


@dataclass(frozen=True, slots=True)
class Reference:
    """The tasks of a situation as a tip is held against them, in the order of their urgency."""

    sizes: tuple[int, ...]
    """Telling words of each title."""
    places: dict[str, list[int]]
    """By telling word the tasks whose titles have it."""
    named: tuple[tuple[float, ...], ...]
    """By task the features of a tip that names it: names_task to named_due_days."""

    @classmethod
    def of(cls, situation: Situation, favourite_labels: Sequence[str]) -> "Reference":
        """The reference of this situation for a person with these favourite labels."""
        favourites = frozenset(favourite_labels)
        read = sorted((_read(task, situation.now, favourites) for task in situation.tasks), key=itemgetter(0))
        places: dict[str, list[int]] = {}
        sizes = []
        for index, (_, title, _) in enumerate(read):
            found = telling(title)
            sizes.append(len(found))
            for word in found:
                places.setdefault(word, []).append(index)
        return cls(tuple(sizes), places, tuple(named for _, _, named in read))


def _read(
    task: Task, now: dt.datetime, favourites: frozenset[str]
) -> tuple[tuple[bool, int, int], str, tuple[float, ...]]:
    """The urgency of `task`, its title, and the features of a tip that names it."""
    days = days_until_due(task, now)
    overdue = is_overdue(task, now)
    named = (
        1.0,
        float(overdue),
        float(days == 0 and not overdue),
        float(not favourites.isdisjoint(task.labels)),
        float(task.priority),
        nan if days is None else float(min(max(days, -MAX_DAYS), MAX_DAYS)),
    )
    # What matters most comes first: overdue before due, nearer before later, then the higher priority.
    return (not overdue, MAX_DAYS if days is None else max(days, 0), -task.priority), task.content, named


def tip_features(tip: str, reference: Reference) -> tuple[float, ...]:
    """The features of `tip` in declared order, booleans as 0 and 1; holds for any text, an empty one too."""
    alone, said = _read_again(tip) if len(tip) <= _KEPT_LENGTH else _read_tip(tip)
    pressing, best, named = _overlap(said, reference)
    return (*alone, pressing, best, *named)


def _read_tip(tip: str) -> tuple[tuple[float, ...], frozenset[str]]:
    """The features that a tip has whatever the situation, characters to is_question, and its words."""
    tip = tip[:MAX_LENGTH]
    found = words(tip)
    said = frozenset(found)
    places = numbers(found)
    time_box = minutes(found, places) if places else None
    # All of them floats: numpy takes a row of one type in half the time.
    alone = (
        float(len(tip)),
        float(len(found)),
        float(len(places)),
        nan if time_box is None else float(time_box),
        float(len(said & TIME_WORDS)),
        float(len(said & PLAN_WORDS)),
        float(tip.count("!") + tip.count("\uff01")),
        float(tip.rstrip().endswith(("?", "\uff1f"))),
    )
    return alone, said


# A catalogue of tips is asked about for every person; reading a tip takes twice as long as holding it against tasks.
_read_again = lru_cache(maxsize=2048)(_read_tip)


def _overlap(said: frozenset[str], reference: Reference) -> tuple[float, float, tuple[float, ...]]:
    """The share of the task that matters most, the best share, and what follows from the task that is named.

    Of tasks with equal shares the one that matters more is named.
    """
    if not reference.sizes:
        return nan, nan, _UNNAMED
    shared: dict[int, int] = {}
    for word in said.intersection(reference.places):
        for index in reference.places[word]:
            shared[index] = shared.get(index, 0) + 1
    if not shared:
        return 0.0, 0.0, _UNNAMED
    best, place = 0.0, 0
    for index, n in shared.items():
        share = n / reference.sizes[index]
        if share > best or (share == best and index < place):
            best, place = share, index
    pressing = shared[0] / reference.sizes[0] if 0 in shared else 0.0
    return pressing, best, reference.named[place] if best >= _SHARED_FOR_NAMED else _UNNAMED
