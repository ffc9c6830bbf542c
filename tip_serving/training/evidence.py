"""What logged decisions say of two arms: the arguments of the release gate, read from exposures and their rewards.

Grain: one row per settled decision of kind `score` that was logged with its vectors under this build's contract. Both
arms are asked anew on the very vectors that the decision was made on. Rows lie in order of user and moment.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tip_experiments.gate import Contender, GatePolicy, GuardedMetric, Verdict, decide
from tip_experiments.gate.release import STANDARD
from tip_serving.lake.storage import Lake
from tip_serving.scoring.arms import ReadyArm

Vector = NDArray[np.float64]


class EvidenceError(ValueError):
    """No decision can be read as evidence; says what was found instead."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """n settled decisions among up to K candidates; what a decision did not have is padded with zeros."""

    rewards: Vector
    """(n,) float64 in [0, 1]."""
    actions: NDArray[np.int64]
    """(n,) int64 in [0, K), the position of the tip that came first."""
    propensities: Vector
    """(n,) float64 in (0, 1], as logged."""
    probabilities: Vector
    """(n, K) float64, all that was logged."""
    champion: Contender
    challenger: Contender
    reward_model: Vector | None
    """(n, K) float64, of a model that did not see the rows' own users; None where there are too few rows for one."""
    guardrails: tuple[GuardedMetric, ...]
    slices: Mapping[str, NDArray[np.str_]]
    """By column, (n,) labels."""
    users: NDArray[np.int64]
    """(n,) int64, equal for decisions of one person; growing."""
    n_left_out: Mapping[str, int]
    """Why decisions were not read, to how many."""

    @property
    def n(self) -> int:
        """Number of decisions."""
        return int(self.rewards.size)

    def verdict(self, rng: np.random.Generator, policy: GatePolicy = STANDARD) -> Verdict:
        """What the gate says of it."""
        return decide(
            rewards=self.rewards, actions=self.actions, propensities=self.propensities,
            probabilities=self.probabilities, champion=self.champion, challenger=self.challenger,
            reward_model=self.reward_model, guardrails=self.guardrails, slices=self.slices, rng=rng, policy=policy,
        )  # fmt: skip


def evidence(
    lake: Lake,
    days: Sequence[dt.date],
    champion: ReadyArm,
    challenger: ReadyArm,
    now: dt.datetime,
    since: dt.datetime | None = None,
) -> Evidence:
    """What the decisions of these days say of both arms.

    Args:
        lake: holds the exported days.
        days: UTC.
        champion: loaded.
        challenger: loaded.
        now: aware; decisions that are not settled by then are left out.
        since: aware; earlier decisions are left out. Give `untouched_since` of a candidate: what it was fitted on
            cannot judge it.

    Raises:
        EvidenceError: no decision can be read.
    """
    raise NotImplementedError
