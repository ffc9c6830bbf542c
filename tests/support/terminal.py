"""The `tip` command as a user runs it: a process of its own, in a home of its own, killed with all that it started."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import psutil
from support.openai_server import OpenAIServer

from tip_serving.bench import leaderboard
from tip_serving.bench.identity import Cell
from tip_serving.bench.store import CandidateStore
from tip_serving.lake.storage import Lake

ROOT = Path(__file__).parents[2]
_FROM_OUTSIDE = re.compile(r"^(TIP_|DAGSTER|MLFLOW|OPENAI|AWS_|LITELLM)")


@dataclass
class Terminal:
    """One user at one machine.

    Args:
        home: TIP_HOME.
        environment: laid over what the test process has, of which nothing that concerns the project is kept.
    """

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def lake(self) -> Lake:
        """The user's lake on the disk."""
        return Lake(str(self.home / "lake"))

    @property
    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not _FROM_OUTSIDE.match(name)}
        return {**clean, "TIP_HOME": str(self.home), "COLUMNS": "140", **self.environment}

    def run(self, *arguments: str, timeout: float = 120.0) -> "subprocess.CompletedProcess[str]":
        """The finished command, whatever its exit code."""
        command = [sys.executable, "-m", "tip_serving", *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """The running command; the caller ends it."""
        command = [sys.executable, "-m", "tip_serving", *arguments]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
        )

    def board(self, experiment: str) -> pl.DataFrame:
        """The leaderboard in the lake."""
        return leaderboard.read(self.lake, experiment)

    def candidates(self, model: str, prompt: str) -> pl.DataFrame:
        """All candidates of a cell."""
        return CandidateStore(self.lake, self.home / "spool").load(Cell(model, prompt))


def loopback(home: Path, server: OpenAIServer, **environment: str) -> Terminal:
    """A terminal whose OpenAI models live on the loopback server, with little patience."""
    patience = {"TIP_CALL_TIMEOUT_S": "1.5", "TIP_CALL_ATTEMPTS": "2", "TIP_LEASE_TTL_S": "6"}
    return Terminal(home, {**server.environment, **patience, **environment})


def wait_until(condition: Callable[[], bool], timeout: float = 60.0) -> None:
    """Return once `condition` holds. Raises TimeoutError."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} did not come true within {timeout} s")
        time.sleep(0.02)


def kill_tree(process: "subprocess.Popen[str]") -> None:
    """kill -9 the process and all its children, at once."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
            member.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=5)
    process.communicate()
