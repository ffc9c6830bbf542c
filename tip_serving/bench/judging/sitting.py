"""The event loop behind `language_model`: takes the judge's lease, keeps calls under way, ships verdicts, ends well.

One sitting is one session, or none where nothing waits for the judge.
"""

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tip_serving.bench.collector import GRACE_S, Limits
from tip_serving.bench.judging import sessions
from tip_serving.bench.judging.asking import Asker
from tip_serving.bench.judging.export import Batch
from tip_serving.bench.judging.journal import Journal, recover
from tip_serving.bench.judging.questions import Questionnaire
from tip_serving.bench.judging.rubric import Rubric
from tip_serving.bench.judging.sessions import Ending, Header, Session
from tip_serving.bench.judging.terms import Terms
from tip_serving.bench.leases import Holding, LeaseDesk, PathLease
from tip_serving.generation.model import Generator
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake

SHIP_S = 2.0  # between two shipments; each adds one part to the ledger
WAIT_S = 1.0  # between two looks at a lease that another process holds


@dataclass
class SittingProgress:
    """How far a sitting is: written by its thread, read by whoever shows it."""

    n_items: int = 0
    """Asked for in this session."""
    n_judged: int = 0
    n_unscored: int = 0
    n_recovered: int = 0
    """Verdicts that a dead process had left behind."""
    cost_usd: float | None = 0.0
    """Of this session; None where the price is unknown."""
    first_call_at: float | None = None
    """time.monotonic() of the first call."""
    held_by: Holding | None = None
    """Who judges under this name meanwhile."""
    stopping: str | None = None
    """Why no new call is made, once that is so."""


class Sitting:
    """One sitting. `run` lives in one event loop; `interrupt` may be called from any thread."""

    def __init__(
        self,
        lake: Lake,
        experiment: str,
        terms: Terms,
        rubric: Rubric,
        home: Path,
        limits: Limits,
        progress: SittingProgress,
    ) -> None:
        self._lake = lake
        self._experiment = experiment
        self._terms = terms
        self._rubric = rubric
        self._folder = Journal.folder(home, lake, experiment, terms.judge)
        self._limits = limits
        self._progress = progress
        self._ending: Ending | None = None
        self._reason: str | None = None
        self._grace_s = 0.0
        self._halted = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._paid_before = 0.0
        self._batches: deque[Batch] = deque()
        self._rows: deque[dict[str, Any]] = deque()
        self._n_left = 0
        self._feeding = asyncio.Lock()

    # -- ending -----------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Make no new call, let those on the wire finish for GRACE_S, and end."""
        if self._loop is None:
            self._halt(Ending.INTERRUPTED, "interrupted", GRACE_S)
            return
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._halt, Ending.INTERRUPTED, "interrupted", GRACE_S)

    def _halt(self, ending: Ending, reason: str, grace_s: float) -> None:
        """End now; calls on the wire have `grace_s` seconds."""
        self._end_with(ending, reason)
        self._grace_s = grace_s
        self._halted.set()

    def _end_with(self, ending: Ending, reason: str) -> None:
        """Make no new call; those that are under way are waited for."""
        if self._ending is None:
            self._ending, self._reason = ending, reason
            self._progress.stopping = reason

    def _may_ask(self, journal: Journal) -> bool:
        limit = self._terms.max_cost_usd
        paid = self._paid_before + (journal.tally.cost_usd or 0.0)  # terms with a limit name a model with a price
        if limit is not None and paid >= limit:
            words = f"the cost limit of ${limit:g} was reached (${paid:.4f} paid by {self._terms.judge}"
            self._end_with(Ending.COST_LIMIT, f"{words} for {self._experiment} so far)")
        return self._ending is None

    # -- the whole --------------------------------------------------------------------------------------------------

    async def run(self, export: Callable[[], list[Batch]], open_generator: Callable[[], Generator]) -> Session | None:
        """Judge what waits; what that took, None where nothing waits or the wait for the lease was interrupted."""
        self._loop = asyncio.get_running_loop()
        lease = await self._take_lease()
        if lease is None:
            return None
        beating = asyncio.create_task(self._beat(lease))
        try:
            self._progress.n_recovered = await asyncio.to_thread(recover, self._folder, self._lake)
            await asyncio.to_thread(sessions.bury_dead, self._lake, self._experiment, self._terms.judge)
            paid = await asyncio.to_thread(sessions.cost_usd, self._lake, self._experiment, self._terms.judge)
            self._paid_before = paid or 0.0
            self._batches.extend(await asyncio.to_thread(export))
            n_waiting = sum(batch.n_items for batch in self._batches)
            self._n_left = n_waiting if self._terms.limit is None else min(n_waiting, self._terms.limit)
            self._progress.n_items = self._n_left
            return await self._judge_all(open_generator, beating) if self._n_left else None
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await asyncio.to_thread(lease.release)

    async def _take_lease(self) -> PathLease | None:
        """The judge's lease; None where an interrupt ended the wait for it."""
        desk = LeaseDesk(self._lake, self._limits.lease_ttl_s)
        path = layout.judging_lease(self._experiment, self._terms.judge)
        while not self._halted.is_set():
            taken = await asyncio.to_thread(desk.take_at, path, self._terms.judge, self._experiment)
            if not isinstance(taken, Holding):
                self._progress.held_by = None
                return taken
            self._progress.held_by = taken
            with suppress(TimeoutError):
                await asyncio.wait_for(self._halted.wait(), WAIT_S)
        return None

    async def _beat(self, lease: PathLease) -> None:
        while True:
            await asyncio.sleep(self._limits.lease_ttl_s / 3)
            shown = self._progress
            done, cost_usd = shown.n_judged + shown.n_unscored, shown.cost_usd or 0.0
            await asyncio.to_thread(lease.beat, n_done=done, n_needed=shown.n_items, cost_usd=cost_usd)

    # -- one session ------------------------------------------------------------------------------------------------

    async def _judge_all(self, open_generator: Callable[[], Generator], beating: asyncio.Task[None]) -> Session:
        header = self._header()
        journal = Journal(self._folder / f"{header.session_id}.jsonl", header)
        await asyncio.to_thread(sessions.write, self._lake, journal.session(Ending.RUNNING))
        generator = open_generator()
        questionnaire = Questionnaire(self._terms.model, self._rubric, header.is_pairs)
        asker = Asker(
            questionnaire,
            generator,
            journal,
            may_ask=lambda: self._may_ask(journal),
            give_up=lambda reason: self._halt(Ending.GIVEN_UP, f"{self._terms.model} was given up: {reason}", 0.0),
        )
        self._progress.first_call_at = time.monotonic()
        shipping = asyncio.create_task(self._ship_for_ever(journal))
        workers = [asyncio.create_task(self._work(asker, journal)) for _ in range(self._n_workers())]
        try:
            await self._until_over(workers, {shipping, beating}, generator)
        except BaseException as error:
            self._end_with(Ending.FAILED, f"{type(error).__name__}: {error}")
            raise
        finally:
            await _cancel([*workers, shipping])
            await generator.aclose()
            self._show(journal)
            await asyncio.to_thread(journal.ship, self._lake)
            session = journal.session(self._ending or Ending.COMPLETE, self._reason, datetime.now(UTC))
            await asyncio.to_thread(sessions.write, self._lake, session)
            journal.remove()
        return session

    def _header(self) -> Header:
        now = datetime.now(UTC)
        return Header(
            session_id=f"{now:%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}",
            experiment=self._experiment,
            judge=self._terms.judge,
            model=self._terms.model,
            rubric_version=self._rubric.version,
            is_pairs=self._terms.partners is not None,
            n_items=self._n_left,
            started_at=now,
        )

    def _n_workers(self) -> int:
        return min(self._limits.concurrency, self._n_left)

    async def _until_over(
        self, workers: Sequence[asyncio.Task[None]], keepers: set[asyncio.Task[None]], generator: Generator
    ) -> None:
        """Until every worker is done or the sitting is halted. Raises what broke a worker, shipping or the lease."""
        halted = asyncio.create_task(self._halted.wait())
        under_way = set(workers)
        try:
            while under_way and not halted.done():
                done, _ = await asyncio.wait({*under_way, *keepers, halted}, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {halted}:
                    task.result()
                under_way -= done
        finally:
            await _cancel([halted])
        if under_way and self._grace_s:
            await generator.stop()
            await asyncio.wait(under_way, timeout=self._grace_s)

    async def _work(self, asker: Asker, journal: Journal) -> None:
        while (row := await self._next_row()) is not None and self._may_ask(journal):
            await asker.judge(row)
            self._show(journal)

    async def _next_row(self) -> dict[str, Any] | None:
        """The next item of the batches; None once all, or as many as were asked for, are handed out."""
        async with self._feeding:
            if self._n_left == 0:
                return None
            while not self._rows:
                data = await asyncio.to_thread(self._lake.read, self._batches.popleft().rows_path)
                self._rows.extend(json.loads(line) for line in data.splitlines())
            self._n_left -= 1
            return self._rows.popleft()

    async def _ship_for_ever(self, journal: Journal) -> None:
        while True:
            await asyncio.sleep(SHIP_S)
            await asyncio.to_thread(journal.ship, self._lake)
            await asyncio.to_thread(sessions.write, self._lake, journal.session(Ending.RUNNING))

    def _show(self, journal: Journal) -> None:
        tally, shown = journal.tally, self._progress
        shown.n_judged, shown.n_unscored, shown.cost_usd = tally.n_judged, len(tally.unscored), tally.cost_usd


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
