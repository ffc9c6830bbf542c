"""Every threshold of the checks, and why it stands where it stands."""

import datetime as dt
from typing import NamedTuple


class Limits(NamedTuple):
    """What is tolerated; shares lie in [0, 1]."""

    silence: dt.timedelta = dt.timedelta(hours=6)
    """Without any event at the end of a day, or of what has passed of it: longer than any night of a small app."""
    level: float = 0.999
    """Of bounds and noise. Some sixty numbers are looked at each day: at 0.99 every other day would warn of nothing."""
    trailing_days: int = 28
    """Against which volumes are held: four of each weekday."""
    reference_days: int = 7
    """Against which distributions are held: one of each weekday."""
    psi: float = 0.25
    """Of the stability index; by convention what lies beyond is a change of the population."""
    min_people: int = 30
    """In both samples, before a distribution is compared."""
    unmatched: float = 0.05
    """Share of feedback whose decision is not known: some comes before its decision does."""
    matched_within: dt.timedelta = dt.timedelta(days=7)
    """How old a decision may be that feedback speaks of."""
    repeated: float = 0.02
    """Share of reports that say again what was said."""
    more_null: float = 0.1
    """By how much the share of people of whom a feature is not known may grow against the snapshot before."""
    fell_back: float = 0.5
    """Share of decisions in which a feature had its fallback; beyond it a model learns the fallback."""
    left_out: float = 0.2
    """Share of decisions that no model can be trained on: logged under another contract, or without vectors."""
    failed: float = 0.01
    """Share of decisions whose arm failed."""


LIMITS = Limits()
