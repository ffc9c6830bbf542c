"""What comes back: `Estimate`, and how the estimates of positions become that of a slate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from tip_experiments.ope.diagnostics import Diagnostics


@dataclass(frozen=True)
class Estimate:
    """What a policy would have earned per round, and whether the log can carry that answer.

    Where it cannot, `value` is still there for the curious, but `interval` is None and `standard_error` infinite.
    """

    estimator: str
    value: float
    """In [0, 1] on average; a single estimate may leave it. With positions: the sum over them."""
    standard_error: float
    """How much the value would scatter over other logs. The bias of clipping or of a model is in `interval` alone."""
    interval: tuple[float, float] | None
    """Lower and upper bound, where reliable."""
    diagnostics: Diagnostics
    """With positions or two policies: of the worst of them."""
    refusals: tuple[str, ...] = ()
    """Why the log cannot carry the answer: a sentence for each reason."""
    positions: tuple["Estimate", ...] = field(default=(), repr=False)
    """With positions, the estimate of each, in ascending order."""

    @property
    def is_reliable(self) -> bool:
        """Whether nothing speaks against the answer."""
        return not self.refusals

    @property
    def verdict(self) -> str:
        """In words: the answer, or why there is none."""
        if self.interval is None:
            return f"Refused. {' '.join(self.refusals)}"
        low, high = self.interval
        return (
            f"{self.value:.4f} ({low:.4f} to {high:.4f}), from {self.diagnostics.n} rounds worth "
            f"{self.diagnostics.effective_sample_size:.0f} equally weighted ones."
        )


def concluded(
    name: str,
    value: float,
    standard_error: float,
    interval: tuple[float, float],
    diagnostics: Diagnostics,
    refusals: Sequence[str],
) -> Estimate:
    """The estimate; refused if there is a reason to."""
    if refusals:
        return Estimate(name, value, inf, None, diagnostics, tuple(refusals))
    return Estimate(name, value, standard_error, interval, diagnostics)


def summed(parts: Sequence[tuple[int, Estimate]]) -> Estimate:
    """The value of a slate: the sum of the estimates of its positions.

    Rows of one slate hang together in ways that the log does not say, so standard errors and intervals add up as if
    they were perfectly correlated: never too narrow.
    """
    estimates = [estimate for _, estimate in parts]
    refusals = [f"Position {place}: {reason}" for place, estimate in parts for reason in estimate.refusals]
    intervals = [estimate.interval for estimate in estimates if estimate.interval is not None]
    return Estimate(
        estimates[0].estimator,
        sum(estimate.value for estimate in estimates),
        sum(estimate.standard_error for estimate in estimates),
        None if refusals else (sum(low for low, _ in intervals), sum(high for _, high in intervals)),
        Diagnostics.worst([estimate.diagnostics for estimate in estimates]),
        tuple(refusals),
        tuple(estimates),
    )
