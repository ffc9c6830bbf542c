"""Comparisons that hold however often one looks and whenever one stops: confidence sequences and a test of shares.

`ConfidenceSequence` widens the interval of any effect (a difference, a lift, with or without covariate) so that it
holds at all looks at once, for samples that are large enough; `ShareTest` is exact from the first unit on, for yes or
no only, and tests without an interval.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from scipy import optimize, special

from tip_experiments.stats.difference import Effect
from tip_experiments.stats.inputs import require_no_faults
from tip_experiments.stats.moments import Proportion


class SideBounds(NamedTuple):
    """Two bounds of an effect, each of which by itself holds at all looks at the level asked for; None: not yet."""

    at_least: float | None
    at_most: float | None


@dataclass(frozen=True, slots=True)
class ConfidenceSequence:
    """Intervals of which, at the given level, none in the whole run of an experiment misses the truth.

    Asymptotic: units come one by one, their effect does not drift, and nothing is claimed before `burn_in`.

    Raises:
        ValueError: a field lies outside its range; all faults at once.

    Source:
        Robbins (1970), Annals of Mathematical Statistics 41, 1397-1409 (mixture of normal martingales);
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52, 2613-2640 (for estimates with an
        estimated variance). The sides are mixed over a half-normal, as in Howard, Ramdas, McAuliffe & Sekhon (2021),
        Annals of Statistics 49, 1055-1080, and solved rather than bounded.
    """

    planned_n: int
    """Units of both arms at which intervals shall be narrowest against those of a fixed sample; it may be exceeded or
    never be reached, but must not be chosen after a look at the data."""
    level: float = 0.95
    """In (0.5, 1)."""
    burn_in: int = 200
    """Units of both arms below which nothing is told."""

    def __post_init__(self) -> None:
        faults = [] if self.planned_n >= 1 else [f"planned_n is {self.planned_n}, expected at least 1"]
        faults += [] if self.burn_in >= 0 else [f"burn_in is {self.burn_in}, expected at least 0"]
        faults += [] if 0.5 < self.level < 1 else [f"level must lie in (0.5, 1), found {self.level}"]  # noqa: PLR2004 - chance
        require_no_faults("A confidence sequence cannot be planned", faults)

    def watch(self, effect: Effect) -> Effect:
        """`effect` with the interval and p-value that hold at every look; None where it is too early.

        The smallest p-value of all looks so far is a p-value too.
        """
        if not self._is_late_enough(effect):
            return effect._replace(low=None, high=None, p_value=None)
        spread = self._spread(effect, 1 - self.level)
        squared = 2 * (1 + spread) / spread * (0.5 * math.log1p(spread) - math.log(1 - self.level))
        reach = math.sqrt(squared) * effect.standard_error
        z = effect.value / effect.standard_error
        log_evidence = z**2 * spread / (2 * (1 + spread)) - 0.5 * math.log1p(spread)
        p_value = math.exp(-max(log_evidence, 0.0))
        return effect._replace(low=effect.value - reach, high=effect.value + reach, p_value=p_value)

    def sides(self, effect: Effect) -> SideBounds:
        """What the effect is at least, and what it is at most; each holds at every look at `level` by itself."""
        if not self._is_late_enough(effect):
            return SideBounds(None, None)
        spread = self._spread(effect, 2 * (1 - self.level))
        target = -math.log(1 - self.level)
        z = optimize.brentq(lambda z: _log_one_sided_evidence(z, spread) - target, 0.0, 60.0 + 2 * target, xtol=1e-12)
        reach = float(z) * effect.standard_error
        return SideBounds(effect.value - reach, effect.value + reach)

    def _is_late_enough(self, effect: Effect) -> bool:
        return effect.n >= max(self.burn_in, 1) and effect.standard_error > 0

    def _spread(self, effect: Effect, error: float) -> float:
        """Variance of the mixing normal in units of the effect's variance; optimal where n is `planned_n`."""
        best = -float(special.lambertw(-(error**2) / math.e, -1).real) - 1
        return best * effect.n / self.planned_n


@dataclass(frozen=True, slots=True)
class ShareTest:
    """Evidence against the two arms having one share, gathered batch by batch; it may be looked at after each.

    Exact at any number of units. A batch is judged by what the batches before it taught, so that the first teaches
    and does not testify; feed small batches.

    Source:
        Turner, Ly & Grünwald (2024), Journal of Statistical Planning and Inference 230; the estimate plugged in is that
        of a Beta prior with both parameters 0.18, and a batch of any size is one of their blocks.
    """

    control: Proportion = field(default_factory=Proportion)
    treatment: Proportion = field(default_factory=Proportion)
    log_evidence: float = 0.0
    """Natural logarithm of the e-value so far."""
    log_evidence_at_most: float = 0.0
    """The largest that it has been."""

    def after(self, control: Proportion, treatment: Proportion) -> Self:
        """The test after one more batch of each arm; a batch may be empty.

        Args:
            control: of the units that came since the last batch.
            treatment: of the units that came since the last batch.
        """
        n = control.n + treatment.n
        if n == 0:
            return self
        expected_c, expected_t = _expected(self.control), _expected(self.treatment)
        common = (control.n * expected_c + treatment.n * expected_t) / n
        log_evidence = (
            self.log_evidence
            + _log_likelihood_ratio(control, expected_c, common)
            + _log_likelihood_ratio(treatment, expected_t, common)
        )
        return type(self)(
            self.control + control,
            self.treatment + treatment,
            log_evidence,
            max(log_evidence, self.log_evidence_at_most),
        )

    @property
    def p_value(self) -> float:
        """Of both arms having one share; under that it falls to a or below, ever, with a probability of at most a."""
        return math.exp(-self.log_evidence_at_most)


_PRIOR = 0.18  # the choice of the source: least regret over all shares


def _expected(seen: Proportion) -> float:
    return (seen.successes + _PRIOR) / (seen.n + 2 * _PRIOR)


def _log_likelihood_ratio(batch: Proportion, expected: float, common: float) -> float:
    failures = batch.n - batch.successes
    return batch.successes * math.log(expected / common) + failures * math.log((1 - expected) / (1 - common))


def _log_one_sided_evidence(z: float, spread: float) -> float:
    """Log of the mixture over positive effects for an effect z standard errors above the null."""
    scaled = z * math.sqrt(spread / (1 + spread))
    return math.log(2) + scaled**2 / 2 - 0.5 * math.log1p(spread) + float(special.log_ndtr(scaled))
