"""The naive writer: a maxim that fits everybody and nobody."""

import hashlib
from collections.abc import Sequence

from tip_serving.generation.embedded.writer import Choices, Writer
from tip_serving.generation.model import Message

_MAXIMS = (
    "Focus on one thing at a time.",
    "Small steps add up: start before you feel ready.",
    "Plan tomorrow before you end today.",
    "Take regular breaks to stay fresh.",
    "Do the hardest task first.",
    "If it takes less than two minutes, do it now.",
    "Turn off notifications while you work.",
    "Done is better than perfect.",
)


def _compose(messages: Sequence[Message], choices: Choices) -> str:
    start = hashlib.sha256("".join(message.content for message in messages).encode()).digest()[0]
    return choices.pick([_MAXIMS[(start + step) % len(_MAXIMS)] for step in range(len(_MAXIMS))])


MAXIM = Writer("maxim", "1", "A general maxim; reads no task", _compose)
