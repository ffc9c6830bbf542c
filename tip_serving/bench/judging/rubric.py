"""The rubric that judges score by: versioned, one TOML file each under `rubrics/`."""

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from statistics import fmean
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

DEFAULT = "r1"
BROUGHT = "brought"
"""The rubric version of scores that were measured elsewhere: one number, on whatever scale it came."""
SCALE_MIN = 1
SCALE_MAX = 5


class RubricError(Exception):
    """A rubric version that does not exist."""


class Criterion(BaseModel):
    """One thing to score, with what each point of the scale means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    question: str
    anchors: Annotated[tuple[str, ...], Field(min_length=5, max_length=5)]
    """For 1, 2, 3, 4 and 5 points."""


class Rubric(BaseModel):
    """All criteria of one version. The score of a tip is the mean of its criteria, in [1, 5]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    instructions: str
    criteria: tuple[Criterion, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The criteria by name, in the rubric's order."""
        return tuple(criterion.name for criterion in self.criteria)

    @property
    def content_hash(self) -> str:
        """16 hex digits over every word of the rubric."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def score(self, points: dict[str, float]) -> float:
        """The one number of a scored tip: the mean over criteria."""
        return fmean(points[name] for name in self.names)


@cache
def load_rubric(version: str = DEFAULT) -> Rubric:
    """The rubric of this version. Raises RubricError naming the versions that there are."""
    folder = files("tip_serving.bench.judging").joinpath("rubrics")
    known = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    if version not in known:
        raise RubricError(f"There is no rubric version {version!r}; there are {', '.join(known)}.")
    content = tomllib.loads(folder.joinpath(f"{version}.toml").read_text(encoding="utf-8"))
    return Rubric(version=version, **content)


def criteria_of(version: str) -> tuple[str, ...]:
    """The criteria that scores of this version carry; none for scores that were measured elsewhere."""
    return () if version == BROUGHT else load_rubric(version).names
