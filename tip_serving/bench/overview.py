"""The states of many experiments at once, for whoever shows them all: each is read again only when its files changed.

What an experiment's folder tells is kept under a stamp of that folder, so an answer is the one that `state` gives. Who
is at work is asked of the leases each time. On a disk the stamp is made of the times of those few folders and files
that a change touches; in an object store, of a listing.
"""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tip_serving.bench import leases
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Holding
from tip_serving.bench.state import ExperimentState, observed, recorded
from tip_serving.generation.catalog import Catalog
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, LakeError, MissingError

SETTLES_S = 2.0  # clocks of file systems are coarse: a stamp younger than this may hide a second change
LISTING_LASTS_S = 5.0  # of an object store: a thousand objects a request

Stamp = tuple[object, ...]


@dataclass(frozen=True)
class Standing:
    """An experiment's state, or why it cannot be told."""

    experiment: str
    state: ExperimentState | None
    damage: str | None


@dataclass
class Overview:
    """Looks at all experiments of a lake; may be asked from several threads."""

    lake: Lake
    catalog: Catalog
    lease_ttl_s: float
    _kept: dict[str, tuple[Stamp, Standing]] = field(default_factory=dict)
    _watched: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _listed: tuple[float, dict[str, Stamp]] = (float("-inf"), {})
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def standings(self) -> list[Standing]:
        """Every experiment, by name; the very same object as before where nothing changed."""
        with self._looking:
            stamps = self._stamps()
            for gone in self._kept.keys() - stamps.keys():
                del self._kept[gone]
            self._watched = {name: paths for name, paths in self._watched.items() if name in stamps}
            told = [self._recorded(experiment, stamp) for experiment, stamp in sorted(stamps.items())]
        held: dict[Cell, Holding | None] = {}  # many experiments share cells: each lease is read once

        def read_lease(cell: Cell) -> Holding | None:
            if cell not in held:
                held[cell] = leases.read(self.lake, cell)
            return held[cell]

        def seen(standing: Standing) -> Standing:
            if standing.state is None:
                return standing
            state = observed(standing.state, read_lease, self.lease_ttl_s)
            return standing if state is standing.state else Standing(standing.experiment, state, None)

        return [seen(standing) for standing in told if standing is not None]

    def state(self, experiment: str) -> ExperimentState:
        """The state of one experiment.

        Raises:
            MissingError: there is no such experiment.
            LakeError: a file of it is damaged.
        """
        with self._looking:
            stamp = self._stamp(experiment)
            told = None if stamp is None else self._recorded(experiment, stamp)
        if told is None:
            raise MissingError(f"There is no experiment {experiment!r:.90}.")
        if told.state is None:
            raise LakeError(f"A file of {experiment} is damaged: {told.damage}")
        return observed(told.state, lambda cell: leases.read(self.lake, cell), self.lease_ttl_s)

    def _recorded(self, experiment: str, stamp: Stamp) -> Standing | None:
        kept = self._kept.get(experiment)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        looked_at = time.time()
        try:
            found = Standing(experiment, recorded(self.lake, experiment, self.catalog), None)
        except MissingError:
            return None
        except (LakeError, ValueError) as error:  # a damaged file must not hide the other experiments
            found = Standing(experiment, None, f"{type(error).__name__}: {error}"[:500])
        if not _is_fresh(stamp, looked_at):
            self._kept[experiment] = (stamp, found)
        return found

    def _stamps(self) -> dict[str, Stamp]:
        if self.lake.directory is None:
            return self._listing()
        names = [layout.decode(folder) for folder in self.lake.folders(layout.EXPERIMENTS)]
        stamps = {name: self._stamp(name) for name in names}
        return {name: stamp for name, stamp in stamps.items() if stamp is not None}

    def _stamp(self, experiment: str) -> Stamp | None:
        """Of one experiment; None where there is none."""
        if self.lake.directory is None:
            return self._listing().get(experiment)
        if experiment not in self._watched:
            self._watched[experiment] = tuple(f"{self.lake.directory}/{path}" for path in _watched(experiment))
        times = tuple(map(_changed_at, self._watched[experiment]))
        return times if times[0] is not None or times[1] is not None else None

    def _listing(self) -> dict[str, Stamp]:
        listed_at, stamps = self._listed
        if time.monotonic() - listed_at > LISTING_LASTS_S:
            prefix = layout.EXPERIMENTS + "/"
            found: dict[str, list[object]] = {}
            for entry in self.lake.find(layout.EXPERIMENTS):
                folder = entry.path.removeprefix(prefix).partition("/")[0]
                found.setdefault(layout.decode(folder), []).append(entry)
            stamps = {name: tuple(entries) for name, entries in found.items()}
            self._listed = (time.monotonic(), stamps)
        return stamps

    def forget_listing(self) -> None:
        """Look anew at an object store: this process has just written."""
        self._listed = (float("-inf"), {})


def _watched(experiment: str) -> Iterator[str]:
    """What a change of the experiment's state touches; the two files that make it one come first."""
    yield layout.spec(experiment)
    yield layout.brought(experiment)
    yield layout.experiment(experiment)
    yield layout.cells(experiment)
    yield layout.inbox(experiment)
    yield layout.imported_file(experiment, "")
    yield layout.SCENARIO_SETS
    # A person may write these in place, which leaves the folder's time as it was.
    yield layout.retry_request(experiment)
    yield layout.ranked_mark(experiment)


def _changed_at(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  a Path would take twice the time, nine times an experiment
    except OSError:
        return None


def _is_fresh(stamp: Stamp, looked_at: float) -> bool:
    """Whether something changed so shortly before the look that a later change may bear the same time."""
    return any(isinstance(at, int) and looked_at - at / 1e9 < SETTLES_S for at in stamp)
