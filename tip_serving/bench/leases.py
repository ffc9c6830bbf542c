"""Who works on something: a lease with a heartbeat, so that two workers never make the same call.

A lease is one JSON file at a path of `layout`, changed only by compare-and-swap: beside the candidates of the cell that
is filled, or under the name of the model that judges. Its holder beats; a lease whose holder is a dead process of this
machine, or which one observer saw unchanged for longer than the time to live, is taken over. No two clocks are ever
compared for that.
"""

import os
import platform
import threading
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
    """What the holder paid for its work so far."""


def read(lake: Lake, cell: Cell) -> Holding | None:
    """Who holds `cell` according to the lake, dead or alive."""
    return read_at(lake, layout.lease(*cell))


def read_at(lake: Lake, path: str) -> Holding | None:
    """Who holds the lease at `path` according to the lake, dead or alive."""
    try:
        return Holding.model_validate_json(lake.read(path))
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
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def take(self, cell: Cell, experiment: str) -> "Lease | Holding":
        """The lease on `cell`, or who holds it."""
        taken = self.take_at(layout.lease(*cell), cell.key, experiment)
        if isinstance(taken, Holding):
            return taken
        return Lease(taken.lake, taken.path, taken.name, taken.holding, taken.version, cell)

    def take_at(self, path: str, name: str, experiment: str) -> "PathLease | Holding":
        """The lease at `path`, or who holds it.

        Args:
            path: of `layout`.
            name: of what is leased, as people call it.
            experiment: for which the work is done.
        """
        expected = None
        try:
            data, expected = self.lake.read_versioned(path)
            holding = Holding.model_validate_json(data)
            if not self._is_abandoned(path, holding, expected):
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
            return self.take_at(path, name, experiment)
        self._seen.pop(path, None)
        return PathLease(self.lake, path, name, mine, version)

    def _is_abandoned(self, path: str, holding: Holding, version: str) -> bool:
        if holding.process.is_dead():
            return True
        now = time.monotonic()
        seen_version, since = self._seen.get(path, ("", now))
        if seen_version != version:
            self._seen[path] = (version, now)
            return False
        return now - since > self.ttl_s


class LostLeaseError(Exception):
    """Another worker took the lease over: this one was silent for too long."""


@dataclass
class PathLease:
    """A lease that this process holds, on whatever lies at a path."""

    lake: Lake
    path: str
    name: str
    holding: Holding
    version: str
    _beating: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def beat(self, *, n_done: int, n_needed: int, cost_usd: float) -> None:
        """Show that the work goes on, and how far it is. Raises LostLeaseError."""
        with self._beating:  # of two at once the second would take the first for another worker
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
                self.version = self.lake.swap(self.path, self.holding.model_dump_json().encode(), self.version)
            except ConflictError:
                raise LostLeaseError(f"The lease on {self.name} was taken over by another worker.") from None

    def release(self) -> None:
        """Give it free, if it is still ours."""
        held = read_at(self.lake, self.path)
        if held is not None and held.owner == self.holding.owner:
            self.lake.delete(self.path)


@dataclass
class Lease(PathLease):
    """A lease on a cell that this process fills."""

    cell: Cell
