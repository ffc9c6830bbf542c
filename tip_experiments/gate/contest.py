"""Two policies on one log, and how a requirement is read off the difference between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.gate.policy import Contender, GatePolicy, GuardedMetric
from tip_experiments.gate.verdict import Outcome
from tip_experiments.ope import DR, SNIPS, Estimate, LogError, LoggedRounds, Normal, difference
from tip_experiments.ope.estimator import Estimator


@dataclass(frozen=True, eq=False)
class Contest:
    """The same rounds under either policy."""

    champion: LoggedRounds
    challenger: LoggedRounds

    @classmethod
    def of(cls, champion: Contender, challenger: Contender, **columns: ArrayLike | None) -> Self:
        """The contest on a log given by its columns.

        Raises:
            PropensityError, LogError: the log or a policy is faulty; a note says which policy.
        """
        if champion.name == challenger.name:
            raise ValueError(f"Champion and challenger must have different names; both are {champion.name!r}")
        return cls(_log(champion, columns), _log(challenger, columns))

    def on(self, guardrail: GuardedMetric) -> Self:
        """The same contest for the outcome of a guardrail, turned so that more is better."""
        values = np.asarray(guardrail.values)
        turned = values if guardrail.is_higher_better else 1.0 - values
        try:
            return type(self)(self.champion.with_rewards(turned), self.challenger.with_rewards(turned))
        except LogError as error:
            error.add_note(f"The rewards are the values of guardrail {guardrail.metric}.")
            raise

    def only(self, rows: NDArray[np.bool_]) -> Self:
        """The contest on some of the rows (n,)."""
        return type(self)(self.champion.only(rows), self.challenger.only(rows))

    @property
    def estimator(self) -> Estimator:
        """Doubly robust where there is a model, else self-normalised."""
        return SNIPS() if self.champion.reward_model is None else DR()

    def gain(self, policy: GatePolicy, estimator: Estimator | None = None) -> Estimate:
        """Challenger minus champion, with one bound on each side at the gate's confidence."""
        return difference(
            self.champion, self.challenger, estimator or self.estimator,
            inference=Normal(two_sided(policy)), reliability=policy.reliability,
        )  # fmt: skip


def _log(contender: Contender, columns: Mapping[str, ArrayLike | None]) -> LoggedRounds:
    try:
        return LoggedRounds.of(target=contender.target, **columns)
    except LogError as error:
        error.add_note(f"The target is that of {contender.name}.")
        raise


def two_sided(policy: GatePolicy) -> float:
    """The confidence of an interval whose two bounds each have the gate's."""
    return 2.0 * policy.confidence - 1.0


def above(interval: tuple[float, float], threshold: float) -> Outcome:
    """Whether the interval shows a value above the threshold, one at or below it, or neither."""
    low, high = interval
    if low > threshold:
        return Outcome.PASSED
    return Outcome.FAILED if high <= threshold else Outcome.UNDETERMINED
