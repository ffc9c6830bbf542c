"""Do actions come as often as their logged propensities say? A million decisions of every kind of policy."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from tip_experiments.policies.decision import drawn, ticket
from tip_experiments.policies.policy import Policy

CONTEXT = [0.3, -0.4, 0.2]


def _counts(policy: Policy, ids: Sequence[str]) -> np.ndarray:
    """How often each arm is drawn; the context stays, so its weights are computed once."""
    weights, version = policy._weights(CONTEXT), policy.version
    return np.bincount([drawn(weights, ticket(version, one)) for one in ids], minlength=len(policy.arms))


def test_decide_draws_as_counted_here(policy: Policy) -> None:
    ids = [f"decision-{number}" for number in range(3000)]
    decided = np.bincount([policy.decide(CONTEXT, one).action for one in ids], minlength=len(policy.arms))
    assert (decided == _counts(policy, ids)).all()


@pytest.mark.slow
def test_frequencies_match_propensities_over_a_million_draws(policy: Policy) -> None:
    counts = _counts(policy, [f"decision-{number}" for number in range(1_000_000)])
    expected = policy.probabilities(CONTEXT) * 1_000_000
    assert counts[expected == 0].sum() == 0
    possible = expected > 0
    # A test that fails by chance once in 10,000 runs; the ids are fixed, so it always or never fails.
    assert stats.chisquare(counts[possible], expected[possible]).pvalue > 1e-4
    deviation = np.sqrt(expected * (1 - expected / 1_000_000))
    assert (np.abs(counts - expected) <= 4.5 * deviation + 1e-9).all()
