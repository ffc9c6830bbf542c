"""`tip bench` as a user runs it in this process, with two scripted judges who disagree in a known way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result
from support.bench import EXPERIMENT, workshop
from support.judging import Handed, given, handed, score_file

from tip_assets.cli import bench
from tip_serving.bench.judging.export import Batch
from tip_serving.bench.workshop import Workshop

BEST, LAST = "embedded/planner,v2", "embedded/first,v1"
Answer = Callable[[Handed], dict[str, Any]]


class User:
    """Somebody at a terminal, with a judge's files in a folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.place: Workshop = workshop(home)

    def run(self, *arguments: str) -> Result:
        """The finished command."""
        found = CliRunner(env={"TIP_HOME": str(self.home), "COLUMNS": "140"}).invoke(bench, list(arguments))
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    def export(self, *options: str, judge: str = "ana", experiment: str = EXPERIMENT) -> list[Handed]:
        """The items whose files the command names, in their order."""
        found = self.run("export", experiment, "--judge", judge, *options)
        assert found.exit_code == 0, found.output
        return self.items(found.output, judge, experiment)

    def items(self, output: str, judge: str = "ana", experiment: str = EXPERIMENT) -> list[Handed]:
        """The items of the files that an export has named."""
        root = f"{self.place.lake.directory}/"
        paths = [line.strip().removeprefix(root) for line in output.splitlines() if line.endswith("export.jsonl")]
        batches = [Batch(judge, path.split("/")[-2], 0, path, "", 0) for path in paths]
        return handed(self.place, batches, experiment)

    def bring_back(self, lines: list[Any], *options: str, name: str = "scores", experiment: str = EXPERIMENT) -> Result:
        """The import of a file with these lines."""
        path = self.home / f"{name}.jsonl"
        path.write_bytes(score_file(lines))
        return self.run("import", experiment, str(path), *options)

    def judge(self, answer: Answer, *options: str, judge: str = "ana") -> Result:
        """Export, answer every item, import."""
        return self.bring_back([answer(item) for item in self.export(*options, judge=judge)], name=judge)


def worth(item: Handed) -> float:
    """What a tip is worth: by its cell, with whatever its scenario adds."""
    [name] = item.cells
    noise = np.random.default_rng(int(item.scenario_id or "0", 16) + len(name)).normal(0, 0.25)
    return float(np.clip({"embedded/planner|v2": 4.2, "embedded/first|v1": 2.4}.get(name, 3.3) + noise, 1, 5))


def ana(item: Handed) -> dict[str, Any]:
    """Every tip what it is worth."""
    return given(item, worth(item))


def ben(item: Handed) -> dict[str, Any]:
    """Half a point stricter than ana, on everything."""
    return given(item, worth(item) - 0.5, comment="strict")
