"""The MLflow mirror in a process of its own: its import takes seconds that must not be taken from the calls.

In one process the import and the event loop that collects would wait for the same interpreter lock: measured, the
steady state of 2,000 calls took 10.4 s instead of 6. The child is also nice: it takes what the calls leave.
"""

import json
import os
import signal
import sys

from tip_assets.resources.tracking_store import ensure_tracking_store
from tip_serving.bench import results
from tip_serving.bench.identity import Cell
from tip_serving.bench.workshop import Workshop
from tip_serving.processes import ModuleProcess
from tip_serving.settings import Settings, load

NICENESS = 10


class MirrorError(Exception):
    """MLflow did not take a cell."""


class Mirror:
    """Mirrors finished cells, one after the other."""

    def __init__(self) -> None:
        self._child: ModuleProcess | None = None

    def prepare(self) -> None:
        """Start the child, so that it imports while cells are being filled."""
        if self._child is None:
            self._child = ModuleProcess("tip_assets.bench.mirror")

    def write(self, experiment: str, cell: Cell) -> str:
        """Mirror a done cell from the lake; the address of its MLflow run.

        Raises:
            MirrorError: the tracking store refused, did not answer, or the child died.
        """
        self.prepare()
        child = self._child
        if child is None or child.process.stdin is None or child.process.stdout is None:
            raise MirrorError("the mirror has no pipes")
        try:
            child.process.stdin.write(json.dumps([experiment, *cell]).encode() + b"\n")
            child.process.stdin.flush()
            answer = json.loads(child.process.stdout.readline() or b"null")
        except BrokenPipeError:
            answer = None
        if answer is None:
            last_words = child.last_words()
            self.close()
            raise MirrorError(last_words)
        if "error" in answer:
            raise MirrorError(answer["error"])
        return str(answer["url"])

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
            self._child = None


def _mirror(workshop: Workshop, settings: Settings, experiment: str, cell: Cell) -> str:
    from tip_assets.bench import tracking

    result = results.load(workshop.lake, experiment, cell)
    candidates = results.candidates(workshop.store, experiment, cell)
    return tracking.mirror_cell(settings, workshop.spec(experiment), result, candidates).url(settings.mlflow_ui)


def main() -> None:
    """Mirror the cells named on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not end up between the answers
    settings = load()
    workshop = Workshop.open(settings)
    ensure_tracking_store(settings)
    import mlflow  # noqa: F401  while there is nothing to do yet

    for line in sys.stdin:
        experiment, model, prompt = json.loads(line)
        try:
            answer = {"url": _mirror(workshop, settings, experiment, Cell(model, prompt))}
        except Exception as error:  # noqa: BLE001  told to the parent, which warns
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
    os._exit(0)


if __name__ == "__main__":
    main()
