"""Off-policy evaluation of a million rounds with 8 actions: every estimator, bootstraps, growth, memory, a peer.

Prints CPU ms (those of all threads together), the best of several runs. `plain` are six estimators written out in
numpy without checks, standard errors or diagnostics. The peer is obp in an environment of its own, on the same columns.

    OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/ope.py [--rounds N] [--actions K] [--runs 5] [--peer PYTHON]

PYTHON is an interpreter of 3.9 with `pip install obp==0.5.7`; torch, which obp imports for its learners and not for its
estimators, may be missing there (`--no-deps`, and numpy 1.22, scipy, scikit-learn 1.0, pandas 1.3, pyyaml, tqdm,
matplotlib, seaborn by hand).
"""

import argparse
import json
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tip_experiments import ope

ESTIMATORS = (
    ope.IPS(), ope.ClippedIPS(), ope.SNIPS(), ope.DM(), ope.DR(), ope.SNDR(), ope.SwitchDR(), ope.DRos(), ope.Replay(),
    ope.MIPS(),
)  # fmt: skip
MODELLED = {"dm", "dr", "sndr", "switch_dr", "dr_os"}


def columns_of(rng: np.random.Generator, n: int, n_actions: int) -> dict[str, np.ndarray]:
    """Any log: dense policies, binary rewards, a model that is right, four categories."""
    probabilities = rng.dirichlet(np.full(n_actions, 5.0), n) * 0.8 + 0.2 / n_actions
    actions = (probabilities.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    model = rng.random((n, n_actions))
    rounds = np.arange(n)
    return {
        "rewards": (rng.random(n) < model[rounds, actions]).astype(float),
        "actions": actions,
        "propensities": probabilities[rounds, actions],
        "target": rng.dirichlet(np.ones(n_actions), n),
        "reward_model": model,
        "probabilities": probabilities,
        "embedding": actions % 4,
    }


def best_ms(act: Callable[[], object], runs: int) -> float:
    """CPU milliseconds of the fastest of `runs` calls, after one that warms up."""
    act()
    taken = []
    for _ in range(runs):
        started = time.process_time()
        act()
        taken.append(time.process_time() - started)
    return 1e3 * min(taken)


def peak_mb(act: Callable[[], object]) -> float:
    """What `act` holds at most beyond what was there before."""
    tracemalloc.start()
    act()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def plain(columns: Mapping[str, np.ndarray]) -> list[float]:
    """Six estimators as one would jot them down: ips, clipped ips, snips, dm, dr, sndr."""
    rounds, rewards = np.arange(columns["rewards"].size), columns["rewards"]
    weights = columns["target"][rounds, columns["actions"]] / columns["propensities"]
    expected = np.einsum("ij,ij->i", columns["target"], columns["reward_model"])
    missed = weights * (rewards - columns["reward_model"][rounds, columns["actions"]])
    earned = weights * rewards
    return [
        earned.mean(), (np.minimum(weights, 10.0) * rewards).mean(), earned.sum() / weights.sum(), expected.mean(),
        (expected + missed).mean(), expected.mean() + missed.sum() / weights.sum(),
    ]  # fmt: skip


def taken_by(name: str, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The columns that the function `name` takes."""
    unused = {"probabilities", "embedding"} if name != "mips" else set()
    if name not in MODELLED:
        unused |= {"reward_model"}
    return {key: value for key, value in columns.items() if key not in unused}


def report(label: str, milliseconds: float, note: str = "") -> None:
    """One line."""
    print(f"{label:<58}{milliseconds:9.1f} ms  {note}")


def at_full_size(columns: Mapping[str, np.ndarray], runs: int) -> None:
    """Everything on one log."""
    without_mips = {key: value for key, value in columns.items() if key not in {"probabilities", "embedding"}}
    log, rng = ope.LoggedRounds.of(**columns), np.random.default_rng(1)
    nine = ESTIMATORS[:-1]
    report("plain numpy, six estimators, nothing checked", best_ms(lambda: plain(columns), runs))
    report("check the log (rewards to reward_model)", best_ms(lambda: ope.LoggedRounds.of(**without_mips), runs))
    report("check the log (and probabilities, for MIPS)", best_ms(lambda: ope.LoggedRounds.of(**columns), runs))
    report("evaluate: all but MIPS, on a checked log", best_ms(lambda: ope.evaluate(log, nine), runs))
    report("evaluate: all ten, on a checked log", best_ms(lambda: ope.evaluate(log, ESTIMATORS), runs))
    report(
        "check and evaluate: all but MIPS",
        best_ms(lambda: ope.evaluate(ope.LoggedRounds.of(**without_mips), nine), runs),
    )
    report(
        "check and evaluate: all ten", best_ms(lambda: ope.evaluate(ope.LoggedRounds.of(**columns), ESTIMATORS), runs)
    )
    for estimators, label in ((ESTIMATORS, "all ten"), ((ope.SNDR(),), "sndr")):
        report(
            f"evaluate with 100 block bootstraps: {label}",
            best_ms(lambda e=estimators: ope.evaluate(log, e, inference=ope.Bootstrap(rng, 100)), runs),
        )


def one_by_one(columns: Mapping[str, np.ndarray], runs: int) -> None:
    """Each public function as called on bare columns: check and evaluation."""
    for estimator in ESTIMATORS:
        function, taken = getattr(ope, estimator.name), taken_by(estimator.name, columns)
        value = function(**taken).value
        report(f"{estimator.name}, check included", best_ms(lambda f=function, t=taken: f(**t), runs), f"{value:.4f}")


def growth(runs: int) -> None:
    """Cost and memory as rounds and actions grow."""
    print(f"\n{'rounds':>10}{'actions':>9}{'check, ms':>12}{'all ten, ms':>13}{'ns per cell':>13}{'extra MB':>10}")
    for n, n_actions in ((10_000, 8), (100_000, 8), (1_000_000, 8), (1_000_000, 2), (100_000, 64), (10_000, 512)):
        columns = columns_of(np.random.default_rng(0), n, n_actions)
        log = ope.LoggedRounds.of(**columns)
        checked = best_ms(lambda c=columns: ope.LoggedRounds.of(**c), runs)
        evaluated = best_ms(lambda g=log: ope.evaluate(g, ESTIMATORS), runs)
        memory = peak_mb(lambda c=columns: ope.evaluate(ope.LoggedRounds.of(**c), ESTIMATORS))
        per_cell = 1e6 * (checked + evaluated) / (n * n_actions)
        print(f"{n:>10}{n_actions:>9}{checked:>12.1f}{evaluated:>13.1f}{per_cell:>13.1f}{memory:>10.1f}")


# Runs in the peer's environment. obp imports torch for its learners; its estimators use numpy alone.
_PEER = """
import json, sys, time, types
import numpy as np

class Missing(types.ModuleType):
    __path__ = []
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})

try:
    import torch
except ModuleNotFoundError:
    for name in ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils", "torch.utils.data"):
        sys.modules[name] = Missing(name)
        if "." in name:
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, sys.modules[name])
import logging
logging.disable(logging.WARNING)
from obp import ope

given = dict(np.load(sys.argv[1]))
common = dict(
    reward=given["rewards"], action=given["actions"], position=np.zeros(given["actions"].size, dtype=int),
    pscore=given["propensities"], action_dist=given["target"][:, :, None],
)
modelled = dict(common, estimated_rewards_by_reg_model=given["reward_model"][:, :, None])
calls = {
    "ips": (ope.InverseProbabilityWeighting(), common),
    "clipped_ips": (ope.InverseProbabilityWeighting(lambda_=10.0), common),
    "snips": (ope.SelfNormalizedInverseProbabilityWeighting(), common),
    "dm": (ope.DirectMethod(), {k: modelled[k] for k in ("action_dist", "estimated_rewards_by_reg_model", "position")}),
    "dr": (ope.DoublyRobust(), modelled),
    "sndr": (ope.SelfNormalizedDoublyRobust(), modelled),
    "switch_dr": (ope.SwitchDoublyRobust(lambda_=10.0), modelled),
    "dr_os": (ope.DoublyRobustWithShrinkage(lambda_=100.0), modelled),
}
found = {}
for name, (estimator, arguments) in calls.items():
    value, taken = estimator.estimate_policy_value(**arguments), []
    for _ in range(int(sys.argv[2])):
        started = time.process_time()
        estimator.estimate_policy_value(**arguments)
        taken.append(time.process_time() - started)
    found[name] = [1e3 * min(taken), float(value)]
estimator, arguments = calls["dr"]
started = time.process_time()
estimator.estimate_interval(n_bootstrap_samples=10, random_state=1, **arguments)
found["10 bootstraps of dr"] = [1e3 * (time.process_time() - started), float("nan")]
print(json.dumps(found))
"""


def beside(python: str, columns: Mapping[str, np.ndarray], runs: int) -> None:
    """The peer and ours on the same columns: value and time of each estimator that both have."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "columns.npz"
        np.savez(stored, **columns)
        done = subprocess.run(
            [python, "-W", "ignore", "-c", _PEER, str(stored), str(runs)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    print(f"\n{'':<22}{'obp, ms':>10}{'ours, ms':>10}{'obp / ours':>12}   values")
    for name, (theirs, value) in json.loads(done.stdout.splitlines()[-1]).items():
        if not hasattr(ope, name):
            bootstrap = ope.Bootstrap(np.random.default_rng(1), 10)
            taken = taken_by("dr", columns)
            own = best_ms(lambda t=taken, b=bootstrap: ope.dr(**t, inference=b), runs)
            print(f"{name:<22}{theirs:>10.1f}{own:>10.1f}{theirs / own:>12.1f}")
            continue
        function, taken = getattr(ope, name), taken_by(name, columns)
        own, found = best_ms(lambda f=function, t=taken: f(**t), runs), function(**taken).value
        print(f"{name:<22}{theirs:>10.1f}{own:>10.1f}{theirs / own:>12.1f}   {value:.10f} {found:.10f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--actions", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter with obp")
    options = parser.parse_args()
    columns = columns_of(np.random.default_rng(0), options.rounds, options.actions)
    print(f"{options.rounds} rounds, {options.actions} actions, best of {options.runs}\n")
    at_full_size(columns, options.runs)
    one_by_one(columns, options.runs)
    if options.peer:
        beside(options.peer, columns, options.runs)
    growth(options.runs)


if __name__ == "__main__":
    main()
