"""What the gate asks for: `GatePolicy`, the thresholds; `Contender` and `GuardedMetric`, what they are applied to."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from tip_experiments.ope import Reliability

_LIMITS = Reliability(min_effective_sample_size=200.0)


@dataclass(frozen=True)
class GatePolicy:
    """The thresholds of a release."""

    confidence: float = 0.95
    """Of each one-sided bound: of challengers that are no better, 1 - confidence are released at most."""
    minimal_gain: float = 0.0
    """The lower bound of the gain has to lie above."""
    max_spread: float = 0.05
    """How far apart the estimators' answers for the gain may lie."""
    reliability: Reliability = _LIMITS
    """Limits on the weights of either policy."""
    n_resamples: int = 2000
    """Of the bootstrap for the gain."""
    min_effective_slice: float = 50.0
    """Effective rounds that a slice needs to be judged."""
    max_unjudged_share: float = 0.2
    """Share of rounds that may lie in slices too small to be judged."""

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1.0:  # noqa: PLR2004  below a half a bound bounds nothing
            raise ValueError(f"confidence must lie in (0.5, 1); found {self.confidence!r}")


@dataclass(frozen=True, eq=False)
class Contender:
    """A policy by name, and what it would do in each logged round."""

    name: str
    target: ArrayLike
    """(n, K) float, rows sum to 1."""


@dataclass(frozen=True, eq=False)
class GuardedMetric:
    """An outcome besides the reward that the challenger must not harm."""

    metric: str
    values: ArrayLike
    """(n,) float in [0, 1], observed in the same rounds."""
    margin: float
    """In (0, 1]: a loss below it is tolerated (non-inferiority)."""
    is_higher_better: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.margin <= 1.0:
            raise ValueError(f"The margin of guardrail {self.metric} must lie in (0, 1]; found {self.margin!r}")
