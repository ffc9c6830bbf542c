"""Who fills a cell: a lease with a heartbeat, so that two workers never make the same call.

A lease is one JSON file beside the cell's candidates, changed only by compare-and-swap. Its holder beats; a lease
whose holder is a dead process of this machine, or which one observer saw unchanged for longer than the time to live,
is taken over. No two clocks are ever compared for that.
"""

import os
import platform
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import psutil
from pydantic import AwareDatetime, BaseModel, ConfigDict

from tip_serving.bench.identity import Cell
from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, MissingError


class ProcessName(BaseModel):
    """A process, named so that another of the same number is never taken for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    pid: int
    started: float

    @classmethod
    def current(cls) -> "ProcessName":
        """This process."""
        return cls(machine=machine_name(), pid=os.getpid(), started=psutil.Process().create_time())

    def is_dead(self) -> bool:
        """Whether it surely runs no more; False for a process of another machine, of which nothing is known."""
        if self.machine != machine_name():
            return False
        try:
            process = psutil.Process(self.pid)
            # create_time is read from the boot time, which may be rounded anew by a second.
            return abs(process.create_time() - self.started) > 2 or process.status() == psutil.STATUS_ZOMBIE  # noqa: PLR2004
        except psutil.NoSuchProcess:
            return True


@cache
def machine_name() -> str:
    """This boot of this machine, as far as processes see one another (a container is a machine of its own)."""
    parts = [platform.node()]
    for path in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        try:
            parts.append(path.readlink().name if path.is_symlink() else path.read_text().strip())
        except OSError:
            continue
    return "/".join(parts)


class Holding(BaseModel):
    """What the lease file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str
    process: ProcessName
    experiment: str
    beat: int
    beat_at: AwareDatetime
    """By the holder's clock: for people to read, never compared with another clock to take a lease over."""
    n_done: int
    n_needed: int
    cost_usd: float
    """What the holder paid for this cell so far."""


def read(lake: Lake, cell: Cell) -> Holding | None:
    """Who holds `cell` according to the lake, dead or alive."""
    try:
        return Holding.model_validate_json(lake.read(layout.lease(*cell)))
    except MissingError:
        return None


def seems_live(holding: Holding, ttl_s: float, now: datetime) -> bool:
    """Whether the holder seems to be at work; two clocks are compared here, so nobody takes over on this word."""
    return not holding.process.is_dead() and (now - holding.beat_at).total_seconds() < 2 * ttl_s


@dataclass
class LeaseDesk:
    """Takes leases for one worker and remembers how long it has seen others' unchanged."""

    lake: Lake
    ttl_s: float
    _seen: dict[Cell, tuple[str, float]] = field(default_factory=dict)

    def take(self, cell: Cell, experiment: str) -> "Lease | Holding":
        """The lease on `cell`, or who holds it."""
        path = layout.lease(*cell)
        expected = None
        try:
            data, expected = self.lake.read_versioned(path)
            holding = Holding.model_validate_json(data)
            if not self._is_abandoned(cell, holding, expected):
                return holding
        except MissingError:
            pass
        mine = Holding(
            owner=uuid.uuid4().hex,
            process=ProcessName.current(),
            experiment=experiment,
            beat=0,
            beat_at=datetime.now(UTC),
            n_done=0,
            n_needed=0,
            cost_usd=0.0,
        )
        try:
            version = self.lake.swap(path, mine.model_dump_json().encode(), expected)
        except ConflictError:
            return self.take(cell, experiment)
        self._seen.pop(cell, None)
        return Lease(self.lake, cell, mine, version)

    def _is_abandoned(self, cell: Cell, holding: Holding, version: str) -> bool:
        if holding.process.is_dead():
            return True
        now = time.monotonic()
        seen_version, since = self._seen.get(cell, ("", now))
        if seen_version != version:
            self._seen[cell] = (version, now)
            return False
        return now - since > self.ttl_s


class LostLeaseError(Exception):
    """Another worker took the lease over: this one was silent for too long."""


@dataclass
class Lease:
    """A lease that this process holds."""

    lake: Lake
    cell: Cell
    holding: Holding
    version: str

    def beat(self, *, n_done: int, n_needed: int, cost_usd: float) -> None:
        """Show that the work goes on, and how far it is. Raises LostLeaseError."""
        self.holding = self.holding.model_copy(
            update={
                "beat": self.holding.beat + 1,
                "beat_at": datetime.now(UTC),
                "n_done": n_done,
                "n_needed": n_needed,
                "cost_usd": cost_usd,
            }
        )
        try:
            self.version = self.lake.swap(
                layout.lease(*self.cell), self.holding.model_dump_json().encode(), self.version
            )
        except ConflictError:
            raise LostLeaseError(f"The lease on {self.cell.key} was taken over by another worker.") from None

    def release(self) -> None:
        """Give the cell free, if it is still ours."""
        held = read(self.lake, self.cell)
        if held is not None and held.owner == self.holding.owner:
            self.lake.delete(layout.lease(*self.cell))
