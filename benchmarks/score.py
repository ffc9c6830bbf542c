"""/score under load, beside a bare FastAPI echo of the same bodies and a bare ASGI hello, in one run.

One worker, a LightGBM model in the path, decision log and request log on. A request has all profile features, eight
tasks that nobody else has, and 20 candidates: 15 of a catalogue of 200 tips and 5 that were never seen before. Each
server has one core to itself where there are two; the load comes from another. Rounds interleave the servers, so that
a busy moment of the machine hits all of them; printed is the median over rounds.

    .venv/bin/python benchmarks/score.py [--rounds 5] [--seconds 5] [--soak 1000000]

Prints closed loop (requests/s), CPU per request, open loop at 500 requests/s (latency from the scheduled time), cold
start to ready, resident memory, and with --soak the memory over that many requests.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.nats_server import free_port  # noqa: E402  of the tests
from support.released import Shelf  # noqa: E402

from tip_serving.lake.storage import Lake  # noqa: E402

RATE = 500
SERVER_CORE, LOAD_CORE = 0, 1
N_BODIES, N_CATALOGUE, N_NEW = 2_000, 200, 5
PROFILE: dict[str, Any] = {
    "completion_rate": 0.62, "preferred_hour": 9, "tips_7d": 11, "tips_30d": 40, "acceptance_rate": 0.35,
    "dismissal_rate": 0.2, "streak_days": 4, "account_age_days": 210, "session_minutes": 6.5, "overdue_share": 0.125,
    "language": "en", "time_zone": "Europe/Paris", "quiet_hours": "22-7", "favourite_labels": ["home", "deep"],
}  # fmt: skip


class Server(NamedTuple):
    """One of those that are measured."""

    name: str
    port: int
    process: psutil.Process

    @property
    def cpu_s(self) -> float:
        """Used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def body(index: int) -> bytes:
    """The request number `index`: another person, other numbers, the same size."""
    tasks = [
        {"id": f"{index}-{n}", "content": f"Write to the {n}th supplier about offer {index}", "priority": 1 + n % 4,
         "due": {"date": f"2026-03-{1 + (index + n) % 28:02d}"}, "labels": ["work"]}
        for n in range(8)
    ]  # fmt: skip
    numbers = [(index * 7 + n) % N_CATALOGUE for n in range(20 - N_NEW)]
    catalogue = [f"Take {5 + n % 20} minutes now for tip number {n}, then stop." for n in numbers]
    tips = catalogue + [f"Write to the {n}th supplier about offer {index} now, then stop." for n in range(N_NEW)]
    profile = {**PROFILE, "preferred_hour": index % 24, "completion_rate": (index % 50) / 50}
    asked = {"user": f"user-{index}", "now": f"2026-03-02T{index % 24:02d}:15:00+01:00", "profile_features": profile}
    return json.dumps({**asked, "tasks": tasks, "candidates": tips}).encode()


@contextmanager
def running(name: str, command: list[str], port: int, environment: dict[str, str]) -> Iterator[Server]:
    """The server, once it listens; pinned to its core."""
    with (Path(environment["TIP_HOME"]) / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=log, stderr=log, cwd=ROOT / "benchmarks"
        )
    try:
        pin(process.pid, SERVER_CORE)
        wait_until_ready(port)
        yield Server(name, port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def pin(pid: int, core: int) -> None:
    """Give a process one core, where the system has several and lets us."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(pid, {core})


def wait_until_ready(port: int) -> None:
    """Return once /readyz says so, or another server answers at all."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
        except urllib.error.HTTPError as error:
            if error.code != 503:
                return
        except OSError:
            time.sleep(0.005)
        else:
            return
        time.sleep(0.005)
    raise TimeoutError(f"Nothing answers at port {port}.")


def load(server: Server, bodies: Path, loop: str, seconds: float, connections: int) -> dict[str, Any]:
    """One run of the load generator, with the CPU that the server used per request."""
    script = str(ROOT / "benchmarks" / "score_load.py")
    command = [sys.executable, script, str(server.port), "/score", str(bodies), loop,
               "--seconds", str(seconds), "--rate", str(RATE), "--connections", str(connections)]  # fmt: skip
    before = server.cpu_s
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    pin(process.pid, LOAD_CORE)
    found: dict[str, Any] = json.loads(process.communicate()[0])
    return {**found, "cpu_ms": (server.cpu_s - before) * 1e3 / max(1, found["n"])}


def ours(port: int) -> list[str]:
    """The command of the server that is measured."""
    return ["-m", "tip_serving", "--port", str(port), "--routes", "score"]


def bare(application: str, port: int) -> list[str]:
    """The command of a peer."""
    address = ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    return ["-m", "uvicorn", f"score_peers:{application}", *address]


def cold_starts(environment: dict[str, str], n: int) -> tuple[float, float]:
    """Median seconds from the command to ready, and resident MB once it has answered its first requests."""
    seconds, resident = [], []
    for _ in range(n):
        port = free_port()
        began = time.perf_counter()
        with running("cold", ours(port), port, environment) as server:
            seconds.append(time.perf_counter() - began)
            for index in range(50):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/score", body(index), timeout=10).close()
            resident.append(server.process.memory_info().rss / 1e6)
    return statistics.median(seconds), statistics.median(resident)


def soak(server: Server, bodies: Path, n: int, wal: Path) -> None:
    """Print the resident memory over `n` requests; finished write-ahead files are taken away, as an importer does."""
    n_done = 0
    while n_done < n:
        n_done += load(server, bodies, "closed", 15, 32)["n"]
        for path in wal.glob("*.jsonl"):
            with suppress(FileNotFoundError):
                path.unlink()
        print(f"  after {n_done:>9,} requests: {server.process.memory_info().rss / 1e6:6.1f} MB resident", flush=True)


def show(name: str, runs: dict[str, list[dict[str, Any]]]) -> None:
    """One row: medians over the rounds."""

    def middle(loop: str, figure: str) -> float:
        return statistics.median(run[figure] for run in runs[loop])

    errors = [run["errors"] for found in runs.values() for run in found if run["errors"]]
    print(
        f"{name:14} {middle('closed', 'per_s'):9,.0f} {middle('closed', 'cpu_ms'):9.3f} {middle('open', 'cpu_ms'):9.3f}"
        f" {middle('open', 'p50_ms'):8.2f} {middle('open', 'p99_ms'):8.2f} {middle('open', 'p999_ms'):8.2f}"
        f"   {errors or 'none'}"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--soak", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        environment = {**os.environ, "TIP_HOME": str(home), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        shelf = Shelf(Lake(str(home / "lake")))
        shelf.publish("1", shelf.arm("champion", seed=1))
        bodies = home / "bodies.jsonl"
        bodies.write_bytes(b"\n".join(body(index) for index in range(N_BODIES)))
        seconds, resident = cold_starts(environment, 5)
        print(f"cold start to ready {seconds:.2f} s, {resident:.0f} MB resident after 50 requests")
        servers = []
        for name, command in (("tip /score", ours), ("FastAPI echo", lambda port: bare("echo", port)),
                              ("ASGI hello", lambda port: bare("hello", port))):  # fmt: skip
            port = free_port()
            servers.append(stack.enter_context(running(name.replace("/", ""), command(port), port, environment)))
        runs: dict[str, dict[str, list[dict[str, Any]]]] = {s.name: {"closed": [], "open": []} for s in servers}
        for _ in range(asked.rounds):
            for loop, connections in (("closed", 32), ("open", 64)):
                for server in servers:
                    runs[server.name][loop].append(load(server, bodies, loop, asked.seconds, connections))
        print(f"{'':14} {'closed/s':>9} {'cpu ms':>9} {'cpu ms':>9} {'p50 ms':>8} {'p99 ms':>8} {'p99.9':>8}   errors")
        print(f"{'':14} {'':>9} {'closed':>9} {f'open {RATE}':>9} {'from the scheduled time':>26}")
        for name, found in runs.items():
            show(name, found)
        if asked.soak:
            soak(servers[0], bodies, asked.soak, home / "wal")


if __name__ == "__main__":
    main()
