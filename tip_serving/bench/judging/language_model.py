"""A language model as a judge: it gets what every judge gets, through the gateway that candidates come through.

It works from the exported batches alone, so it is as blind as anybody. A verdict is in the journal before it counts and
in the lake within seconds; one process at a time judges under a model's name. The calls are made in `sitting`; what is
asked stands in `questions`, what may be answered in `answers`, what it took in `sessions`.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from tip_serving.bench.collector import Limits
from tip_serving.bench.judging.export import Batch
from tip_serving.bench.judging.rubric import Rubric
from tip_serving.bench.judging.sessions import Session
from tip_serving.bench.judging.sitting import Sitting, SittingProgress
from tip_serving.bench.judging.terms import Terms
from tip_serving.generation.model import Generator
from tip_serving.lake.storage import Lake


def judge(
    lake: Lake,
    experiment: str,
    terms: Terms,
    rubric: Rubric,
    export: Callable[[], list[Batch]],
    open_generator: Callable[[], Generator],
    home: Path,
    limits: Limits,
    progress: SittingProgress,
) -> Session | None:
    """Judge what waits for the model; what that took, None where nothing waits.

    Another process that judges under the same name is waited for; what a dead one left is brought in first. An
    interrupt in this thread stops making calls, lets those on the wire finish for a few seconds, keeps what came back
    and is raised again.

    Args:
        lake: that holds the experiment.
        experiment: whose candidates.
        terms: without faults.
        rubric: to judge by.
        export: hands out the batches that wait for this judge; called once the judge's lease is held.
        open_generator: called once inside the event loop that will use it; what it returns is closed at the end.
        home: below which the journal lies.
        limits: how much at once.
        progress: counts that the caller may watch.

    Raises:
        AnchorError: from `export`.
    """
    sitting = Sitting(lake, experiment, terms, rubric, home, limits, progress)
    found: list[Session | None] = []
    broken: list[BaseException] = []
    ended = threading.Event()

    def run() -> None:
        try:
            found.append(asyncio.run(sitting.run(export, open_generator)))
        except BaseException as error:  # noqa: BLE001  raised in the caller's thread
            broken.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="judge", daemon=True)
    thread.start()
    try:
        # Not thread.join: interrupted there, Python 3.11 takes the thread for ended and waits for it no more.
        while not ended.wait(0.2):  # in slices: an interrupt is heard between two of them
            pass
    except BaseException:
        sitting.interrupt()
        ended.wait()
        raise
    thread.join()
    if broken:
        raise broken[0]
    return found[0]
