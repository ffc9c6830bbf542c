"""What an embedded writer is, and how its choices follow from the messages, the temperature and the seed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from tip_serving.generation.model import Message

T = TypeVar("T")


class Choices:
    """Repeatable choices: at temperature 0 always the first option, above it a draw that follows from the seed."""

    def __init__(self, messages: Sequence[Message], temperature: float, seed: int | None) -> None:
        content = "\x00".join(message.content for message in messages)
        digest = hashlib.sha256(f"{seed}\x00{content}".encode()).digest()
        self._random = Random(digest)  # noqa: S311  phrasing, not security
        self._temperature = temperature

    def pick(self, options: Sequence[T]) -> T:
        """One of `options`, the first of which is the writer's favourite; a higher temperature strays further."""
        if self._temperature == 0 or len(options) == 1:
            return options[0]
        reach = min(len(options), 1 + round(self._temperature * len(options)))
        return options[self._random.randrange(reach)]


@dataclass(frozen=True, slots=True)
class Writer:
    """An offline model. A change in what it writes is a new version, and so writes other candidates."""

    name: str
    version: str
    summary: str
    compose: Callable[[Sequence[Message], Choices], str]

    def write(self, messages: Sequence[Message], *, temperature: float, seed: int | None) -> str:
        """The tip for these messages."""
        return self.compose(messages, Choices(messages, temperature, seed))
