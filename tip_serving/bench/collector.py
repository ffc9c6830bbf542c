"""The event loop behind `collect`: takes leases, keeps `concurrency` calls under way, finishes cells.

Slots go to the model with the fewest calls under way, so a model that hangs holds its share and no more.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tip_serving.bench import requests, results
from tip_serving.bench.identity import Cell, Need
from tip_serving.bench.leases import Holding, Lease, LeaseDesk, LostLeaseError
from tip_serving.bench.open_cell import OpenCell, paid_by
from tip_serving.bench.progress import Progress
from tip_serving.bench.results import CellResult, CellStatus
from tip_serving.bench.spec import Spec
from tip_serving.bench.store import CandidateStore
from tip_serving.generation.model import FailureKind, GenerationError, Generator
from tip_serving.lake.storage import MissingError
from tip_serving.scenarios.model import Scenario

TICK_S = 1.0
GRACE_S = 5.0  # how long calls on the wire may still finish once a stop is asked for
PATIENCE = 5  # calls of one model that fail in a row, each after all its attempts, before the model is given up
OPEN_AHEAD_S = 0.02  # pause of the opener while enough calls lie ready


@dataclass(frozen=True)
class Limits:
    """How much at once, and how long a lease holder may be silent."""

    concurrency: int
    lease_ttl_s: float


class Collector:
    """One collection. `run` lives in one event loop; `stop` may be called from any thread."""

    def __init__(
        self,
        spec: Spec,
        cells: Sequence[Cell],
        scenarios: Sequence[Scenario],
        store: CandidateStore,
        generator: Generator,
        limits: Limits,
        progress: Progress,
        deliver: Callable[[CellResult], None],
    ) -> None:
        self._spec = spec
        self._scenarios = scenarios
        self._store = store
        self._generator = generator
        self._limits = limits
        self._progress = progress
        self._deliver = deliver
        self._desk = LeaseDesk(store.lake, limits.lease_ttl_s)
        self._waiting = list(cells)
        self._leased: list[Lease] = []
        self._open: dict[Cell, OpenCell] = {}
        self._calls: dict[asyncio.Task[None], OpenCell] = {}
        self._finishing: set[asyncio.Task[None]] = set()
        self._failed_in_a_row: Counter[str] = Counter()
        self._given_up: dict[str, str] = {}
        self._known_results: dict[Cell, str | None] = {}
        self._paid_elsewhere = 0.0
        self._stop_reason: str | None = None
        self._is_ending = False
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        progress.n_cells += len(cells)
        progress.n_needed += len(cells) * spec.n_tips * len(scenarios)

    def stop(self, reason: str) -> None:
        """Make no new call, let those on the wire finish for GRACE_S, and end."""
        self._stop_reason = self._stop_reason or reason
        self._progress.stopping = self._progress.stopping or reason
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Until every cell is done, or a stop."""
        self._loop = asyncio.get_running_loop()
        self._paid_elsewhere = await asyncio.to_thread(self._paid_for_other_cells)
        self._known_results = await asyncio.to_thread(lambda: {cell: self._result_id(cell) for cell in self._waiting})
        await self._take_leases()
        opener = asyncio.create_task(self._open_cells())
        ticker = asyncio.create_task(self._tick())
        try:
            while self._stop_reason is None and (self._waiting or self._leased or self._open or self._finishing):
                self._wake.clear()
                self._fill_slots()
                self._finish_idle_cells()
                await self._wake.wait()
                for task in [task for task in (opener, ticker, *self._finishing) if task.done()]:
                    self._finishing.discard(task)
                    task.result()
        finally:
            ticker.cancel()
            self._is_ending = True
            await asyncio.gather(opener, ticker, return_exceptions=True)
            await self._wind_down()

    # -- leases and cells -------------------------------------------------------------------------------------------

    async def _take_leases(self) -> None:
        """Take every lease that is free and note who holds the others."""
        for cell in list(self._waiting):
            taken = await asyncio.to_thread(self._desk.take, cell, self._spec.experiment)
            if isinstance(taken, Holding):
                self._progress.others[cell] = taken
                continue
            was_held = self._progress.others.pop(cell, None) is not None
            self._waiting.remove(cell)
            if was_held and await asyncio.to_thread(self._result_id, cell) != self._known_results.get(cell):
                await self._pass_on(taken)
            else:
                self._leased.append(taken)

    async def _pass_on(self, lease: Lease) -> None:
        """Deliver what another worker has made of the cell meanwhile: asking its failed calls again is not due yet."""
        result = await asyncio.to_thread(results.load, self._store.lake, self._spec.experiment, lease.cell)
        await asyncio.to_thread(lease.release)
        if self._spec.max_cost_usd is not None:
            stored = await asyncio.to_thread(self._store.load, lease.cell)
            self._paid_elsewhere += paid_by(stored, self._spec.experiment)
        self._progress.n_there += result.n_done
        self._progress.n_failed += result.n_failed
        self._count_done(result)
        self._wake.set()

    def _result_id(self, cell: Cell) -> str | None:
        """Which result of the cell lies in the lake."""
        try:
            return results.load(self._store.lake, self._spec.experiment, cell).result_id
        except MissingError:
            return None

    async def _open_cells(self) -> None:
        """Open leased cells in turn, a little ahead of the calls, so that no slot waits for rendering."""
        while not self._is_ending:
            ahead = sum(len(cell.pending) for cell in self._open.values() if cell.cell.model not in self._given_up)
            lease = self._next_to_open() if ahead < 2 * self._limits.concurrency or self._starved() else None
            if lease is None:
                await asyncio.sleep(OPEN_AHEAD_S)
                continue
            opened = await asyncio.to_thread(OpenCell.open, self._spec, lease, self._store, self._scenarios)
            self._leased.remove(lease)
            self._open[lease.cell] = opened
            self._progress.n_there += opened.n_there
            if lease.cell.model in self._given_up:
                opened.give_up(self._given_up[lease.cell.model])
            self._wake.set()

    def _next_to_open(self) -> Lease | None:
        """The first leased cell of the model with the fewest open ones."""
        n_open = Counter(cell.model for cell in self._open)
        return min(self._leased, key=lambda lease: n_open[lease.cell.model], default=None)

    def _starved(self) -> bool:
        """Whether a model has leased cells and none open."""
        models = {cell.model for cell in self._open}
        return any(lease.cell.model not in models for lease in self._leased)

    def _finish_idle_cells(self) -> None:
        for opened in [cell for cell in self._open.values() if cell.is_idle]:
            del self._open[opened.cell]
            task = asyncio.create_task(self._finish(opened))
            self._finishing.add(task)
            task.add_done_callback(lambda _: self._wake.set())

    async def _finish(self, opened: OpenCell) -> None:
        try:
            result = await asyncio.to_thread(opened.finish, self._spec, self._store)
        except LostLeaseError:
            self._wait_for(opened)
            return
        self._paid_elsewhere += opened.paid_usd
        self._count_done(result)

    def _count_done(self, result: CellResult) -> None:
        self._progress.n_cells_done += 1
        self._progress.n_cells_failed += result.status is CellStatus.FAILED
        self._deliver(result)

    # -- once a second ----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Sync segments, beat, look for a cancellation and for cells that others gave free."""
        next_beat = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            for opened in list(self._open.values()):
                await asyncio.to_thread(opened.segment.sync)
            if time.monotonic() >= next_beat:
                # Under a cost limit others must know what was paid just now.
                is_limited = self._spec.max_cost_usd is not None
                next_beat = time.monotonic() + (0.0 if is_limited else self._limits.lease_ttl_s / 3)
                await self._beat()
            if self._waiting:
                await self._take_leases()
            if await asyncio.to_thread(requests.cancellation, self._store.lake, self._spec.experiment):
                self.stop("cancelled")
            self._progress.cost_usd = self._paid()
            self._wake.set()

    async def _beat(self) -> None:
        for lease in list(self._leased):
            with suppress(LostLeaseError):  # noticed when the cell is opened and beats for the first time
                await asyncio.to_thread(lease.beat, n_done=0, n_needed=0, cost_usd=0.0)
        for opened in list(self._open.values()):
            try:
                await asyncio.to_thread(opened.beat)
            except LostLeaseError:
                await self._abandon(opened)

    async def _abandon(self, opened: OpenCell) -> None:
        """Leave a cell to whoever took it over while this worker was silent."""
        if self._open.pop(opened.cell, None) is None:
            return  # it is being finished, which comes to the same conclusion
        await self._cancel_calls(lambda owner: owner is opened)
        await asyncio.to_thread(opened.segment.close)
        self._wait_for(opened)

    def _wait_for(self, lost: OpenCell) -> None:
        """Wait for a cell that was taken over like for any other that somebody else fills."""
        self._progress.n_there -= lost.n_there
        self._waiting.append(lost.cell)

    # -- calls ------------------------------------------------------------------------------------------------------

    def _fill_slots(self) -> None:
        under_way = Counter(opened.cell.model for opened in self._calls.values())
        while len(self._calls) < self._limits.concurrency:
            self._heed_cost_limit()
            ready = {opened.cell.model: opened for opened in reversed(self._open.values()) if opened.pending}
            if not ready:
                break
            model = min(ready, key=lambda name: under_way[name])
            opened = ready[model]
            under_way[model] += 1
            self._start_call(opened, opened.pending.popleft())
        self._progress.in_flight = len(self._calls)

    def _start_call(self, opened: OpenCell, need: Need) -> None:
        if self._progress.first_call_at is None:
            self._progress.first_call_at = time.monotonic()
        opened.in_flight += 1
        task = asyncio.create_task(self._call(opened, need))
        self._calls[task] = opened
        task.add_done_callback(self._call_ended)

    def _call_ended(self, task: asyncio.Task[None]) -> None:
        opened = self._calls.pop(task)
        opened.in_flight -= 1
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            self._finishing.add(task)  # a defect, not a failed call: the main loop raises it

    async def _call(self, opened: OpenCell, need: Need) -> None:
        model = opened.cell.model
        try:
            completion = await self._generator.complete(need.request)
        except asyncio.CancelledError:
            if model not in self._given_up:
                opened.pending.append(need)
            raise
        except GenerationError as error:
            if error.kind is FailureKind.STOPPED:
                if model not in self._given_up:
                    opened.pending.append(need)
                return
            self._progress.n_failed += 1
            opened.note_failure(need, error)
            if error.kind is not FailureKind.REFUSED:
                self._failed_in_a_row[model] += 1
                if self._failed_in_a_row[model] >= PATIENCE:
                    self._give_up(model, error)
            return
        opened.keep(self._spec.experiment, need, completion)
        self._failed_in_a_row[model] = 0
        self._progress.n_called += 1
        self._progress.last_call_at = time.monotonic()

    def _give_up(self, model: str, error: GenerationError) -> None:
        """Ask the model for nothing more: its cells fail, the others go on."""
        if model in self._given_up:
            return
        reason = f"{model} was given up after {PATIENCE} calls in a row failed; the last: {error}"
        self._given_up[model] = reason
        for opened in self._open.values():
            if opened.cell.model == model:
                opened.give_up(reason)
        current = asyncio.current_task()
        for task, opened in list(self._calls.items()):
            if opened.cell.model == model and task is not current:
                task.cancel()

    # -- money ------------------------------------------------------------------------------------------------------

    def _paid_for_other_cells(self) -> float:
        """What this experiment paid for its cells that are not part of this collection; only asked under a limit."""
        if self._spec.max_cost_usd is None:
            return 0.0
        collected = set(self._waiting)
        cells = [Cell(model, prompt) for model in self._spec.models for prompt in self._spec.prompts]
        rest = [self._store.load(cell) for cell in cells if cell not in collected]
        return sum(paid_by(stored, self._spec.experiment) for stored in rest)

    def _paid(self) -> float:
        others = sum(
            holding.cost_usd
            for holding in self._progress.others.values()
            if holding.experiment == self._spec.experiment
        )
        return self._paid_elsewhere + others + sum(opened.paid_usd for opened in self._open.values())

    def _heed_cost_limit(self) -> None:
        limit = self._spec.max_cost_usd
        if limit is None or self._paid() < limit:
            return
        reason = f"the cost limit of ${limit:g} was reached (${self._paid():.4f} paid)"
        self._progress.stopping = reason
        for model in self._spec.models:
            self._given_up.setdefault(model, reason)
        for opened in self._open.values():
            opened.give_up(reason)

    # -- the end ----------------------------------------------------------------------------------------------------

    async def _wind_down(self) -> None:
        """Let calls on the wire finish, keep what there is, give every lease free."""
        if self._calls:
            await self._generator.stop()
            await asyncio.wait(list(self._calls), timeout=GRACE_S)
        await self._cancel_calls(lambda _: True)
        self._finish_idle_cells()
        endings = await asyncio.gather(*self._finishing, return_exceptions=True)
        for opened in self._open.values():
            with suppress(LostLeaseError):  # whoever took it over keeps its house in order
                await asyncio.to_thread(opened.close, self._store)
            await asyncio.to_thread(opened.lease.release)
        for lease in self._leased:
            await asyncio.to_thread(lease.release)
        self._progress.cost_usd = self._paid()
        self._progress.in_flight = 0
        for ending in endings:
            if isinstance(ending, Exception):
                raise ending

    async def _cancel_calls(self, which: Callable[[OpenCell], bool]) -> None:
        tasks = [task for task, opened in list(self._calls.items()) if which(opened)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
