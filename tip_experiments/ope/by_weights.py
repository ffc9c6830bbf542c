"""The functions that weigh logged rewards: `ips`, `clipped_ips`, `snips`, `replay`, `mips`.

What they share is documented at the package. Several estimators on one log: `evaluate`, which checks the log once.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.ope.estimate import Estimate
from tip_experiments.ope.evaluation import NORMAL, evaluate
from tip_experiments.ope.intervals import Inference
from tip_experiments.ope.logs import LoggedRounds
from tip_experiments.ope.marginal import MIPS
from tip_experiments.ope.reliability import STANDARD, Reliability
from tip_experiments.ope.weighting import IPS, SNIPS, ClippedIPS, Replay


def ips(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """The mean of weight times reward: unbiased where the log explored whatever the target does.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.

    Source:
        Horvitz & Thompson (1952), Journal of the American Statistical Association 47; for policies: Strehl, Langford,
        Li & Kakade (2010), Learning from logged implicit exploration data.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [IPS()], inference=inference, reliability=reliability)[0]


def clipped_ips(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    clip: float = ClippedIPS.clip,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """The mean of min(weight, clip) times reward: at most ips, with less variance, too low by what was clipped.

    `clip` is the largest weight that counts, above 0.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.
        ValueError: `clip` is not above 0.

    Source:
        Ionides (2008), Truncated importance sampling; Swaminathan & Joachims (2015), Counterfactual risk minimization.
        The bounds of `Bernstein` are Maurer & Pontil's; the upper one is the lower one of 1 - reward, so that it
        covers what clipping took away.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [ClippedIPS(clip)], inference=inference, reliability=reliability)[0]


def snips(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """The sum of weight times reward over the sum of weights: within the range of the rewards, bias of order 1 / n.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.

    Source:
        Swaminathan & Joachims (2015), The self-normalized estimator for counterfactual learning.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [SNIPS()], inference=inference, reliability=reliability)[0]


def replay(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """The mean reward of the rounds where the target would have done what was logged, for logs drawn uniformly.

    For a target that draws, each round counts with the probability that it agrees: the mean over all draws of the
    original, so no dice are needed. Without any agreement the value is NaN.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.

    Source:
        Li, Chu, Langford & Wang (2011), Unbiased offline evaluation of contextual-bandit-based news article
        recommendation algorithms.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [Replay()], inference=inference, reliability=reliability)[0]


def mips(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    probabilities: ArrayLike,
    embedding: ArrayLike,
    p_e: NDArray[np.float64] | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """The mean of marginal weight times reward: weights are those of what actions have in common, not of actions.

    Unbiased where the reward depends on the action through its category alone, and the log explored every category
    (not every action) that the target shows.

    `embedding` is (n,) int >= 0, the category of what was shown; `p_e` is (K, E) float with rows that sum to 1, how
    likely an action comes with each category, and is counted in the log where it is None.

    Raises:
        PropensityError, LogError: the log or `p_e` is faulty; names all that is.

    Source:
        Saito & Joachims (2022), Off-policy evaluation for large action spaces via embeddings. They estimate the
        marginal weight by a classifier; ours is exact, as the logging policy's probabilities are at hand.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        probabilities=probabilities,
        positions=positions,
        embedding=embedding,
    )
    return evaluate(log, [MIPS(p_e)], inference=inference, reliability=reliability)[0]
