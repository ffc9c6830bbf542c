"""What came of decisions: the arm shown, the reward, the context it was shown in. Checked here, before anybody learns.

Feedback names arms, not positions: it may arrive after the arms have changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.policies.errors import FeedbackError, numbers, rows

LARGEST_FEATURE = 1024.0  # beyond it the sums of squares would leave their integers after a few thousand rows


@dataclass(frozen=True)
class Feedback:
    """A batch of rewards, in the order in which they happened as far as that is known.

    Each decision belongs into one batch once. A policy keeps sums, not decision ids, so it cannot tell a repetition;
    whoever delivers at least once removes duplicates by decision id before.
    """

    arms: Sequence[str]
    """(n,) the arm of each decision."""
    rewards: ArrayLike
    """(n,) float64, finite; for Beta-Bernoulli Thompson sampling in [0, 1]."""
    contexts: ArrayLike | None = None
    """(n, d) float64, finite, in [-1024, 1024]; None where the policy knows no context."""


class Checked(NamedTuple):
    """Feedback on arms that the policy has, as arrays."""

    positions: NDArray[np.int64]
    """(m,) int64 in [0, K)."""
    rewards: NDArray[np.float64]
    """(m,) float64."""
    contexts: NDArray[np.float64]
    """(m, d) float64; d is 0 where the policy knows no context."""


def checked(
    feedback: Feedback,
    arms: Sequence[str],
    retired: frozenset[str],
    n_features: int,
    reward_range: tuple[float, float] = (-LARGEST_FEATURE, LARGEST_FEATURE),
) -> Checked:
    """Feedback as arrays, without rows of arms that the policy once had: what they taught has gone with them.

    Raises:
        FeedbackError: lengths differ, a reward or feature is not finite or out of range, an arm was never there; lists
            the first ten rows of each fault.
    """
    n = len(feedback.arms)
    rewards = numbers("Rewards", feedback.rewards, FeedbackError)
    contexts = np.empty((n, 0))
    if n_features and feedback.contexts is not None:
        contexts = numbers("Contexts", feedback.contexts, FeedbackError)
    if rewards.shape != (n,) or contexts.shape != (n, n_features):
        raise FeedbackError(
            f"Feedback of {n} arms came with rewards {rewards.shape} and contexts {contexts.shape}; "
            f"expected ({n},) and ({n}, {n_features})."
        )
    place = {arm: position for position, arm in enumerate(arms)}
    positions = np.array([place.get(arm, -1) for arm in feedback.arms], np.int64)
    absent = np.flatnonzero(positions < 0)
    _refuse(
        {
            f"name an arm that was never there (arms: {', '.join(arms)})": [
                row for row in absent.tolist() if feedback.arms[row] not in retired
            ],
            f"have a reward that is not in [{reward_range[0]:g}, {reward_range[1]:g}]": np.flatnonzero(
                ~((rewards >= reward_range[0]) & (rewards <= reward_range[1]))
            ).tolist(),
            f"have a feature that is not in [{-LARGEST_FEATURE:g}, {LARGEST_FEATURE:g}]": np.flatnonzero(
                ~(np.abs(contexts) <= LARGEST_FEATURE).all(axis=1)
            ).tolist(),
        }
    )
    if absent.size:
        stays = positions >= 0
        return Checked(positions[stays], rewards[stays], contexts[stays])
    return Checked(positions, rewards, contexts)


def _refuse(faults: dict[str, list[int]]) -> None:
    found = [f"{rows(where)} {fault}" for fault, where in faults.items() if where]
    if found:
        raise FeedbackError(f"Feedback cannot be learnt from: {'; '.join(found)}.")
