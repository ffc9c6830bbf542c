"""What it took a language model to judge: one JSON file a session, in the lake from its first second on.

Everything that happens in a session is an event, and its totals are a fold over them. So a session whose process died
is counted from its journal by the very code that counts a living one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import reduce
from statistics import quantiles
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake


class Ending(StrEnum):
    """How a session stands or ended."""

    RUNNING = "running"
    COMPLETE = "complete"
    """Everything that was asked for was asked."""
    COST_LIMIT = "cost_limit"
    GIVEN_UP = "given_up"
    """The model failed too often in a row."""
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    """Something of ours failed: the lake, or the lease was lost."""
    DIED = "died"
    """The process ended without a word; noticed by the next one."""


@dataclass(frozen=True)
class Unscored:
    """Why an item that was asked about has no verdict."""

    kind: str
    """`unreadable`, `declined`, `left_out`, `refused_line` (by the intake), or how its call failed."""
    words: str


class Header(BaseModel):
    """What is known of a session before its first call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session_id: str
    experiment: str
    judge: str
    model: str
    rubric_version: str
    is_pairs: bool
    n_items: int
    """Asked for in this session; of these, neither judged nor unscored are those that were not reached."""
    started_at: AwareDatetime


class Session(Header):
    """A session as it stands in the lake."""

    ended_at: AwareDatetime | None
    ending: Ending
    reason: str | None
    """Why it ended before everything was asked."""
    n_judged: int
    n_unscored: int
    unscored: dict[str, Unscored]
    """By item."""
    unscored_reasons: dict[str, int]
    """How many items, by kind of reason."""
    n_calls: int
    """Answered and paid for, those without a readable verdict too."""
    n_failed_calls: int
    cost_usd: float | None
    """Null where the model's price is unknown."""
    prompt_tokens: int
    completion_tokens: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None


@dataclass
class Tally:
    """The totals of a session so far: a fold over its events."""

    n_judged: int = 0
    n_calls: int = 0
    n_failed_calls: int = 0
    cost_usd: float | None = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    unscored: dict[str, Unscored] = field(default_factory=dict)

    def take(self, event: Mapping[str, Any]) -> None:
        """Count one event; those that say nothing of judging are passed over."""
        match event:
            case {"event": "call"}:
                self.n_calls += 1
                self.cost_usd = added(self.cost_usd, event["cost_usd"])
                self.prompt_tokens += event["prompt_tokens"]
                self.completion_tokens += event["completion_tokens"]
                if event["latency_ms"] is not None:
                    self.latencies_ms.append(event["latency_ms"])
            case {"event": "failed_call"}:
                self.n_failed_calls += 1
            case {"event": "verdict"}:
                self.n_judged += 1
            case {"event": "unscored", "item": item}:
                self.unscored[item] = Unscored(event["kind"], event["reason"])
            case {"event": "refused", "item": item}:
                self.n_judged -= 1
                self.unscored[item] = Unscored("refused_line", event["reason"])

    def session(
        self, header: Header, ending: Ending, reason: str | None = None, ended_at: datetime | None = None
    ) -> Session:
        """The session with these totals."""
        p50, p95 = _percentiles(self.latencies_ms)
        return Session(
            **header.model_dump(),
            ended_at=ended_at,
            ending=ending,
            reason=reason,
            n_judged=self.n_judged,
            n_unscored=len(self.unscored),
            unscored=dict(self.unscored),
            unscored_reasons=dict(Counter(reason.kind for reason in self.unscored.values())),
            n_calls=self.n_calls,
            n_failed_calls=self.n_failed_calls,
            cost_usd=self.cost_usd,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            latency_p50_ms=p50,
            latency_p95_ms=p95,
        )


def added(total: float | None, cost_usd: float | None) -> float | None:
    """The sum; unknown where either is."""
    return None if total is None or cost_usd is None else total + cost_usd


def write(lake: Lake, session: Session) -> None:
    """Put the session into the lake, in the place of what it said before."""
    path = layout.judging_session(session.experiment, session.judge, session.session_id)
    lake.write(path, session.model_dump_json(indent=1).encode())


def read_all(lake: Lake, experiment: str, judge: str) -> list[Session]:
    """Every session of `judge` in the experiment, oldest first."""
    entries = lake.find(layout.judging_sessions(experiment, judge))
    return [Session.model_validate_json(lake.read(entry.path)) for entry in entries]


def cost_usd(lake: Lake, experiment: str, judge: str) -> float | None:
    """What all sessions of `judge` in the experiment cost; None where there was none or the price is unknown."""
    costs = [session.cost_usd for session in read_all(lake, experiment, judge)]
    return reduce(added, costs) if costs else None


def bury_dead(lake: Lake, experiment: str, judge: str) -> None:
    """Mark as dead what still says that it runs; only for the holder of the judge's lease, before its own begins."""
    for session in read_all(lake, experiment, judge):
        if session.ending is Ending.RUNNING:
            write(lake, session.model_copy(update={"ending": Ending.DIED, "ended_at": datetime.now(UTC)}))


def _percentiles(latencies_ms: list[float]) -> tuple[float | None, float | None]:
    """p50 and p95 in milliseconds, interpolated as numpy does; None where there was no call."""
    if len(latencies_ms) < 2:  # noqa: PLR2004  of one value every percentile is that value
        only = latencies_ms[0] if latencies_ms else None
        return only, only
    cuts = quantiles(latencies_ms, n=20, method="inclusive")
    return cuts[9], cuts[18]
