"""What racing saves: worlds with known truth, each judged in full and raced, with scores on a scale of 1 to 5.

Prints, for each world: the share of all judging that the race asked for, how many cells were left, how often it dropped
the best one (to be at most the error rate), how often it ended with a winner and how often that was the best, how often
judging everything puts the best cell first, and how often a race that drops by a paired t-test at every look, as if it
looked once, loses the best cell.

    .venv/bin/python benchmarks/racing.py [--races 200] [--error-rate 0.05] [--round 10] [--seed 1]
"""

import argparse
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tip_experiments.racing import start

LOW, HIGH = 1.0, 5.0
SCENARIO_SPREAD, TIP_SPREAD = 0.6, 0.8

Floats = NDArray[np.float64]


class World(NamedTuple):
    """Cells by the quality that their scores scatter around, the first being the best, and how many scenarios."""

    qualities: Floats
    n_scenarios: int


WORLDS: Mapping[str, World] = {
    "20 cells far apart": World(np.linspace(4.2, 1.8, 20), 200),
    "20 cells, one clearly best": World(np.r_[4.0, np.full(19, 3.0)], 200),
    "20 cells, one better by 0.4": World(np.r_[3.6, np.full(19, 3.2)], 400),
    "20 cells, two ahead and alike": World(np.r_[3.8, 3.75, np.full(18, 3.0)], 200),
    "10 cells alike": World(np.full(10, 3.2), 200),
    "50 cells, a field of all kinds": World(np.linspace(4.0, 2.0, 50), 300),
    "2 cells, 0.3 apart": World(np.array([3.5, 3.2]), 400),
}


class Raced(NamedTuple):
    """How one race ended."""

    share_judged: float
    has_lost_best: bool
    winner: int | None
    n_left: int


def draw(world: World, rng: np.random.Generator) -> Floats:
    """(cells, scenarios): whole points; hard scenarios are hard for every cell."""
    shape = (world.qualities.size, world.n_scenarios)
    hardness = rng.normal(0.0, SCENARIO_SPREAD, world.n_scenarios)
    scores = world.qualities[:, None] + hardness + rng.normal(0.0, TIP_SPREAD, shape)
    return np.clip(np.round(scores), LOW, HIGH)


def race(scores: Floats, round_size: int, error_rate: float) -> Raced:
    """Runs the race on scores that are looked up as they are asked for."""
    n_arms, n_scenarios = scores.shape
    current = start(n_arms, n_scenarios, low=LOW, high=HIGH, error_rate=error_rate)
    n_judged = 0
    while needs := current.next_round(round_size):
        arms = np.repeat([need.arm for need in needs], [len(need.scenarios) for need in needs])
        scenarios = np.concatenate([need.scenarios for need in needs])
        current = current.observe(arms, scenarios, scores[arms, scenarios])
        n_judged += arms.size
    return Raced(n_judged / scores.size, 0 not in current.survivors, current.winner, len(current.survivors))


def loses_best_naively(scores: Floats, round_size: int, error_rate: float) -> bool:
    """Whether dropping by t-tests against the leader, none of them corrected, ever drops the best cell."""
    n_scenarios = scores.shape[1]
    alive = np.arange(scores.shape[0])
    for seen in range(round_size, n_scenarios + 1, round_size):
        part = scores[alive, :seen]
        leader = part[part.mean(axis=1).argmax()]
        behind = leader - part
        error = np.maximum(behind.std(axis=1, ddof=1), 1e-12) / np.sqrt(seen)
        alive = alive[behind.mean(axis=1) / error < stats.t.ppf(1.0 - error_rate, seen - 1)]
        if 0 not in alive:
            return True
    return False


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--races", type=int, default=200)
    parser.add_argument("--error-rate", type=float, default=0.05)
    parser.add_argument("--round", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(f"{chosen.races} races each, error rate {chosen.error_rate:g}, {chosen.round} scenarios a round")
    print("| world | scenarios | judged | left | best lost | has winner | of these right | full: right | naive: lost |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, world in WORLDS.items():
        rng = np.random.default_rng(chosen.seed)
        worlds = [draw(world, rng) for _ in range(chosen.races)]
        began = time.perf_counter()
        raced = [race(scores, chosen.round, chosen.error_rate) for scores in worlds]
        took = (time.perf_counter() - began) / chosen.races
        won = [one.winner == 0 for one in raced if one.winner is not None]
        judged = np.mean([one.share_judged for one in raced])
        n_left = np.mean([one.n_left for one in raced])
        row = [
            np.mean([one.has_lost_best for one in raced]),
            len(won) / chosen.races,
            np.mean(won) if won else np.nan,
            np.mean([scores.mean(axis=1).argmax() == 0 for scores in worlds]),
            np.mean([loses_best_naively(scores, chosen.round, chosen.error_rate) for scores in worlds]),
        ]
        figures = " | ".join("-" if np.isnan(share) else f"{share:.1%}" for share in row)
        print(
            f"| {name} | {world.n_scenarios} | {judged:.1%} | {n_left:.1f} | {figures} | {took * 1e3:.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
