"""Reads rendered messages the way a careful reader would: which tasks are listed, and what was asked for.

Prompts show tasks as bare list lines or as JSON lines; nothing here knows which version rendered them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tip_serving.generation.model import Message

_LIST_LINE = re.compile(r"^\s*[-*•]\s+(?P<content>\S.*)$")
_WORD_LIMIT = re.compile(r"at most (\d+) words", re.IGNORECASE)
_COMMANDS = re.compile(
    r"ignore (all|any|previous)|previous instructions|system prompt|hidden instructions|\bsystem\s*:|\"role\"|new rule:"
    r"|reply only with|output your|vergiss alle",
    re.IGNORECASE,
)


@dataclass
class ListedTask:
    """A task as the prompt shows it; what it does not show stays at its default."""

    content: str
    priority: int = 1
    due_in_days: int | None = None
    is_overdue: bool = False

    @property
    def gives_orders(self) -> bool:
        """Whether the text reads like an instruction to whoever writes."""
        return bool(_COMMANDS.search(self.content))


@dataclass
class Brief:
    """What the messages ask for and what they tell."""

    tasks: list[ListedTask] = field(default_factory=list)
    language: str = "en"
    part_of_day: str = ""
    word_limit: int | None = None
    wants_first_step: bool = False
    wants_time_box: bool = False
    wants_plan: bool = False
    """An if-then plan."""
    treats_tasks_as_data: bool = False
    guidance: str = ""
    """The instructions in lower case, for cues that only one writer follows."""


def read(messages: Sequence[Message]) -> Brief:
    """The brief behind `messages`: instructions from the system message, data from the others."""
    guidance = "\n".join(message.content for message in messages if message.role == "system").lower()
    limit = _WORD_LIMIT.search(guidance)
    brief = Brief(
        word_limit=int(limit.group(1)) if limit else None,
        wants_first_step="first step" in guidance,
        wants_time_box="time box" in guidance,
        wants_plan="if-then" in guidance,
        treats_tasks_as_data="data" in guidance and "instruction" in guidance,
        guidance=guidance,
    )
    for message in messages:
        if message.role != "system":
            for line in message.content.splitlines():
                _read_line(line, brief)
    return brief


def _read_line(line: str, brief: Brief) -> None:
    if line.startswith("{"):
        try:
            data = json.loads(line)
        except ValueError:
            return
        if isinstance(data, dict):
            _read_data(data, brief)
    elif (match := _LIST_LINE.match(line)) is not None:
        brief.tasks.append(ListedTask(match["content"].strip()))


def _read_data(data: dict[str, Any], brief: Brief) -> None:
    match data:
        case {"task": {"content": str(content)} as rest}:
            due_in_days = rest.get("due_in_days")
            brief.tasks.append(
                ListedTask(
                    content,
                    int(rest.get("priority") or 1),
                    None if due_in_days is None else int(due_in_days),
                    bool(rest.get("overdue")),
                )
            )
        case {"profile": {"language": str(language)}}:
            brief.language = language.partition("-")[0]
        case {"moment": {"part_of_day": str(part)}}:
            brief.part_of_day = part
