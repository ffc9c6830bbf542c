"""Policies against Vowpal Wabbit and MABWiser: decisions per second, their p99, regret, and what importing them costs.

One thread. Regret is the expected reward of the best arm minus that of the arm chosen, summed over the rounds, on the
same episodes for everybody, learning after each round. The default contextual policy is LinUcb.

    .venv/bin/python benchmarks/bandits.py [--peers PYTHON] [--seeds 5] [--rounds 20000] [--floor 0.00025 ...]

The peers need an environment of their own: `python3.11 -m venv FOLDER`, then
`FOLDER/bin/pip install 'vowpalwabbit==9.11.*' 'mabwiser==2.7.*' 'numpy<2'`; PYTHON is FOLDER/bin/python.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tip_experiments.policies.beta_thompson import BetaThompson
from tip_experiments.policies.epsilon_greedy import EpsilonGreedy
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.inverse_gap import InverseGap
from tip_experiments.policies.lin_thompson import LinThompson
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.policy import Policy
from tip_experiments.simulator import worlds
from tip_experiments.simulator.multiclass import digits
from tip_experiments.simulator.play import play_episode
from tip_experiments.simulator.worlds import World

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
N_FEATURES = 8
N_LEARNT, N_ASKED, N_REPEATS = 2000, 5000, 3
WORLDS: dict[str, Callable[[np.random.Generator], World]] = {
    "linear": worlds.linear,
    "logistic": worlds.logistic,
    "digits": lambda _: digits(),
}
LINEAR = {"LinUcb (default)": LinUcb, "LinThompson": LinThompson, "InverseGap": InverseGap}

_IMPORT = """
import sys, time
before = time.perf_counter()
import tip_experiments.policies.state
took = time.perf_counter() - before
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, int(peak) / 1024, *sorted({"scipy", "polars", "pydantic"} & set(sys.modules)))
"""


def measure_import() -> str:
    """Time and memory of a fresh process that imports every policy, the median of five.

    Memory is its own peak: `ru_maxrss` would start at that of the process that started it.
    """
    runs = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True)
        seconds, megabytes, *heavy = done.stdout.split()
        runs.append((float(seconds), float(megabytes), heavy))
    seconds, megabytes, heavy = sorted(runs)[2]
    return f"{seconds:.2f} s, {megabytes:.0f} MB resident for the whole process, heavy libraries: {heavy or 'none'}"


def _log(n_arms: int) -> dict[str, Any]:
    world, rng = worlds.logistic(np.random.default_rng(1), n_arms, N_FEATURES), np.random.default_rng(2)
    episode = world.episode(N_LEARNT + N_ASKED, rng)
    actions = rng.integers(0, n_arms, N_LEARNT)
    return {
        "contexts": episode.contexts[:N_LEARNT],
        "actions": actions,
        "rewards": episode.rewards[np.arange(N_LEARNT), actions],
        "asked": episode.contexts[N_LEARNT:],
        "n_arms": n_arms,
    }


def _policies(arms: tuple[str, ...]) -> dict[str, Policy]:
    linear: dict[str, Policy] = {name: kind.over(arms, N_FEATURES, floor=0.001) for name, kind in LINEAR.items()}
    tallies = {"BetaThompson": BetaThompson.over(arms, floor=0.001), "EpsilonGreedy": EpsilonGreedy.over(arms)}
    return {**linear, **tallies}


def measure_speed(log: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Seconds of each decision, record with all propensities included, in the repetition with the smallest median."""
    arms = tuple(f"arm-{at}" for at in range(log["n_arms"]))
    feedback = Feedback([arms[at] for at in log["actions"]], log["rewards"], log["contexts"])
    ids = [str(at) for at in range(N_ASKED)]
    for name, fresh in _policies(arms).items():
        policy = fresh.update(feedback)
        policy.decide(log["asked"][0], "warm")
        runs = []
        for _ in range(N_REPEATS):
            seconds = []
            for context, one in zip(log["asked"], ids, strict=True):
                start = time.perf_counter()
                policy.decide(context, one)
                seconds.append(time.perf_counter() - start)
            runs.append(seconds)
        best = min(runs, key=lambda seconds: float(np.median(seconds)))
        yield {"what": "speed", "who": name, "n_arms": log["n_arms"], "seconds": best}


def measure_regret(world: str, seed: int, rounds: int, floors: list[float], folder: Path) -> Iterator[dict[str, Any]]:
    """Regret of the linear policies; leaves the episode in `folder` for the peers."""
    made = WORLDS[world](np.random.default_rng(seed))
    episode = made.episode(rounds, np.random.default_rng(1000 + seed))
    np.savez(
        folder / f"regret-{world}-{seed}.npz",
        contexts=episode.contexts, expected=episode.expected, rewards=episode.rewards,
    )  # fmt: skip
    for name, kind in LINEAR.items():
        for floor in floors if kind is LinUcb else floors[:1]:
            policy = kind.over(made.arms, made.n_features, floor=floor)
            regret = float(play_episode(made.arms, episode, policy, str(seed)).regret.sum())
            yield {"what": "regret", "who": f"{name}, floor {floor:g}", "world": world, "seed": seed, "regret": regret}


def print_speed(results: list[dict[str, Any]]) -> None:
    """A table: decisions per second over all decisions, median and p99 of one."""
    print(f"\n{'decisions, 8-dimensional context':42}{'arms':>5}{'per second':>12}{'p50 us':>9}{'p99 us':>9}")
    for result in results:
        seconds = np.array(result["seconds"])
        p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e6
        print(f"{result['who']:42}{result['n_arms']:5}{1 / seconds.mean():12,.0f}{p50:9.1f}{p99:9.1f}", flush=True)


def print_regret(results: list[dict[str, Any]]) -> None:
    """A table: mean regret over seeds and, in brackets, against the better of MABWiser's two."""
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        table[result["who"]][result["world"]].append(result["regret"])
    best = {
        world: min((np.mean(row[world]) for who, row in table.items() if who.startswith("MABWiser")), default=np.nan)
        for world in WORLDS
    }
    print(f"\n{'regret, mean over seeds':42}" + "".join(f"{world:>18}" for world in WORLDS))
    for who, row in table.items():
        cells = [f"{np.mean(row[world]):.0f} ({np.mean(row[world]) / best[world]:.2f})" for world in WORLDS]
        print(f"{who:42}" + "".join(f"{cell:>18}" for cell in cells))


def main() -> None:
    """Measure ours, then the peers on the same files, and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="Python of an environment with vowpalwabbit and mabwiser")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--floor", type=float, nargs="+", default=[0.00025, 0.001])
    options = parser.parse_args()
    print("import of all policies:", measure_import())
    with tempfile.TemporaryDirectory() as name:
        folder, results = Path(name), []
        for n_arms in (8, 50):
            log = _log(n_arms)
            np.savez(folder / f"speed-{n_arms:03}.npz", **log)
            results += measure_speed(log)
        print_speed(results)
        for world in WORLDS:
            for seed in range(options.seeds):
                results += measure_regret(world, seed, options.rounds, options.floor, folder)
        theirs = _ask_peers(options.peers, folder) if options.peers else []
    print_speed([result for result in theirs if result["what"] == "speed"])
    print_regret([result for result in results + theirs if result["what"] == "regret"])


def _ask_peers(python: str, folder: Path) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("bandits_peers.py")
    done = subprocess.run([python, script, folder], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


if __name__ == "__main__":
    if not ONE_THREAD.items() <= os.environ.items():  # numpy reads them when it is loaded, so start again
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})  # noqa: S606  ourselves
    main()
