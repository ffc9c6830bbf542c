"""The log, checked once: `LoggedRounds`. Grain: one row per logged decision, or per position of a slate."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tip_experiments.ope import checks
from tip_experiments.ope.chunks import Chunk, row_slices
from tip_experiments.ope.errors import error_of


@dataclass(frozen=True, eq=False, kw_only=True)
class LoggedRounds:
    """A checked log of n decisions among K actions and the policy to be judged on it.

    Arrays are kept as given, neither copied nor converted: float32 and memory-mapped ones are fine. Do not change them
    afterwards.

    Raises:
        PropensityError: a probability is NaN, not above 0 (propensities), negative or above 1; a row of `target` or
            `probabilities` does not sum to 1; a propensity is not what `probabilities` says.
        LogError: shapes that do not fit, rewards that are NaN, negative or above 1, unknown actions, ...
        Both name every fault at once, each with its first ten rows.
    """

    rewards: NDArray[np.float64]
    """(n,) float in [0, 1]; scale other rewards into it."""
    actions: NDArray[np.int64]
    """(n,) int in [0, K)."""
    propensities: NDArray[np.float64]
    """(n,) float in (0, 1]: the probability with which the action was drawn, as logged."""
    target: NDArray[np.float64]
    """(n, K) float: the policy to be judged; rows sum to 1 within 1e-6."""
    reward_model: NDArray[np.float64] | None = None
    """(n, K) float, finite: the reward expected of each action, from a model not fitted on these rows."""
    probabilities: NDArray[np.float64] | None = None
    """(n, K) float: all probabilities of the logging policy; tells which arms it could not explore."""
    positions: NDArray[np.int64] | None = None
    """(n,) int: where in its slate the row's item was shown; the value of a slate is the sum over positions."""
    embedding: NDArray[np.int64] | None = None
    """(n,) int >= 0: the category of what was shown, for MIPS."""
    clusters: NDArray[np.int64] | None = None
    """(n,) int: whose round it is, the rounds of one after those of another. Rounds of one person hang together; with
    clusters the draws are people, in standard errors, intervals and resamples. Limits on weights count rounds."""
    unsupported_share: float = field(init=False)
    """The target's mass on actions that the log cannot speak of: with probability 0 where `probabilities` are known,
    never logged where they are not."""
    model_range: tuple[float, float] | None = field(init=False)
    """Smallest and largest prediction of the reward model."""

    def __post_init__(self) -> None:
        columns = {name: value for name in checks.COLUMNS if (value := getattr(self, name)) is not None}
        arrays, unreadable = checks.as_arrays(columns)
        if unreadable:
            raise error_of(unreadable)
        for name, array in arrays.items():
            object.__setattr__(self, name, array)
        if faults := checks.shape_faults(self):
            raise error_of(faults)
        checked = checks.check_values(self)
        if checked.faults:
            raise error_of(checked.faults)
        object.__setattr__(self, "unsupported_share", checked.unsupported_share)
        object.__setattr__(self, "model_range", checked.model_range)

    @classmethod
    def of(cls, **columns: ArrayLike | None) -> Self:
        """The log of any array-likes, by the names of the columns."""
        arrays: dict[str, Any] = dict(columns)
        return cls(**arrays)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.rewards.size)

    @property
    def n_actions(self) -> int:
        """K, the number of actions."""
        return int(self.target.shape[1])

    def with_target(self, target: ArrayLike) -> Self:
        """The same log, to judge another policy (n, K)."""
        return replace(self, target=np.asarray(target))

    def with_rewards(self, rewards: ArrayLike) -> Self:
        """The same decisions, with another outcome (n,) in [0, 1] and no model of it."""
        return replace(self, rewards=np.asarray(rewards), reward_model=None)

    def only(self, rows: NDArray[np.bool_]) -> Self:
        """Only the rows (n,) where `rows` holds."""
        kept = {
            name: None if value is None else value[rows]
            for name in ("reward_model", "probabilities", "positions", "embedding", "clusters")
            for value in (getattr(self, name),)
        }
        return type(self)(
            rewards=self.rewards[rows], actions=self.actions[rows], propensities=self.propensities[rows],
            target=self.target[rows], **kept,
        )  # fmt: skip

    def chunks(self) -> Iterator[Chunk]:
        """The log in consecutive chunks."""
        for rows in row_slices(self.n, self.n_actions):
            yield Chunk(
                rows.start,
                _float(self.rewards[rows]),
                self.actions[rows].astype(np.int64, copy=False),
                _float(self.propensities[rows]),
                _float(self.target[rows]),
                None if self.reward_model is None else _float(self.reward_model[rows]),
                None if self.probabilities is None else _float(self.probabilities[rows]),
                None if self.embedding is None else self.embedding[rows].astype(np.int64, copy=False),
            )


def _float(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return values.astype(np.float64, order="C", copy=False)
