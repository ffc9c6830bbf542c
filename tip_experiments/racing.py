"""A race of cells: judge in rounds and drop each cell as soon as the scores say that it is not the best.

The state is a function of the scores alone: the same scores, in whatever pieces they came, give the same survivors, so
a race is resumed by observing them again. Who asks the judges and keeps the scores is the bench's affair.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from tip_experiments.stats.inputs import faulty_rows, require_no_faults, require_vectors

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# Stakes of the bets, as shares of what a scenario can cost. The best one is the difference over its variance, both in
# widths of the scale: 0.1 to 0.9 spans what some thousands of scenarios can tell. Of 30 races with 10 arms, the best
# ahead by 0.3 of 5 points, these four decided a third on 300 scenarios, six to ten stakes a sixth to a quarter.
_STAKES = 0.9 * 2.0 ** -np.arange(4.0)


class Need(NamedTuple):
    """What one arm is to be judged on next."""

    arm: int
    scenarios: tuple[int, ...]


class Dropped(NamedTuple):
    """An arm that cannot win any more, and why."""

    arm: int
    rival: int
    """The arm that beats it most clearly."""
    difference: float
    """Mean of the rival less that of the arm over the scenarios they share, in points."""
    n_shared: int
    odds: float
    """Evidence against its being the best: to 1, at least the inverse of the error rate."""
    reason: str


@dataclass(frozen=True, eq=False)
class Race:
    """Arms judged on the same scenarios, as far as scores have come in.

    The chance that the best arm is ever dropped, over all rounds and arms, is at most the error rate, whatever the
    distribution of scores on the scale and however often one looks. It rests on three things: scenarios are taken in an
    order that was drawn at random beforehand, whether a score is missing does not depend on what it would be, and one
    looks between rounds, not while a scenario is judged for some survivors and not for the others.

    Source:
        For arms a and b, the wealth of one who bets on b's being better is a nonnegative martingale at best if it is
        not (Waudby-Smith & Ramdas 2024, JRSS B 86, 1-27); here mixed over fixed stakes, which makes it symmetric in the
        scenarios. If a is the best then every such bet against it fails, and so does their average over all b
        (Vovk & Wang 2021, Annals of Statistics 49, 1736-1754): by Ville's inequality (1939) it ever reaches 1 / error
        with at most that chance. Dropping in rounds: the races of Maron & Moore (1994), with Hoeffding's bounds.
    """

    error_rate: float
    low: float
    """Ends of the scale of scores."""
    high: float
    n_per_scenario: int
    """Scores that each arm is to have in each scenario."""
    sums: Floats
    """(n_arms, n_scenarios): sums of the scores so far."""
    counts: Codes
    """(n_arms, n_scenarios): how many there are."""

    @property
    def n_arms(self) -> int:
        """How many arms started."""
        return int(self.sums.shape[0])

    @property
    def n_scenarios(self) -> int:
        """How many scenarios there are at most."""
        return int(self.sums.shape[1])

    @cached_property
    def means(self) -> Floats:
        """(n_arms, n_scenarios): the mean score; NaN until all scores are in."""
        return np.where(self.counts >= self.n_per_scenario, self.sums / np.maximum(self.counts, 1), np.nan)

    @cached_property
    def _log_wealth(self) -> Floats:
        """(n_arms, n_arms): at [a, b] what betting on b against a has made of 1; minus infinity at [a, a]."""
        wealth = np.full((self.n_arms, self.n_arms), -np.inf)
        for arm in range(self.n_arms):
            shares = np.nan_to_num((self.means - self.means[arm]) / (self.high - self.low))
            growth = np.stack([np.log1p(stake * shares).sum(axis=1) for stake in _STAKES])
            wealth[arm] = logsumexp(growth, axis=0) - np.log(_STAKES.size)
            wealth[arm, arm] = -np.inf
        return wealth

    @cached_property
    def _log_odds(self) -> Floats:
        """(n_arms,): evidence against each arm's being the best."""
        if self.n_arms == 1:
            return np.zeros(1)
        return np.asarray(logsumexp(self._log_wealth, axis=1) - np.log(self.n_arms - 1))

    @cached_property
    def survivors(self) -> tuple[int, ...]:
        """Arms that may still be the best; at least one."""
        alive = self._log_odds < -np.log(self.error_rate)
        # Where arms are judged on different scenarios, each may be beaten by another: then the least beaten stays.
        alive[self._log_odds.argmin()] = True
        return tuple(int(arm) for arm in np.flatnonzero(alive))

    @property
    def winner(self) -> int | None:
        """The arm that is left; None while there are several."""
        return self.survivors[0] if len(self.survivors) == 1 else None

    @cached_property
    def dropped(self) -> tuple[Dropped, ...]:
        """Arms that cannot win any more, in their order."""
        return tuple(self._told(arm) for arm in range(self.n_arms) if arm not in self.survivors)

    def _told(self, arm: int) -> Dropped:
        rival = int(self._log_wealth[arm].argmax())
        shared = np.isfinite(self.means[arm]) & np.isfinite(self.means[rival])
        own, other = float(self.means[arm, shared].mean()), float(self.means[rival, shared].mean())
        odds = float(np.exp(min(self._log_odds[arm], 700.0)))
        reason = (
            f"{own:.2f} points against {other:.2f} of arm {rival} on the {int(shared.sum())} scenarios they share: "
            f"{odds:.3g} to 1 that it is not the best, and an error rate of {self.error_rate:g} asks for "
            f"{1.0 / self.error_rate:.3g} to 1."
        )
        return Dropped(arm, rival, other - own, int(shared.sum()), odds, reason)

    def next_round(self, size: int, unscorable: Collection[tuple[int, int]] = ()) -> tuple[Need, ...]:
        """What to judge next: the first `size` scenarios that some survivor still lacks, for each that lacks them.

        Args:
            size: scenarios of a round, at least 1.
            unscorable: (arm, scenario) that no score will come for, such as a failed candidate; they are not asked for.

        Returns:
            One entry for each survivor that lacks something; empty once there is a winner or nothing left to judge.

        Raises:
            ValueError: the size is below 1, or there is no such arm or scenario.
        """
        if size < 1:
            raise ValueError(f"A round needs at least one scenario; found size {size}")
        places = np.array(list(unscorable), dtype=np.int64).reshape(-1, 2)
        outside = np.asarray(((places < 0) | (places >= self.sums.shape)).any(axis=1))
        require_no_faults("Asking for a round", faulty_rows("of unscorable name no arm and scenario", outside, places))
        if self.winner is not None:
            return ()
        lacking = np.isnan(self.means)
        lacking[places[:, 0], places[:, 1]] = False
        alive = np.array(self.survivors)
        chosen = np.flatnonzero(lacking[alive].any(axis=0))[:size]
        needs = (Need(arm, tuple(int(s) for s in chosen if lacking[arm, s])) for arm in self.survivors)
        return tuple(need for need in needs if need.scenarios)

    def observe(self, arms: Codes, scenarios: Codes, scores: Floats) -> "Race":
        """The race with further scores; in which order and pieces they come makes no difference.

        A score that replaces an earlier one is not observed but put in its place: start anew from all scores.

        Args:
            arms: (n,) in [0, n_arms).
            scenarios: (n,) in [0, n_scenarios), in the order drawn beforehand.
            scores: (n,) on the scale.

        Raises:
            ValueError: what does not fit; all faults, the first ten rows of each.
        """
        require_vectors(arms=arms, scenarios=scenarios, scores=scores)
        require_no_faults(
            "Observing scores in a race",
            faulty_rows(f"name no arm in [0, {self.n_arms})", (arms < 0) | (arms >= self.n_arms), arms)
            + faulty_rows(
                f"name no scenario in [0, {self.n_scenarios})",
                (scenarios < 0) | (scenarios >= self.n_scenarios),
                scenarios,
            )
            + faulty_rows(
                f"have no score in [{self.low:g}, {self.high:g}]",
                ~((scores >= self.low) & (scores <= self.high)),
                scores,
            ),
        )
        places, size = arms * self.n_scenarios + scenarios, self.sums.size
        sums = np.bincount(places, scores, size).reshape(self.sums.shape)
        counts = np.bincount(places, minlength=size).reshape(self.sums.shape)
        return replace(self, sums=self.sums + sums, counts=self.counts + counts)


def start(
    n_arms: int, n_scenarios: int, *, low: float, high: float, error_rate: float = 0.05, n_per_scenario: int = 1
) -> Race:
    """A race before any score.

    Args:
        n_arms: at least 1.
        n_scenarios: at least 1; scenario s stands for the s-th in an order drawn at random.
        low: the lowest score of the scale.
        high: the highest.
        error_rate: largest chance that the best arm is dropped, in (0, 1).
        n_per_scenario: scores that each arm gets in each scenario, at least 1; they count as their mean.

    Raises:
        ValueError: values outside of these.
    """
    faults = [
        f"{name} must be at least 1, found {number}"
        for name, number in (("n_arms", n_arms), ("n_scenarios", n_scenarios), ("n_per_scenario", n_per_scenario))
        if number < 1
    ]
    if not 0.0 < error_rate < 1.0:
        faults.append(f"error_rate must lie in (0, 1), found {error_rate!r}")
    if not -np.inf < low < high < np.inf:
        faults.append(f"the scale must run from a lower to a higher number, found {low!r} to {high!r}")
    require_no_faults("Starting a race", faults)
    shape = (n_arms, n_scenarios)
    return Race(error_rate, low, high, n_per_scenario, np.zeros(shape), np.zeros(shape, dtype=np.int64))
