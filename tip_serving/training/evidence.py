"""What logged decisions say of two arms: the arguments of the release gate, read from exposures and their rewards.

Grain: one row per settled decision of kind `score` that was logged with its vectors under this build's contract. Both
arms are asked anew on the very vectors that the decision was made on. Rows lie in order of user and moment.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tip_experiments.gate import Contender, GatePolicy, GuardedMetric, Verdict, decide
from tip_experiments.gate.release import STANDARD
from tip_serving.lake.storage import Lake
from tip_serving.scoring.arms import ReadyArm
from tip_serving.training.groups import OF_DECISIONS, OF_PEOPLE, labelled
from tip_serving.training.logged import DecisionLog, Decisions
from tip_serving.training.targets import target

Vector = NDArray[np.float64]

DISMISSALS_MARGIN = 0.02
"""A share of tips waved away that is higher by less is tolerated."""
MODEL_FROM_ROWS, MODEL_FROM_PEOPLE = 1000, 40
"""With fewer, a model of half of them adds noise, and weights alone have to do."""
MODEL_TREES = 60


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
    people: Mapping[str, NDArray[np.str_]]
    """By column, (n,) the groups that fairness is looked at by."""
    users: NDArray[np.int64]
    """(n,) int64, equal for decisions of one person; growing."""
    n_left_out: Mapping[str, int]
    """Why decisions were not read, to how many."""

    @property
    def n(self) -> int:
        """Number of decisions."""
        return int(self.rewards.size)

    @property
    def champion_table(self) -> Vector:
        """(n, K) what the champion would have done."""
        return np.asarray(self.champion.target, np.float64)

    @property
    def challenger_table(self) -> Vector:
        """(n, K) what the challenger would have done."""
        return np.asarray(self.challenger.target, np.float64)

    def verdict(self, rng: np.random.Generator, policy: GatePolicy = STANDARD) -> Verdict:
        """What the gate says of it."""
        return decide(
            rewards=self.rewards, actions=self.actions, propensities=self.propensities,
            probabilities=self.probabilities, champion=self.champion, challenger=self.challenger,
            reward_model=self.reward_model, clusters=self.users, guardrails=self.guardrails, slices=self.slices,
            rng=rng, policy=policy,
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
    log = DecisionLog(lake, days, now, since)
    parts = [_read(part, champion, challenger) for part in log.parts()]
    if not parts:
        left_out = "; ".join(f"{n:,} {reason}" for reason, n in log.n_left_out.items()) or "there are none"
        span = f"{min(days)} to {max(days)}" if days else "no day"
        raise EvidenceError(f"No decision of {span} can be read as evidence. Found: {left_out}.")
    columns = _joined(parts)
    order = np.lexsort((columns["at"], columns["user"]))
    columns = {name: values[order] for name, values in columns.items()}
    _, users = np.unique(columns["user"], return_inverse=True)
    model = _model(log, columns["shown"], columns["rewards"], users, order)
    dismissed = columns["is_dismissed"].astype(np.float64)
    return Evidence(
        rewards=columns["rewards"],
        actions=columns["actions"],
        propensities=columns["probabilities"][np.arange(order.size), columns["actions"]],
        probabilities=columns["probabilities"],
        champion=Contender(_name(champion, "champion"), columns["champion"]),
        challenger=Contender(_name(challenger, "challenger"), columns["challenger"]),
        reward_model=model,
        guardrails=(GuardedMetric("dismissals", dismissed, DISMISSALS_MARGIN, is_higher_better=False),),
        slices=labelled(OF_DECISIONS, columns["shown"]),
        people=labelled(OF_PEOPLE, columns["shown"]),
        users=users.astype(np.int64),
        n_left_out=dict(log.n_left_out),
    )


def _name(arm: ReadyArm, role: str) -> str:
    """Champion and challenger have to have different names, whatever the arms are called."""
    return f"{role} {arm.name}"


def _read(part: Decisions, champion: ReadyArm, challenger: ReadyArm) -> dict[str, NDArray[Any]]:
    return {
        "user": part.users,
        "at": part.at,
        "rewards": part.rewards,
        "actions": part.actions,
        "is_dismissed": part.is_dismissed,
        "shown": part.shown,
        "probabilities": part.propensities,
        "champion": target(champion, part),
        "challenger": target(challenger, part),
    }


_WIDE = ("probabilities", "champion", "challenger")


def _joined(parts: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The parts one after the other, wide ones padded to the widest."""
    width = max(part["probabilities"].shape[1] for part in parts)
    return {
        name: np.concatenate([_widened(part[name], width) if name in _WIDE else part[name] for part in parts])
        for name in parts[0]
    }


def _widened(table: Vector, width: int) -> Vector:
    return np.pad(table, ((0, 0), (0, width - table.shape[1])))


def _model(
    log: DecisionLog, shown: Vector, rewards: Vector, users: NDArray[np.int64], order: NDArray[np.int64]
) -> Vector | None:
    """(n, K) the rewards that a model of the other half of the people expects; None with too few rows or people."""
    if rewards.size < MODEL_FROM_ROWS or users.max() + 1 < MODEL_FROM_PEOPLE or not 0.0 < rewards.mean() < 1.0:
        return None
    half = (users * _ODD >> 16) % 2
    models = [_fitted(shown[half != side], rewards[half != side]) for side in (0, 1)]
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    tables, first = [], 0
    for part in log.parts():
        sides = np.repeat(half[place[first : first + part.n]], part.n_tips)
        expected = np.empty(part.vectors.shape[0])
        for side in (0, 1):
            if (sides == side).any():
                expected[sides == side] = models[side].predict(part.vectors[sides == side], num_threads=1)
        tables.append(part.padded(expected, 0.0))
        first += part.n
    width = max(table.shape[1] for table in tables)
    return np.concatenate([_widened(table, width) for table in tables])[order]


_ODD = 2654435761  # spreads neighbouring codes over both halves, the same ones each time


def _fitted(vectors: Vector, rewards: Vector) -> Any:
    import lightgbm

    settings = {
        "objective": "cross_entropy", "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 50, "lambda_l2": 10.0,
        "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1, "seed": 0,
    }  # fmt: skip
    return lightgbm.train(settings, lightgbm.Dataset(vectors, rewards), MODEL_TREES)
