"""MIPS: weights of what the actions have in common (their categories), for when there are too many actions."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tip_experiments.ope import checks
from tip_experiments.ope.chunks import Chunk
from tip_experiments.ope.errors import error_of
from tip_experiments.ope.estimator import Columns, Estimator
from tip_experiments.ope.logs import LoggedRounds

if TYPE_CHECKING:
    from tip_experiments.ope.tally import PartSums


@dataclass(frozen=True, eq=False)
class MIPS(Estimator):
    """Mean of marginal weight times reward."""

    name: ClassVar[str] = "mips"
    needs: ClassVar[tuple[str, ...]] = ("embedding", "probabilities")
    weighs_actions: ClassVar[bool] = False

    p_e: NDArray[np.float64] | None = None
    """(K, E): how likely action a comes with category e; rows sum to 1. None counts it in the log."""

    def prepared(self, log: LoggedRounds) -> Self:
        """With the table checked, or counted: a row of zeros for an action that was never logged.

        Raises:
            ValueError: the log lacks embedding or probabilities.
            PropensityError: `p_e` does not fit.
        """
        super().prepared(log)
        if self.p_e is None:
            return replace(self, p_e=_counted(log))
        table = np.asarray(self.p_e)
        if faults := checks.table_faults(table, log):
            raise error_of(faults)
        return replace(self, p_e=table)

    def columns(self, chunk: Chunk) -> Columns:
        """The plain column is w r, w = p(e | target) / p(e | logging); the witness is the target's mass elsewhere."""
        if self.p_e is None or chunk.embedding is None or chunk.probabilities is None:
            raise ValueError("mips needs its table, embedding and probabilities: call prepared() first")
        wanted, logged = chunk.target @ self.p_e, chunk.probabilities @ self.p_e
        shown = np.arange(0, wanted.size, wanted.shape[1]) + chunk.embedding
        weights = wanted.reshape(-1).take(shown) / logged.reshape(-1).take(shown)
        if logged.min() <= 0.0:
            wanted = np.where(logged > 0.0, wanted, 0.0)
        unreachable = 1.0 - wanted @ np.ones(wanted.shape[1])
        return Columns(weights * chunk.rewards, None, None, weights, unreachable)

    def term_range(self, largest_weight: float | None) -> tuple[float, float] | None:
        """0 to the bound of the weights."""
        return None if largest_weight is None else (0.0, largest_weight)

    def unsupported_share(self, log: LoggedRounds, sums: "PartSums") -> float:
        """The target's mass on categories that cannot be logged, or of actions whose category is not known."""
        del log
        return max(sums.witness.mean, 0.0)


def _counted(log: LoggedRounds) -> NDArray[np.float64]:
    """(K, E) how often each action came with each category."""
    if log.embedding is None:
        raise ValueError("mips needs embedding; the log has none")
    counts = np.zeros((log.n_actions, int(log.embedding.max()) + 1))
    for chunk in log.chunks():
        if chunk.embedding is not None:
            cells = chunk.actions * counts.shape[1] + chunk.embedding
            counts += np.bincount(cells, minlength=counts.size).reshape(counts.shape)
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return shares
