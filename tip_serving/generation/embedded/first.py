"""The plain writer: takes the first listed task and puts it into a sentence."""

from collections.abc import Sequence

from tip_serving.generation.embedded.reading import read
from tip_serving.generation.embedded.writer import Choices, Writer
from tip_serving.generation.model import Message

_PHRASES = (
    "Start with “{task}” today.",
    "How about tackling “{task}” next?",
    "Try to get “{task}” done before anything else.",
    "“{task}” would be a good place to begin.",
)


def _compose(messages: Sequence[Message], choices: Choices) -> str:
    brief = read(messages)
    if not brief.tasks:
        return choices.pick(("Your list is empty. Enjoy the free time!", "Nothing to do: take a break."))
    return choices.pick(_PHRASES).format(task=brief.tasks[0].content)


FIRST = Writer("first", "1", "Names the first task of the list, whatever it is", _compose)
