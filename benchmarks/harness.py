"""The bench as a whole process against promptfoo, both on one OpenAI-compatible server on loopback.

10 cells x 200 scenarios, concurrency 64: 2,000 calls of 100 ms, ideally 3.1 s. Prints, for each: wall time of the
whole process, start-up (until the first call arrives), steady state (first to last call, as the server saw them), CPU
per call beyond start-up (the same command with 10 calls is subtracted), peak memory of all its processes (PSS).

    .venv/bin/python benchmarks/harness.py [--promptfoo FOLDER] [--latency-ms 100] [--runs 3]

promptfoo is installed by `npm install --prefix FOLDER promptfoo@0.121`; without it only ours is measured.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import openai_server  # noqa: E402  the loopback server of the tests
from support.openai_server import OpenAIServer  # noqa: E402

from tip_serving.prompts import registry  # noqa: E402
from tip_serving.prompts.rendering import render  # noqa: E402
from tip_serving.scenarios.generator import generate  # noqa: E402
from tip_serving.scenarios.model import Scenario  # noqa: E402

MODELS = tuple(f"model-{letter}" for letter in "abcde")
PROMPTS = ("v1", "v2")
N_SCENARIOS = 200
CONCURRENCY = 64


class Measured(NamedTuple):
    """One run of one command."""

    wall_s: float
    startup_s: float
    steady_s: float
    cpu_s: float
    peak_mb: float
    n_calls: int


def measure(command: Sequence[str], environment: Mapping[str, str], server: OpenAIServer, cwd: Path) -> Measured:
    """Run `command` to its end and account for it and all its children."""
    server.log.write_bytes(b"")
    started_at, started = time.time(), time.perf_counter()
    with (cwd / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), cwd=cwd, stdout=output, stderr=output)
    peak = [0.0]
    watcher = threading.Thread(target=_watch_memory, args=(process.pid, peak), daemon=True)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) not in {0, 100}:  # promptfoo: 100 where an assertion failed
        raise SystemExit((cwd / "output.txt").read_text()[-3000:])
    entries = [json.loads(line) for line in server.log.read_bytes().splitlines()]
    asked = [entry["at"] for entry in entries if entry["event"] == "asked"]
    answered = [entry["at"] for entry in entries if entry["event"] == "answered"]
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(wall, min(asked) - started_at, max(answered) - min(asked), cpu, peak[0], len(answered))


def _watch_memory(pid: int, peak: list[float]) -> None:
    try:
        root = psutil.Process(pid)
        while True:
            total = 0.0
            for member in [root, *root.children(recursive=True)]:
                try:
                    total += member.memory_full_info().pss / 1e6
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)
            time.sleep(0.25)
    except psutil.Error:
        return


def ours(server: OpenAIServer, n_scenarios: int, home: Path) -> Measured:
    """`tip bench run` with Dagster and MLflow, in a home that has been used before (its databases exist)."""
    command = [
        sys.executable, "-m", "tip_serving", "bench", "run", "--experiment", f"tip-bench-{time.monotonic_ns()}",
        "--models", ",".join(f"openai/{model}" for model in MODELS), "--prompts", ",".join(PROMPTS),
        "--n-scenarios", str(n_scenarios), "--concurrency", str(CONCURRENCY),
        "--sampling-seed", str(time.monotonic_ns() % 2**30),
    ]  # fmt: skip
    environment = {**os.environ, **server.environment, "TIP_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return measure(command, environment, server, home)


def promptfoo(server: OpenAIServer, n_scenarios: int, folder: Path, home: Path) -> Measured:
    """`promptfoo eval` over the same messages, models and concurrency, without its cache."""
    tests = [
        {"vars": {version: _as_text(version, scenario) for version in PROMPTS}}
        for scenario in generate(n_scenarios, time.monotonic_ns() % 2**30)
    ]
    config = {
        "prompts": [f"{{{{{version}}}}}" for version in PROMPTS],
        "providers": [
            {"id": f"openai:chat:{model}", "config": {"temperature": 0.7, "max_tokens": 160}} for model in MODELS
        ],
        "tests": tests,
    }
    (home / "promptfooconfig.json").write_text(json.dumps(config))
    environment = {
        **os.environ,
        **server.environment,
        "OPENAI_BASE_URL": server.base,
        "PROMPTFOO_CONFIG_DIR": str(home / "promptfoo"),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
    }
    binary = folder / "node_modules/.bin/promptfoo"
    command = [str(binary), "eval", "-c", "promptfooconfig.json", "-j", str(CONCURRENCY), "--no-cache",
               "--no-progress-bar", "--no-table", "-o", "results.json"]  # fmt: skip
    return measure(command, environment, server, home)


def _as_text(version: str, scenario: Scenario) -> str:
    """The messages of our prompt as one text that its own templates leave alone."""
    text = "\n\n".join(message.content for message in render(registry.get(version), scenario.situation))
    return text.replace("{{", "{ {").replace("{%", "{ %")


def report(name: str, large: Sequence[Measured], small: Measured) -> float:
    """Print the medians of one contender; its median steady state."""
    middle = {field: statistics.median(getattr(run, field) for run in large) for field in Measured._fields}
    per_call = (middle["cpu_s"] - small.cpu_s) / (middle["n_calls"] - small.n_calls) * 1e3
    print(
        f"{name:<10} wall {middle['wall_s']:6.1f} s   start-up {middle['startup_s']:5.1f} s   "
        f"steady {middle['steady_s']:6.2f} s   CPU/call {per_call:5.2f} ms   peak {middle['peak_mb']:5.0f} MB   "
        f"calls {middle['n_calls']:.0f}"
    )
    return middle["steady_s"]


def main() -> None:
    """Measure in turn, so that a machine that drifts drifts for both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--promptfoo", type=Path)
    parser.add_argument("--latency-ms", type=float, default=100.0)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    ideal = len(MODELS) * len(PROMPTS) * N_SCENARIOS / CONCURRENCY * arguments.latency_ms / 1e3
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with openai_server.running(home / "asked.jsonl", arguments.latency_ms) as server:
            ours(server, 1, home)
            contenders = {"tip": lambda n: ours(server, n, home)}
            if arguments.promptfoo:
                contenders["promptfoo"] = lambda n: promptfoo(server, n, arguments.promptfoo, home)
            small = {name: run(1) for name, run in contenders.items()}
            large: dict[str, list[Measured]] = {name: [] for name in contenders}
            for _ in range(arguments.runs):
                for name, run in contenders.items():
                    large[name].append(run(N_SCENARIOS))
    print(f"2,000 calls at {arguments.latency_ms:g} ms, {CONCURRENCY} at once: ideal {ideal:.1f} s")
    print(f"medians of {arguments.runs} runs")
    steady = {name: report(name, large[name], small[name]) for name in contenders}
    print(f"steady state against ideal: {steady['tip'] / ideal:.2f}")
    if "promptfoo" in steady:
        print(f"steady state against promptfoo: {steady['tip'] / steady['promptfoo']:.2f}")


if __name__ == "__main__":
    main()
