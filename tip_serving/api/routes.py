"""Which routes a process serves."""

from enum import StrEnum


class Routes(StrEnum):
    """`score` needs 120 MB and two seconds less than what imports LiteLLM."""

    SCORE = "score"
    GENERATE = "generate"
    ALL = "all"

    @property
    def score(self) -> bool:
        """Whether /score is among them."""
        return self in {Routes.SCORE, Routes.ALL}

    @property
    def generate(self) -> bool:
        """Whether /generate is among them."""
        return self in {Routes.GENERATE, Routes.ALL}
