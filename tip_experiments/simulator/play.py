"""Play a policy in a world and log it: what a server would have logged, and beside it the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.policy import Policy
from tip_experiments.simulator.worlds import Episode, World


@dataclass(frozen=True)
class Log:
    """One row per round. K counts all arms of the world; an arm that did not exist in a round has probability 0."""

    contexts: NDArray[np.float64]
    """(n, d) float64."""
    actions: NDArray[np.int64]
    """(n,) int64 in [0, K), columns of the arrays here, whichever arms the policy had at the time."""
    propensities: NDArray[np.float64]
    """(n,) float64 in (0, 1], of the action."""
    probabilities: NDArray[np.float64]
    """(n, K) float64 in [0, 1], rows sum to 1."""
    rewards: NDArray[np.float64]
    """(n,) float64, of the action."""
    expected: NDArray[np.float64]
    """(n, K) float64, the true mean reward of each arm."""
    available: NDArray[np.bool_]
    """(n, K) bool, which arms existed."""
    versions: tuple[str, ...]
    """(n,) the policy version that decided."""
    policy: Policy
    """After the last update; feedback still under way at the end is not in it."""

    @property
    def regret(self) -> NDArray[np.float64]:
        """(n,) float64 >= 0, what the best available arm pays on average beyond the one chosen."""
        best = np.where(self.available, self.expected, -np.inf).max(axis=1)
        regret: NDArray[np.float64] = best - self.expected[np.arange(len(self.actions)), self.actions]
        return regret


def play(world: World, policy: Policy, rounds: int, rng: np.random.Generator, update_every: int = 1) -> Log:
    """Let `policy` decide `rounds` times in `world` and learn from what has become known.

    Args:
        world: over arms whose names the policy may get to know; its arms are set anew whenever some arrive.
        policy: as before the first round; stays as it is.
        rounds: >= 1.
        rng: all the chance there is, of the world and in the decision ids; equal seeds give equal logs.
        update_every: >= 1, how many rounds lie between two updates; each takes all feedback that has arrived.
    """
    episode = world.episode(rounds, rng)
    return play_episode(world.arms, episode, policy, f"{rng.integers(1 << 62):x}", update_every)


def play_episode(arms: Sequence[str], episode: Episode, policy: Policy, run: str, update_every: int = 1) -> Log:
    """Let `policy` decide through a given episode.

    Args:
        arms: (K,) names of the episode's columns.
        episode: what happens.
        policy: as before the first round.
        run: part of all decision ids. A policy draws the same for the same ids, so runs that are to be independent
            of each other need names of their own.
        update_every: as for `play`.
    """
    rounds, n_arms = episode.expected.shape
    column_of = {arm: column for column, arm in enumerate(arms)}
    actions = np.empty(rounds, np.int64)
    probabilities = np.zeros((rounds, n_arms))
    versions: list[str] = []
    due: dict[int, list[int]] = {}
    for now in range(rounds):
        if now == 0 or not np.array_equal(episode.available[now], episode.available[now - 1]):
            present = tuple(arm for arm in arms if episode.available[now, column_of[arm]])
            policy = policy.with_arms(present)
        decision = policy.decide(episode.contexts[now], f"{run}-{now}")
        columns = [column_of[arm] for arm in decision.arms]
        actions[now] = column_of[decision.arm]
        probabilities[now, columns] = decision.probabilities
        versions.append(decision.policy_version)
        known = now + int(episode.delays[now])
        due.setdefault(known + -(known + 1) % update_every, []).append(now)
        if arrived := due.pop(now, None):
            rows = np.array(arrived)
            chosen = actions[rows]
            policy = policy.update(
                Feedback([arms[column] for column in chosen], episode.rewards[rows, chosen], episode.contexts[rows])
            )
    return Log(
        contexts=episode.contexts,
        actions=actions,
        propensities=probabilities[np.arange(rounds), actions],
        probabilities=probabilities,
        rewards=episode.rewards[np.arange(rounds), actions],
        expected=episode.expected,
        available=episode.available,
        versions=tuple(versions),
        policy=policy,
    )
