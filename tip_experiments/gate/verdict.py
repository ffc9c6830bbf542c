"""What the gate says: a `Verdict` with its `Decision` and every `Reason`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tip_experiments.ope import Estimate


class Decision(StrEnum):
    """What to do with the challenger."""

    RELEASE = "release"
    KEEP = "keep"
    """The champion stays: the challenger is shown to be worse in some respect."""
    NOT_ENOUGH_EVIDENCE = "not enough evidence"
    """The champion stays, for want of evidence either way."""


class Outcome(StrEnum):
    """What became of one requirement."""

    PASSED = "passed"
    FAILED = "failed"
    """The log shows the contrary."""
    UNDETERMINED = "undetermined"
    """The log does not show it, nor the contrary."""


@dataclass(frozen=True)
class Reason:
    """One requirement of a release."""

    name: str
    outcome: Outcome
    sentence: str
    """With its numbers."""


@dataclass(frozen=True)
class Verdict:
    """The decision, and all that it rests on."""

    decision: Decision
    reasons: tuple[Reason, ...]
    champion: Estimate
    challenger: Estimate
    gain: Estimate
    """Challenger minus champion, paired; its interval has the gate's confidence on each side."""

    def __str__(self) -> str:
        lines = [f"{reason.outcome:>12}  {reason.name}: {reason.sentence}" for reason in self.reasons]
        return "\n".join([self.decision.upper(), *lines])


def decision_of(reasons: Sequence[Reason]) -> Decision:
    """Keep where one requirement failed, release where all passed."""
    outcomes = {reason.outcome for reason in reasons}
    if Outcome.FAILED in outcomes:
        return Decision.KEEP
    return Decision.NOT_ENOUGH_EVIDENCE if Outcome.UNDETERMINED in outcomes else Decision.RELEASE
