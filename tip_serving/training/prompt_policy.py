"""The prompt policy: which prompt on which model writes the next tip, from the judge's word first and then from people.

Arms are `model@version`. Each starts from its prior (`prompt_priors`) and learns from every reward of a tip that it
wrote (`prompt_feedback`). Where there is no feedback yet, the policy is the prior alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies import state
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.lin_ucb import LinUcb
from tip_serving.scoring import policy_context
from tip_serving.training.parts import TrainingError
from tip_serving.training.prompt_feedback import WrittenTips
from tip_serving.training.prompt_priors import BASE_RATE, PromptPrior

EXPLORED_SHARE = 0.1
"""Of all decisions, drawn from all arms alike, so that no arm is forgotten and logs can judge other policies."""
RIDGE = 60.0
"""Observations that speak for a feature making no difference.

A prior speaks of a context of zeros; what is believed elsewhere moves with the coefficients too. At a usual context,
whose features square to 3, a prior of 20 rewards weighs as a third of one with a ridge of 1, and as ten with 60.
"""
_FEWEST_FOR_RATE = 50


@dataclass(frozen=True, eq=False)
class TrainedPromptPolicy:
    """A prompt policy with what its card is made from."""

    policy: LinUcb
    content: bytes
    priors: tuple[PromptPrior, ...]
    tips: WrittenTips
    is_learnt: NDArray[np.bool_]
    """(n,) which tips it learnt from: those of its arms."""

    @property
    def version(self) -> str:
        """The policy's own."""
        return self.policy.version


def base_rate_of(tips: WrittenTips) -> float | None:
    """The mean reward of written tips; None where there are too few to say."""
    return float(tips.rewards.mean()) if tips.n >= _FEWEST_FOR_RATE else None


def train(priors: Sequence[PromptPrior], tips: WrittenTips) -> TrainedPromptPolicy:
    """The policy over the arms of `priors`, having learnt from `tips`.

    Raises:
        TrainingError: no arm is known: nothing was judged.
    """
    if not priors:
        raise TrainingError(
            "The prompt policy",
            ["no leaderboard has a scored cell whose prompt is registered here, so there is no arm to start from"],
        )
    arms = [one.arm for one in priors]
    rate = base_rate_of(tips) or BASE_RATE
    policy = LinUcb.over(
        arms, len(policy_context.NAMES), floor=EXPLORED_SHARE / len(arms), ridge=RIDGE,
        noise=float(np.sqrt(rate * (1.0 - rate))), priors={one.arm: one.prior for one in priors},
    )  # fmt: skip
    is_learnt = np.isin(np.array(tips.arms, np.str_), arms) if tips.n else np.empty(0, np.bool_)
    if is_learnt.any():
        mine = [arm for arm, learnt in zip(tips.arms, is_learnt.tolist(), strict=True) if learnt]
        policy = policy.update(Feedback(mine, tips.rewards[is_learnt], tips.contexts[is_learnt]))
    return TrainedPromptPolicy(policy, state.dumps(policy).encode(), tuple(priors), tips, is_learnt)
