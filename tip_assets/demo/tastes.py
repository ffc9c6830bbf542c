"""Which tip a person would take, and with which probability: the truth that the demo knows and nobody else does.

The log-odds are linear in what a tip says, with weights that depend on the person and the moment: the diligent want
the pressing task named, those who are behind are put off by that, newcomers like to be asked, and in the late evening
nobody wants to begin anything. So there is a best tip for everybody, and no tip that is best for all.
"""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_assets.demo.people import Person
from tip_serving.features.context import is_overdue
from tip_serving.features.tip import TIP_FEATURES, Reference, tip_features
from tip_serving.scenarios.model import Situation

_NAMES = [feature.name for feature in TIP_FEATURES]
_WORDS, _MINUTES, _TIME, _PLAN, _QUESTION, _NAMED, _PRESSING = (
    _NAMES.index(name)
    for name in ("words", "minutes", "time_words", "plan_words", "is_question", "names_task", "pressing_overlap")
)
_MUCH_OVERDUE = 6
_NEW_DAYS = 60
_TIRED_FROM, _TIRED_UNTIL = 20, 6
_EASY_WORDS = 10
_BASE = -1.5
_FOREIGN = -1.6


class Mood(NamedTuple):
    """What of a person and a moment decides about tips; each in [0, 1]."""

    diligence: float
    behind: float
    """0: nothing is overdue, 1: far too much."""
    tired: float
    new: float

    @classmethod
    def of(cls, person: Person, situation: Situation) -> "Mood":
        """The mood of `person` in `situation`."""
        n_overdue = sum(is_overdue(task, situation.now) for task in situation.tasks)
        hour = situation.now.hour
        is_new = (situation.now - person.signed_up) < dt.timedelta(days=_NEW_DAYS)
        return cls(
            diligence=person.diligence,
            behind=min(n_overdue / _MUCH_OVERDUE, 1.0),
            tired=float(hour >= _TIRED_FROM or hour < _TIRED_UNTIL),
            new=float(is_new),
        )


def chances(
    person: Person, situation: Situation, tips: Sequence[str], is_own_language: Sequence[bool]
) -> NDArray[np.float64]:
    """(K,) float64 in (0, 1), the true probability of each tip to be accepted if it is shown.

    Args:
        person: who would see it.
        situation: the moment and the open tasks.
        tips: (K,) texts.
        is_own_language: (K,) whether a text is written in the person's language.
    """
    reference = Reference.of(situation, ())
    said = np.nan_to_num(np.array([tip_features(tip, reference) for tip in tips]))
    odds = _log_odds(Mood.of(person, situation), said) + person.warmth
    odds += np.where(is_own_language, 0.0, _FOREIGN)
    return np.asarray(1 / (1 + np.exp(-odds)), np.float64)


def _log_odds(mood: Mood, said: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) float64: what the texts alone make of the mood; `said` is (K, F) as `tip_features` has it."""
    named, pressing, question = said[:, _NAMED], said[:, _PRESSING], said[:, _QUESTION]
    has_minutes, has_time, has_plan = said[:, _MINUTES] > 0, said[:, _TIME] > 0, said[:, _PLAN] > 0
    long_winded = np.clip((said[:, _WORDS] - _EASY_WORDS) / _EASY_WORDS, 0, 2)
    odds: NDArray[np.float64] = (
        _BASE
        + (0.7 + 1.7 * mood.diligence - 2.4 * mood.behind - 2.0 * mood.tired) * named
        + 0.9 * mood.diligence * (1 - mood.behind) * pressing
        + (0.1 + 0.6 * mood.diligence - 0.6 * mood.tired) * has_minutes
        + (0.5 * mood.behind + 0.9 * mood.tired) * has_plan
        + (0.8 * mood.tired - 0.2) * has_time
        + (1.3 * mood.new + 0.6 * mood.behind - 0.6 * mood.diligence) * question
        - (0.3 + 0.5 * mood.behind) * long_winded
    )
    return odds
