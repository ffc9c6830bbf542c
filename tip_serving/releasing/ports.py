"""What a release needs from elsewhere. The lake it reads itself; these are passed in, so that it runs without them too.

`Registry` is MLflow's in `tip_assets`, `Checks` Dagster's; `NoRegistry` stands where there is none.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tip_serving.bench.ranking.board import Judged
from tip_serving.events.store import EventStore
from tip_serving.lake.storage import Lake
from tip_serving.scoring.arms import ReadyArm
from tip_serving.training.candidate import Candidate
from tip_serving.training.evidence import Evidence

CHAMPION, CHALLENGER = "champion", "challenger"


class RegistryError(Exception):
    """The registry could not be told; it is told again with the next step."""


class Registry(Protocol):
    """Where registered versions are looked up by people; a mirror, nobody decides by it.

    Versions are those of the lake. What says the same twice changes nothing. Each raises RegistryError.
    """

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """`alias` of the registered model `name` points at `version`; a version that is not registered is let be."""
        ...

    def remove_alias(self, name: str, alias: str, version: str) -> None:
        """`alias` points at the version no longer; where it points elsewhere it is let be."""
        ...

    def tags(self, name: str, version: str) -> Mapping[str, str]:
        """What was noted on the version."""
        ...

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Note on the version."""
        ...

    def log_artifact(self, name: str, version: str, filename: str, data: bytes) -> None:
        """Keep a file beside the version, in the place of one of the same name."""
        ...


class NoRegistry:
    """Keeps nothing."""

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Nothing."""

    def remove_alias(self, name: str, alias: str, version: str) -> None:
        """Nothing."""

    def tags(self, name: str, version: str) -> Mapping[str, str]:  # noqa: ARG002  whatever is asked
        """None."""
        return {}

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Nothing."""

    def log_artifact(self, name: str, version: str, filename: str, data: bytes) -> None:
        """Nothing."""


class CheckResult(NamedTuple):
    """How a check of an asset came out last."""

    asset: str
    check: str
    is_green: bool
    is_blocking: bool
    """Whether downstream is wrong where it is not green; else a person should look."""
    at: dt.datetime
    words: str


class Checks(Protocol):
    """Where checks of assets are known."""

    def results(self, candidate: Candidate) -> Sequence[CheckResult]:
        """What every check of the assets behind the candidate said last of its versions and of its days."""
        ...


class NoChecks:
    """Knows of none: a gate that asks for checks refuses."""

    def results(self, candidate: Candidate) -> Sequence[CheckResult]:  # noqa: ARG002  whatever is asked
        """None."""
        return ()


EvidenceOf = Callable[[Lake, Sequence[dt.date], ReadyArm, ReadyArm, dt.datetime, dt.datetime | None], Evidence]
"""`tip_serving.training.evidence.evidence`."""

JudgedOf = Callable[[str, str, str], Judged]
"""What a judge said of an experiment, by experiment, judge and rubric version."""


@dataclass(frozen=True)
class Sources:
    """What `advance` reads besides the lake, and whom it tells."""

    events: EventStore
    """As fresh as they come; day files lag behind."""
    evidence: EvidenceOf
    judged: JudgedOf
    checks: Checks
    registry: Registry
    default_cell: str
    """MODEL@PROMPT that writes where no prompt policy is released."""
