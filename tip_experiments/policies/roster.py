"""The arms of a policy, what is believed of each before any feedback, and which arms there once were."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from tip_experiments.policies.errors import PolicyError


class Prior(NamedTuple):
    """What is believed of an arm before its first feedback, for example its score on a leaderboard."""

    mean: float
    """The expected reward."""
    n: float
    """As how many observations it weighs, > 0. Scores of a proxy weigh less than as many rewards."""


EVEN = Prior(0.5, 2.0)  # as a Beta distribution the uniform one
FAINT = Prior(0.0, 1.0)


def check_arms(arms: Sequence[str]) -> tuple[str, ...]:
    """The arms as a tuple.

    Raises:
        PolicyError: there are none, one is empty or one occurs twice.
    """
    arms = tuple(arms)
    faults = [] if arms else ["there are none"]
    if not all(arms):
        faults.append("one has an empty name")
    if repeated := sorted({arm for arm in arms if arms.count(arm) > 1}):
        faults.append(f"{', '.join(repeated)} stand there more than once")
    if faults:
        raise PolicyError(f"These cannot be the arms of a policy, {list(arms)}: {'; '.join(faults)}.")
    return arms


@dataclass(frozen=True)
class Roster:
    """Arms with their priors."""

    arms: tuple[str, ...]
    priors: tuple[Prior, ...]
    """(K,) one per arm."""
    newcomer: Prior
    """Of an arm that comes without a prior of its own."""
    retired: frozenset[str]
    """Arms that once were here; late feedback on them is let go, feedback on any other arm is a mistake."""

    @classmethod
    def of(cls, arms: Sequence[str], newcomer: Prior, priors: Mapping[str, Prior] | None) -> Self:
        """A first roster.

        Raises:
            PolicyError: arms or priors cannot be; priors name an arm that is not there.
        """
        return cls((), (), newcomer, frozenset()).changed(arms, priors)

    def changed(self, arms: Sequence[str], priors: Mapping[str, Prior] | None = None) -> Self:
        """With these arms: who stays keeps the prior, who is new takes the one in `priors`, else the newcomer's.

        Raises:
            PolicyError: arms or priors cannot be; priors name an arm that is not new.
        """
        arms, given = check_arms(arms), dict(priors or {})
        known = dict(zip(self.arms, self.priors, strict=True))
        if stray := sorted(arm for arm in given if arm in known or arm not in arms):
            raise PolicyError(f"Priors are for arms that are new; these are not: {', '.join(stray)}.")
        taken = {arm: known.get(arm) or Prior(*map(float, given.get(arm, self.newcomer))) for arm in arms}
        wrong = [f"{arm}: {prior}" for arm, prior in taken.items() if not _is_possible(prior)]
        if wrong:
            raise PolicyError(f"A prior needs a finite mean and a finite n above 0; found {'; '.join(wrong)}.")
        gone = (self.retired | set(self.arms)) - set(arms)
        return replace(self, arms=arms, priors=tuple(taken[arm] for arm in arms), retired=gone)

    def origins(self, before: Self) -> list[int]:
        """(K,) for each arm its position in `before`, -1 for one that is new."""
        place = {arm: position for position, arm in enumerate(before.arms)}
        return [place.get(arm, -1) for arm in self.arms]

    def as_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them."""
        return {
            "arms": list(self.arms),
            "priors": [list(prior) for prior in self.priors],
            "newcomer": list(self.newcomer),
            "retired": sorted(self.retired),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `as_json` wrote."""
        priors = tuple(Prior(*prior) for prior in values["priors"])
        return cls(tuple(values["arms"]), priors, Prior(*values["newcomer"]), frozenset(values["retired"]))


def _is_possible(prior: Prior) -> bool:
    return math.isfinite(prior.mean) and math.isfinite(prior.n) and prior.n > 0
