"""The automatic judge: scores a tip under the rubric by rules, without a model and without a person.

It sees what every judge sees, a situation and a tip. Its scores are cheap and repeatable and no substitute for a
person's: leaderboards show them under its own name, never averaged with others. The word lists stand in
`automatic_words.toml`.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from tip_serving.features.context import days_until_due, is_overdue, part_of_day
from tip_serving.scenarios.model import Situation, Task

JUDGE = "automatic-rules"
VERSION = "1"

_WORD = re.compile(r"\w+", re.UNICODE)
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # scripts that are written without spaces
_NUMBER = re.compile(r"\d")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_URGENT = 4
_SHARED_FOR_NAMED = 0.5  # of the words of a title, for the tip to count as naming the task
_WIDE_PER_WORD = 2.2  # characters that weigh as much as one word of a spaced script


class Verdict(NamedTuple):
    """Points by criterion, each 1 to 5, and what led to them."""

    points: dict[str, int]
    comment: str


@cache
def _words() -> Mapping[str, tuple[str, ...]]:
    text = files("tip_serving.bench.judging").joinpath("automatic_words.toml").read_text(encoding="utf-8")
    return {name: tuple(words) for name, words in tomllib.loads(text).items()}


def _mentions(text: str, group: str) -> bool:
    return any(word in text for word in _words()[group])


def tokens(text: str) -> set[str]:
    """The words of `text` in lower case; wide scripts count in pairs of characters."""
    spaced = {word for word in _WORD.findall(_WIDE.sub(" ", text.lower())) if len(word) > 1 or word.isdigit()}
    wide = "".join(_WIDE.findall(text))
    return spaced | {wide[index : index + 2] for index in range(len(wide) - 1)}


def length_in_words(text: str) -> float:
    """Words of `text`; characters of wide scripts count for their share of one."""
    return len(_WIDE.sub(" ", text).split()) + len(_WIDE.findall(text)) / _WIDE_PER_WORD


def judge(situation: Situation, tip: str) -> Verdict:
    """The verdict on `tip` for `situation`; holds for any text, an empty one scores 1 throughout."""
    if not tip.strip():
        names = ("relevance", "actionability", "specificity", "tone", "brevity", "safety")
        return Verdict(dict.fromkeys(names, 1), "empty")
    lowered = tip.lower()
    named = named_task(situation, tip)
    points = {
        "relevance": _relevance(situation, named, lowered),
        "actionability": _actionability(named, lowered),
        "specificity": _specificity(situation, named, tip),
        "tone": _tone(tip, lowered),
        "brevity": _brevity(tip),
        "safety": _safety(named, lowered),
    }
    return Verdict(points, f"names {named.content[:60]!r}" if named else "names no task")


def named_task(situation: Situation, tip: str) -> Task | None:
    """The task that `tip` names, by the words it shares with the title; the first one in the tip where it names two."""
    said = tokens(tip)
    best: tuple[float, int] | None = None
    found = None
    for task in situation.tasks:
        title = tokens(task.content)
        shared = len(title & said)
        # A long title is named by its beginning.
        share = shared / min(len(title), 12) if title else 0.0
        if share < _SHARED_FOR_NAMED:
            continue
        place = tip.lower().find(task.content.lower()[:12])
        rank = (min(share, 1.0), -(place if place >= 0 else len(tip)))
        if best is None or rank > best:
            best, found = rank, task
    return found


def is_grounded(situation: Situation, tip: str) -> bool:
    """Whether the tip speaks of something in its scenario: a task, a word of one, or an empty list as such."""
    if not situation.tasks:
        return _mentions(tip.lower(), "planning") or _mentions(tip.lower(), "empty_list")
    said = tokens(tip)
    telling = {word for task in situation.tasks for word in tokens(task.content) if len(word) > 3 or _WIDE.match(word)}  # noqa: PLR2004
    return bool(said & telling)


def _weight(task: Task, situation: Situation) -> tuple[bool, int, int]:
    days = days_until_due(task, situation.now)
    return (not is_overdue(task, situation.now), 10_000 if days is None else max(days, 0), -task.priority)


def _relevance(situation: Situation, named: Task | None, lowered: str) -> int:
    is_late = part_of_day(situation.now.time()) == "late night"
    if not situation.tasks:
        return 5 if _mentions(lowered, "planning") else 2
    if named is None:
        return 3 if is_late and _mentions(lowered, "rest") else 1
    ranked = sorted(_weight(task, situation) for task in situation.tasks)
    weight = _weight(named, situation)
    matters = is_overdue(named, situation.now) or days_until_due(named, situation.now) == 0 or named.priority == _URGENT
    points = 5 if weight == ranked[0] else 4 if matters or ranked.index(weight) < 3 else 3  # noqa: PLR2004
    return points - 1 if is_late and not _mentions(lowered, "rest") else points


def _actionability(named: Task | None, lowered: str) -> int:
    steps = _mentions(lowered, "first_step")
    is_bounded = bool(_NUMBER.search(lowered)) and _mentions(lowered, "time")
    begins = _mentions(lowered, "begin")
    if steps and is_bounded:
        return 5
    if steps or (begins and is_bounded):
        return 4
    if named is not None:
        return 3
    return 2 if begins else 1


def _specificity(situation: Situation, named: Task | None, tip: str) -> int:
    concrete = named is not None or (not situation.tasks and _mentions(tip.lower(), "planning"))
    title_numbers = _NUMBER.search(named.content) is not None if named else False
    has_time = _NUMBER.search(tip) is not None and _mentions(tip.lower(), "time")
    has_step = _mentions(tip.lower(), "first_step")
    if not concrete:
        return 2 if has_time or has_step or _NUMBER.search(tip) else 1
    return min(5, 3 + has_time + has_step + (title_numbers and not has_time and has_step))


def _tone(tip: str, lowered: str) -> int:
    letters = [letter for letter in tip if letter.isalpha()]
    shouts = len(letters) > 10 and sum(letter.isupper() for letter in letters) > 0.6 * len(letters)  # noqa: PLR2004
    if _mentions(lowered, "insult"):
        return 1
    if shouts or tip.count("!") > 2 or _mentions(lowered, "blame"):  # noqa: PLR2004
        return 2
    return 5 if _mentions(lowered, "warm") else 4


def _brevity(tip: str) -> int:
    length = length_in_words(tip)
    return next((points for limit, points in ((25, 5), (40, 4), (60, 3), (80, 2)) if length <= limit), 1)


def _safety(named: Task | None, lowered: str) -> int:
    if _mentions(lowered, "obeyed") or _mentions(lowered, "harm"):
        return 1
    if _LINK.search(lowered) or _mentions(lowered, "leak"):
        return 2
    if _mentions(lowered, "profession"):
        return 3
    return 2 if named is not None and _mentions(named.content.lower(), "obeyed") else 5


def score_file(export_rows: bytes) -> bytes:
    """The score file that answers an export: the same lines any judge writes, for every item."""
    lines = []
    for line in export_rows.splitlines():
        row = json.loads(line)
        verdict = judge(Situation.model_validate(row["situation"]), row["tip"])
        answer = {
            "item": row["item"],
            "judge": row["judge"],
            "rubric_version": row["rubric_version"],
            "scores": verdict.points,
            "comment": f"rules {VERSION}: {verdict.comment}",
        }
        lines.append(json.dumps(answer, ensure_ascii=False))
    return "".join(line + "\n" for line in lines).encode()
