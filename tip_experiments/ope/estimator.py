"""What an estimator is: which columns it makes of a chunk of the log, and what of them it cannot vouch for.

Every estimator has the form  mean(plain) + mean(numerator) / mean(denominator);  most use the first term or the second.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tip_experiments.ope.chunks import Chunk
from tip_experiments.ope.logs import LoggedRounds

if TYPE_CHECKING:
    from tip_experiments.ope.reliability import Reliability
    from tip_experiments.ope.tally import PartSums


Vector = NDArray[np.float64]


class Columns(NamedTuple):
    """What an estimator makes of m rows; what it does not use is None."""

    plain: Vector | None
    numerator: Vector | None
    denominator: Vector | None
    weights: Vector
    """(m,) how much each row counts."""
    witness: Vector | None = None
    """(m,) what the estimator's own checks are made on; what its mean says is the estimator's to know."""


@dataclass(frozen=True)
class Estimator(ABC):
    """One way to judge a policy on another policy's log."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    """Columns of the log that are optional elsewhere."""
    weighs_actions: ClassVar[bool] = True
    """Whether the logged actions' weights are what has to have mean 1; else the estimator's own weights."""

    witness_bounds_above: ClassVar[bool] = False
    """Whether 1 - (the witness' mean) is at least the policy's value, whatever was clipped."""

    def prepared(self, log: LoggedRounds) -> Self:
        """The estimator with whatever it has to learn from the whole log beforehand.

        Raises:
            ValueError: the log lacks a column that the estimator needs.
        """
        if missing := [name for name in self.needs if getattr(log, name) is None]:
            raise ValueError(f"{self.name} needs {' and '.join(missing)}; the log has none")
        return self

    @abstractmethod
    def columns(self, chunk: Chunk) -> Columns:
        """Its columns for the rows of `chunk`."""

    def term_range(self, largest_weight: float | None) -> tuple[float, float] | None:
        """Smallest and largest `plain` that can occur; None where nothing bounds it or the estimator is a ratio.

        Args:
            largest_weight: the bound promised for the weights, if any; the floor f of a policy promises 1 / f.
        """
        del largest_weight
        return None

    def left_out(self, sums: "PartSums", reach: float) -> tuple[float, float]:
        """How much lower and higher the policy's value may lie for what the estimator leaves out on purpose.

        Args:
            sums: of the estimator on a log.
            reach: how many standard errors to allow for.
        """
        del sums, reach
        return 0.0, 0.0

    def unsupported_share(self, log: LoggedRounds, sums: "PartSums") -> float:
        """The target's mass that the log cannot speak of, in [0, 1]."""
        del sums
        return log.unsupported_share

    def objections(self, log: LoggedRounds, sums: "PartSums", reliability: "Reliability") -> Iterator[str]:
        """Reasons of its own why the log cannot carry its answer."""
        del log, sums, reliability
        yield from ()
