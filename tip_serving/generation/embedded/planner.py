"""The decent writer: ranks the tasks by what the prompt shows, and does what the prompt asks for, no more.

Where a prompt gives no due dates it cannot rank, and where it asks for no first step it gives none: a better prompt
shows in its results. What it can say stands in `phrases.toml`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from tip_serving.generation.embedded.reading import Brief, ListedTask, read
from tip_serving.generation.embedded.writer import Choices, Writer
from tip_serving.generation.model import Message

_MUCH_OVERDUE = 5
_FAR_AWAY_DAYS = 10_000
_MINUTES = (10, 15, 20, 5, 25)
_LONGEST_NAME = 12  # words of a title that fit a tip; longer ones are cut
_LONGEST_NAME_CHARACTERS = 90


@cache
def _phrases() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files("tip_serving.generation.embedded").joinpath("phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _urgency(task: ListedTask) -> tuple[bool, int, int]:
    """Sorts what matters most first: overdue, then by day, then by priority."""
    days = _FAR_AWAY_DAYS if task.due_in_days is None else max(task.due_in_days, 0)
    return (not task.is_overdue, days, -task.priority)


def _short(title: str) -> str:
    words = title.split()
    cut = " ".join(words[:_LONGEST_NAME]) + "…" if len(words) > _LONGEST_NAME else title
    return cut if len(cut) <= _LONGEST_NAME_CHARACTERS else cut[: _LONGEST_NAME_CHARACTERS - 1].rstrip() + "…"


def _compose(messages: Sequence[Message], choices: Choices) -> str:
    brief = read(messages)
    said = _phrases().get(brief.language) or _phrases()["en"]
    tasks = [task for task in brief.tasks if not (brief.treats_tasks_as_data and task.gives_orders)]
    minutes = choices.pick(_MINUTES)
    if not tasks:
        return choices.pick(said["empty"]).format(minutes=3)
    ranked = sorted(tasks, key=_urgency)
    pattern = choices.pick(said[_form(brief, tasks)])
    tip = pattern.format(task=_short(ranked[0].content), other=_short(ranked[-1].content), minutes=minutes)
    if brief.word_limit is not None and len(tip.split()) > brief.word_limit:
        return choices.pick(said["name"]).format(task=_short(ranked[0].content))
    return tip


def _form(brief: Brief, tasks: Sequence[ListedTask]) -> str:
    """Which kind of sentence the prompt asks for in this situation."""
    if brief.part_of_day == "late night" and "it is late" in brief.guidance:
        return "late"
    if sum(task.is_overdue for task in tasks) >= _MUCH_OVERDUE and "move to another day" in brief.guidance:
        return "pile"
    if brief.wants_plan:
        return "plan"
    return "start" if brief.wants_first_step and brief.wants_time_box else "name"


PLANNER = Writer("planner", "1", "Ranks by due date and priority where shown, follows the prompt", _compose)
