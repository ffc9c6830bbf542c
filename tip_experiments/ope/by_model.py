"""The functions that lean on a reward model: `dm`, `dr`, `sndr`, `switch_dr`, `dr_os`.

What they share is documented at the package. Several estimators on one log: `evaluate`, which checks the log once.
"""

from numpy.typing import ArrayLike

from tip_experiments.ope.estimate import Estimate
from tip_experiments.ope.evaluation import NORMAL, evaluate
from tip_experiments.ope.intervals import Inference
from tip_experiments.ope.logs import LoggedRounds
from tip_experiments.ope.modelled import DM, DR, SNDR, DRos, SwitchDR
from tip_experiments.ope.reliability import STANDARD, Reliability


def dm(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    reward_model: ArrayLike,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """The mean of what the model expects of the target: as good as the model, and no better.

    Its interval spans what the log says of the model's bias; refused where that is plainly off for this target.

    `reward_model` is (n, K) float, the reward expected of each action, not fitted on these rows.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.

    Source:
        Beygelzimer & Langford (2009), The offset tree; the name is Dudik, Langford & Li's (2011).
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        reward_model=reward_model,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [DM()], inference=inference, reliability=reliability)[0]


def dr(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    reward_model: ArrayLike,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """The direct method plus the weighted mean of what it missed: unbiased with exact propensities, whatever the model.

    `reward_model` is (n, K) float, the reward expected of each action, not fitted on these rows.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.

    Source:
        Dudik, Langford & Li (2011), Doubly robust policy evaluation and learning.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        reward_model=reward_model,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [DR()], inference=inference, reliability=reliability)[0]


def sndr(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    reward_model: ArrayLike,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """Doubly robust with the correction divided by the mean weight: less variance, bias of order 1 / n.

    `reward_model` is (n, K) float, the reward expected of each action, not fitted on these rows.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.

    Source:
        Robins, Sued, Lei-Gomez & Rotnitzky (2007), Statistical Science 22, 544-559, section 2; Thomas & Brunskill
        (2016) for policies.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        reward_model=reward_model,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [SNDR()], inference=inference, reliability=reliability)[0]


def switch_dr(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    reward_model: ArrayLike,
    tau: float = SwitchDR.tau,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """Doubly robust where the weight is at most tau, the direct method elsewhere.

    `reward_model` is (n, K) float, the reward expected of each action, not fitted on these rows. `tau` is at least 0: 0
    is the direct method, infinity is dr.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.
        ValueError: `tau` is negative or NaN.

    Source:
        Wang, Agarwal & Dudik (2017), Optimal and adaptive off-policy evaluation in contextual bandits.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        reward_model=reward_model,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [SwitchDR(tau)], inference=inference, reliability=reliability)[0]


def dr_os(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    target: ArrayLike,
    reward_model: ArrayLike,
    lambda_: float = DRos.lambda_,
    probabilities: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    inference: Inference = NORMAL,
    reliability: Reliability = STANDARD,
) -> Estimate:
    """Doubly robust with each weight w shrunken to lambda w / (w^2 + lambda).

    `reward_model` is (n, K) float, the reward expected of each action, not fitted on these rows. `lambda_` is at least
    0: 0 is the direct method, infinity is dr; no weight stays above sqrt(lambda_) / 2.

    Raises:
        PropensityError, LogError: the log is faulty; names all that is.
        ValueError: `lambda_` is negative or NaN.

    Source:
        Su, Dimakopoulou, Krishnamurthy & Dudik (2020), Doubly robust off-policy evaluation with shrinkage.
    """
    log = LoggedRounds.of(
        rewards=rewards,
        actions=actions,
        propensities=propensities,
        target=target,
        reward_model=reward_model,
        probabilities=probabilities,
        positions=positions,
    )
    return evaluate(log, [DRos(lambda_)], inference=inference, reliability=reliability)[0]
