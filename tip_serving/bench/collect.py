"""Fills cells with candidates: an iterator over finished cells, with the calls made in a thread of its own.

The calls themselves stand in `collector`, how a candidate is kept in `store`, who may fill a cell in `leases`.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from tip_serving.bench.collector import Collector, Limits
from tip_serving.bench.identity import Cell
from tip_serving.bench.progress import Progress
from tip_serving.bench.results import CellResult
from tip_serving.bench.spec import Spec
from tip_serving.bench.store import CandidateStore
from tip_serving.generation.model import Generator
from tip_serving.scenarios.model import Scenario


def collect(
    spec: Spec,
    cells: Sequence[Cell],
    scenarios: Sequence[Scenario],
    store: CandidateStore,
    open_generator: Callable[[], Generator],
    limits: Limits,
    progress: Progress | None = None,
) -> Iterator[CellResult]:
    """Each of `cells` as it is done, complete or failed; unfinished cells of a cancelled experiment are left out.

    Cells that other workers hold are waited for. Closing the iterator, or an exception in its consumer, stops making
    calls, lets those on the wire finish for a few seconds, keeps what came back and gives the leases free.

    Args:
        spec: the experiment.
        cells: which of its cells to fill.
        scenarios: the experiment's.
        store: where candidates are kept.
        open_generator: called once inside the event loop that will use it; what it returns is closed at the end.
        limits: how much at once.
        progress: counts that the caller may watch.
    """
    finished: queue.SimpleQueue[CellResult | BaseException | None] = queue.SimpleQueue()
    shown = progress or Progress()
    collectors: list[Collector] = []

    async def run() -> None:
        generator = open_generator()
        try:
            collector = Collector(spec, cells, scenarios, store, generator, limits, shown, finished.put)
            collectors.append(collector)
            await collector.run()
        finally:
            await generator.aclose()

    ended = threading.Event()

    def run_in_thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001  raised in the consumer's thread
            finished.put(error)
        else:
            finished.put(None)
        finally:
            ended.set()

    thread = threading.Thread(target=run_in_thread, name="collect", daemon=True)
    thread.start()
    try:
        while (result := _next(finished)) is not None:
            yield result
    except BaseException:  # the consumer's own, an interrupt, or GeneratorExit where it is closed
        for collector in collectors:
            collector.stop("interrupted")
        raise
    finally:
        # Not thread.join: interrupted there, Python 3.11 takes the thread for ended and waits for it no more.
        ended.wait()


def _next(finished: "queue.SimpleQueue[CellResult | BaseException | None]") -> CellResult | None:
    while True:
        with suppress(queue.Empty):
            # In slices: a signal handler that raises in this thread is heard between two of them.
            item = finished.get(timeout=0.2)
            if isinstance(item, BaseException):
                raise item
            return item
