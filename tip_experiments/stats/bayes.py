"""How probable it is that an arm is the best one, and what choosing it would cost if it is not.

By quadrature, so that the same input gives the same digits. Neither number is a test: who looks often and stops at a
threshold finds winners among equals; see `sequential` for that.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from tip_experiments.stats.inputs import require_no_faults
from tip_experiments.stats.moments import ArmEstimate, Proportion

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(32)
_TAILS = np.array([0.5, 0.25, 0.05, 0.01, 1e-3, 1e-4, 1e-6, 1e-9, 1e-12, 1e-15, 1e-18])
"""Tail probabilities of each arm between which its density is taken for a polynomial."""

_LEAST_PRIOR = 0.1

_Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class Chance(NamedTuple):
    """What an arm's data say of choosing it."""

    to_win: float
    """Posterior probability that it is the best of all arms; over all arms they sum to 1."""
    expected_loss: float
    """How much less than the best arm it gives, on average over the posterior; in units of the metric, from 0."""
    mean: float
    """Posterior mean."""


class _Posterior(NamedTuple):
    """An arm's posterior on a line on which it is smooth."""

    distribution: Any
    density: _Function
    cumulative: _Function
    cuts: NDArray[np.float64]


def chance_to_win(arms: Sequence[Proportion], prior: tuple[float, float] = (1.0, 1.0)) -> tuple[Chance, ...]:
    """The chances of shares, of which the highest is the best, under independent Beta priors.

    Args:
        arms: two or more; an arm may have no units.
        prior: parameters of the Beta prior of every arm, at least 0.1: below, its mass lies so close to 0 and 1 that
            double precision cannot tell.

    Returns:
        One for each arm, exact to about 1e-9.

    Raises:
        ValueError: fewer than 2 arms, or a prior that is out of range.
    """
    is_told = all(_LEAST_PRIOR <= parameter < np.inf for parameter in prior)
    faults = [] if is_told else [f"the prior is {prior}, expected finite numbers from {_LEAST_PRIOR}"]
    _require_arms(len(arms), faults)
    return _chances(
        [_on_logit_line(arm.successes + prior[0], arm.n - arm.successes + prior[1]) for arm in arms],
        lambda line: special.expit(line) * special.expit(-line),
    )


def chance_to_win_of_means(arms: Sequence[ArmEstimate]) -> tuple[Chance, ...]:
    """The chances of means, of which the highest is the best, under flat priors and normal likelihoods.

    Args:
        arms: two or more, each with a positive standard error and so many units that its mean is normal.

    Returns:
        One for each arm, exact to about 1e-9 of the widest arm's standard error.

    Raises:
        ValueError: fewer than 2 arms, or an estimate is not finite or without a standard error.
    """
    faults = [
        f"arm {index} is {arm.value} with standard error {arm.standard_error}"
        for index, arm in enumerate(arms)
        if not (np.isfinite(arm.value) and 0 < arm.standard_error < np.inf)
    ]
    _require_arms(len(arms), faults[:10])
    return _chances([_on_its_own_line(arm) for arm in arms], np.ones_like)


def _chances(posteriors: Sequence[_Posterior], slope: _Function) -> tuple[Chance, ...]:
    """Integrals over the line, in panels between the arms' quantiles.

    `slope` is the derivative of the metric along the line. An arm's expected loss is the integral over the
    metric of P(this arm is below) * P(not all others are), which loses no digits where the loss is small.
    """
    edges = np.unique(np.concatenate([posterior.cuts for posterior in posteriors]))
    line = np.concatenate([(low + high) / 2 + (high - low) / 2 * _NODES for low, high in pairwise(edges)])
    weights = np.concatenate([(high - low) / 2 * _NODE_WEIGHTS for low, high in pairwise(edges)])
    below = np.stack([posterior.cumulative(line) for posterior in posteriors])
    found = []
    for index, posterior in enumerate(posteriors):
        others = np.delete(below, index, axis=0).prod(axis=0)
        wins = float(weights @ (posterior.density(line) * others))
        loss = float(weights @ (below[index] * (1 - others) * slope(line)))
        found.append(Chance(min(wins, 1.0), loss, float(posterior.distribution.mean())))
    return tuple(found)


def _on_logit_line(a: float, b: float) -> _Posterior:
    """Beta(a, b) over the logit of its share, where it is smooth and falls off on both sides whatever a and b are."""
    distribution = stats.beta(a, b)

    def density(line: NDArray[np.float64]) -> NDArray[np.float64]:
        logs = a * special.log_expit(line) + b * special.log_expit(-line) - special.betaln(a, b)
        return np.asarray(np.exp(logs), dtype=np.float64)

    def cumulative(line: NDArray[np.float64]) -> NDArray[np.float64]:
        lower, upper = distribution.cdf(special.expit(line)), mirrored.sf(special.expit(-line))
        return np.asarray(np.where(line < 0, lower, upper), dtype=np.float64)

    # The upper half of Beta(a, b) is the lower half of Beta(b, a): shares close to 1 keep their digits so.
    mirrored = stats.beta(b, a)
    cuts = np.concatenate([special.logit(distribution.ppf(_TAILS)), -special.logit(mirrored.ppf(_TAILS))])
    return _Posterior(distribution, density, cumulative, cuts)


def _on_its_own_line(arm: ArmEstimate) -> _Posterior:
    distribution = stats.norm(arm.value, arm.standard_error)
    cuts = np.concatenate([distribution.ppf(_TAILS), distribution.isf(_TAILS)])
    return _Posterior(distribution, distribution.pdf, distribution.cdf, cuts)


def _require_arms(n: int, faults: list[str]) -> None:
    few = [] if n >= 2 else [f"{n} arms, expected at least 2"]  # noqa: PLR2004 - winning takes another arm
    require_no_faults("Chances to win cannot be told", [*few, *faults])
