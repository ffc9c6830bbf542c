"""Metrics that a release must not harm: has harm beyond a margin been ruled out, been shown, or is it too early?"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tip_experiments.stats.difference import difference, relative_lift
from tip_experiments.stats.moments import ArmEstimate, CloseToZeroError
from tip_experiments.stats.sequential import ConfidenceSequence


class GuardrailStatus(StrEnum):
    """What is known of the harm."""

    PASSES = "pass"
    FAILS = "fail"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric and how much worse it may get.

    Raises:
        ValueError: the margin is not positive.
    """

    metric: str
    margin: float
    """Positive: the loss that is tolerated, in the metric's units, or by the size of the control if `is_relative`."""
    is_relative: bool = False
    is_higher_better: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.margin < math.inf:
            raise ValueError(
                f"Guardrail {self.metric!r} cannot have the margin {self.margin}; expected a positive number: with "
                "a margin of 0 no amount of data could ever rule harm out"
            )


class GuardrailVerdict(NamedTuple):
    """What is known of one guardrail."""

    status: GuardrailStatus
    metric: str
    harm_at_least: float | None
    """Lower bound of the loss; None before anything can be told. A negative loss is a gain."""
    harm_at_most: float | None
    words: str


def guarded(
    guardrail: Guardrail, control: ArmEstimate, treatment: ArmEstimate, sequence: ConfidenceSequence
) -> GuardrailVerdict:
    """Whether the treatment keeps the guardrail; may be asked at any time and as often as one likes.

    It passes when harm beyond the margin is ruled out and fails when it is shown, each at `sequence.level`: a
    treatment that harms by exactly the margin passes, ever, with a probability of at most 1 - level, and one that
    harms less fails no more often.

    Args:
        guardrail: the metric and its margin.
        control: of the metric.
        treatment: of the metric, of other units.
        sequence: planned before the data were seen.

    Raises:
        ValueError: an estimate is not finite or of fewer than 2 units.
    """
    try:
        effect = (relative_lift if guardrail.is_relative else difference)(control, treatment)
    except CloseToZeroError as error:
        words = f"{guardrail.metric}: not yet. {error}"
        return GuardrailVerdict(GuardrailStatus.NOT_YET, guardrail.metric, None, None, words)
    # A lift over a negative control is negative where the treatment gives more.
    turned = guardrail.is_relative and control.value < 0
    harm = -effect.value if guardrail.is_higher_better is not turned else effect.value
    bounds = sequence.sides(effect._replace(value=harm))
    status = _status(guardrail.margin, bounds.at_least, bounds.at_most)
    words = _words(guardrail, status, bounds.at_least, bounds.at_most, sequence, effect.n)
    return GuardrailVerdict(status, guardrail.metric, bounds.at_least, bounds.at_most, words)


def _status(margin: float, at_least: float | None, at_most: float | None) -> GuardrailStatus:
    if at_most is not None and at_most < margin:
        return GuardrailStatus.PASSES
    if at_least is not None and at_least > margin:
        return GuardrailStatus.FAILS
    return GuardrailStatus.NOT_YET


def _words(
    guardrail: Guardrail,
    status: GuardrailStatus,
    at_least: float | None,
    at_most: float | None,
    sequence: ConfidenceSequence,
    n: int,
) -> str:
    def told(number: float) -> str:
        return f"{number:.2%}" if guardrail.is_relative else f"{number:.4g}"

    margin = told(guardrail.margin)
    if at_least is None or at_most is None:
        return (
            f"{guardrail.metric}: not yet. {n} units tell nothing so far (bounds begin at {sequence.burn_in} units, "
            f"and the metric must vary); {margin} may be lost"
        )
    match status:
        case GuardrailStatus.PASSES:
            return f"{guardrail.metric}: pass. At most {told(at_most)} is lost, {margin} may be"
        case GuardrailStatus.FAILS:
            return f"{guardrail.metric}: fail. At least {told(at_least)} is lost, {margin} may be"
        case _:
            between = f"between {told(at_least)} and {told(at_most)}"
            return f"{guardrail.metric}: not yet. The loss lies {between}, {margin} may be lost"
