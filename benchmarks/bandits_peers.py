"""The peers' side of bandits.py: Vowpal Wabbit and MABWiser on the same contexts and episodes.

Called by bandits.py with a folder of .npz files; prints one JSON object per result. Knows nothing of our packages.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import vowpalwabbit
from mabwiser.mab import MAB, LearningPolicy

VW = {
    "Vowpal Wabbit epsilon-greedy": "--epsilon 0.05",
    "Vowpal Wabbit squarecb": "--squarecb --gamma_scale 500",
    "Vowpal Wabbit bag": "--bag 5",
}
N_REPEATS = 3


class VowpalWabbit:
    """One workspace with action-dependent features: context crossed with the arm's name."""

    def __init__(self, options: str, n_arms: int) -> None:
        """With interactions of context and arm, and the constant that it adds by itself."""
        self.workspace = vowpalwabbit.Workspace(f"--cb_explore_adf {options} -q UA --quiet --random_seed 1")
        self.arms = [f"|A a{arm}" for arm in range(n_arms)]

    @staticmethod
    def shared(context: np.ndarray) -> str:
        """The context in its text format."""
        return "shared |U " + " ".join(f"x{at}:{value:.6g}" for at, value in enumerate(context) if value)

    def decide(self, shared: str) -> list[float]:
        """Probabilities of all arms."""
        return self.workspace.predict([shared, *self.arms])

    def learn(self, shared: str, arm: int, reward: float, probability: float) -> None:
        """Costs are negative rewards."""
        labelled = [f"0:{-reward}:{probability} {text}" if at == arm else text for at, text in enumerate(self.arms)]
        self.workspace.learn([shared, *labelled])


def _seconds_each(decide: Callable[[Any], Any], given: list[Any]) -> list[float]:
    """How long each decision takes, in the repetition with the smallest median."""
    runs = []
    for _ in range(N_REPEATS):
        seconds = []
        for one in given:
            start = time.perf_counter()
            decide(one)
            seconds.append(time.perf_counter() - start)
        runs.append(seconds)
    return min(runs, key=lambda seconds: sorted(seconds)[len(seconds) // 2])


def _print(**result: object) -> None:
    print(json.dumps(result), flush=True)


def measure_speed(path: Path) -> None:
    """Decisions after learning from a log; the text that Vowpal Wabbit reads is prepared outside the clock."""
    log = np.load(path)
    contexts, actions, rewards, asked = log["contexts"], log["actions"], log["rewards"], log["asked"]
    n_arms = int(log["n_arms"])
    for name, options in VW.items():
        model = VowpalWabbit(options, n_arms)
        for context, action, reward in zip(contexts, actions, rewards, strict=True):
            model.learn(model.shared(context), int(action), float(reward), 1 / n_arms)
        seconds = _seconds_each(model.decide, [model.shared(context) for context in asked])
        _print(what="speed", who=name, n_arms=n_arms, seconds=seconds)
    bandit = MAB(list(range(n_arms)), LearningPolicy.LinUCB(alpha=1.0, l2_lambda=1.0))
    bandit.fit(actions.tolist(), rewards.tolist(), contexts)
    seconds = _seconds_each(bandit.predict, [row[None, :] for row in asked])
    _print(what="speed", who="MABWiser LinUCB (no propensity)", n_arms=n_arms, seconds=seconds)


def measure_regret(path: Path, world: str, seed: int) -> None:
    """Regret over an episode, learning after each round."""
    episode = np.load(path)
    contexts, expected, rewards = episode["contexts"], episode["expected"], episode["rewards"]
    best = expected.max(axis=1)
    for name, options in list(VW.items())[:2]:
        regret = _vw_regret(VowpalWabbit(options, rewards.shape[1]), contexts, best, expected, rewards)
        _print(what="regret", who=name, world=world, seed=seed, regret=regret)
    with_constant = np.column_stack([contexts, np.ones(len(contexts))])
    for name, given in (("MABWiser LinUCB", contexts), ("MABWiser LinUCB, constant added", with_constant)):
        regret = _mabwiser_regret(given, best, expected, rewards)
        _print(what="regret", who=name, world=world, seed=seed, regret=regret)


def _vw_regret(
    model: VowpalWabbit, contexts: np.ndarray, best: np.ndarray, expected: np.ndarray, rewards: np.ndarray
) -> float:
    rng, regret = np.random.default_rng(0), 0.0
    for now, context in enumerate(contexts):
        shared = model.shared(context)
        probabilities = np.array(model.decide(shared))
        arm = int(rng.choice(len(probabilities), p=probabilities / probabilities.sum()))
        model.learn(shared, arm, float(rewards[now, arm]), float(probabilities[arm]))
        regret += best[now] - expected[now, arm]
    return float(regret)


def _mabwiser_regret(contexts: np.ndarray, best: np.ndarray, expected: np.ndarray, rewards: np.ndarray) -> float:
    bandit = MAB(list(range(rewards.shape[1])), LearningPolicy.LinUCB(alpha=1.0, l2_lambda=1.0))
    bandit.fit([0], [rewards[0, 0]], contexts[:1])
    regret = best[0] - expected[0, 0]
    for now in range(1, len(contexts)):
        arm = bandit.predict(contexts[now : now + 1])
        bandit.partial_fit([arm], [rewards[now, arm]], contexts[now : now + 1])
        regret += best[now] - expected[now, arm]
    return float(regret)


def main() -> None:
    """Every file in the folder: `speed-*.npz`, then `regret-<world>-<seed>.npz`."""
    folder = Path(sys.argv[1])
    for path in sorted(folder.glob("speed-*.npz")):
        measure_speed(path)
    for path in sorted(folder.glob("regret-*.npz")):
        _, world, seed = path.stem.split("-")
        measure_regret(path, world, int(seed))


if __name__ == "__main__":
    main()
