"""From a situation to chat messages: the same function for the bench and for production, byte for byte."""

from typing import Any

from tip_serving.features.context import context_features, days_until_due, is_overdue
from tip_serving.features.profile import resolve
from tip_serving.generation.model import Message
from tip_serving.prompts.registry import Prompt
from tip_serving.prompts.templating import fill
from tip_serving.scenarios.model import Situation, Task

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHOWN_DESCRIPTION = 200  # characters; whole notes belong to the task, not into every prompt


def render(prompt: Prompt, situation: Situation) -> tuple[Message, ...]:
    """The system and the user message of `prompt` for `situation`.

    Raises:
        ProfileError: the situation's profile features are not as declared.
    """
    now = situation.now
    available: dict[str, Any] = {
        "moment": {
            "weekday": _WEEKDAYS[now.weekday()],
            "date": now.date().isoformat(),
            "time": now.strftime("%H:%M"),
            "iso": now.isoformat(timespec="minutes"),
        },
        "tasks": [_shown(task, situation) for task in situation.tasks],
        "profile": resolve(situation.profile_features, None, now).values,
        "context": context_features(situation),
    }
    variables = {name: available[name] for name in prompt.variables}
    return (Message("system", fill(prompt.system, variables)), Message("user", fill(prompt.user, variables)))


def _shown(task: Task, situation: Situation) -> dict[str, Any]:
    """What a template may say of a task; facts that are not there are left out, so that prompts stay short."""
    shown: dict[str, Any] = {"content": " ".join(task.content.split()), "priority": task.priority}
    if task.description:
        shown["description"] = task.description[:_SHOWN_DESCRIPTION]
    if task.project:
        shown["project"] = task.project
    if task.labels:
        shown["labels"] = list(task.labels)
    if task.due is not None:
        days = days_until_due(task, situation.now)
        if days is not None and task.due.date is not None:
            shown |= {"due": task.due.date.isoformat(), "due_in_days": days, "overdue": is_overdue(task, situation.now)}
        if task.due.time is not None:
            shown["due_time"] = task.due.time.strftime("%H:%M")
        if task.due.is_recurring:
            shown["repeats"] = task.due.string
    return shown
