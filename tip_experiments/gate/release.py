"""The release gate: `decide` says release, keep or not enough evidence."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tip_experiments.gate import requirements
from tip_experiments.gate.contest import Contest, two_sided
from tip_experiments.gate.policy import Contender, GatePolicy, GuardedMetric
from tip_experiments.gate.verdict import Outcome, Reason, Verdict, decision_of
from tip_experiments.ope import Bootstrap, difference, evaluate

STANDARD = GatePolicy()


def decide(
    *,
    rewards: ArrayLike,
    actions: ArrayLike,
    propensities: ArrayLike,
    champion: Contender,
    challenger: Contender,
    rng: np.random.Generator,
    reward_model: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    guardrails: Sequence[GuardedMetric] = (),
    slices: Mapping[str, ArrayLike] | None = None,
    policy: GatePolicy = STANDARD,
) -> Verdict:
    """Whether the challenger has earned its release, by a log that neither of them need have written.

    It is released if the log can carry an answer for both, estimators agree on it, the lower bound of the paired
    gain lies above the minimal gain, no guardrail may have lost its margin and no slice is significantly worse off. The
    champion is kept if the log shows the contrary of any of that. Otherwise there is not enough evidence.

    Args:
        rewards: (n,) float in [0, 1].
        actions: (n,) int in [0, K).
        propensities: (n,) float in (0, 1], as logged.
        champion: the policy in service.
        challenger: the policy that wants to replace it.
        rng: for the bootstrap of the gain; the same generator in the same state gives the same verdict.
        reward_model: (n, K) float, not fitted on these rows; doubly robust estimates are then used.
        probabilities: (n, K) float, all probabilities of the logging policy.
        clusters: (n,) int, whose round it is, those of one person after those of another; then people are the draws.
        guardrails: outcomes that must not be harmed.
        slices: by column name, (n,) labels: groups of rounds that must not be worse off.
        policy: the thresholds.

    Raises:
        PropensityError, LogError: the log, a policy or a guardrail is faulty; names all that is, a note says whose.
        ValueError: the contenders share a name, or slices do not have one label per round.
    """
    contest = Contest.of(
        champion, challenger, rewards=rewards, actions=actions, propensities=propensities,
        reward_model=reward_model, probabilities=probabilities, clusters=clusters,
    )  # fmt: skip
    limits, estimator = policy.reliability, contest.estimator
    (of_champion,) = evaluate(contest.champion, [estimator], reliability=limits)
    (of_challenger,) = evaluate(contest.challenger, [estimator], reliability=limits)
    bootstrap = Bootstrap(rng, policy.n_resamples, two_sided(policy))
    gained = difference(contest.champion, contest.challenger, estimator, inference=bootstrap, reliability=limits)
    reasons = [
        *requirements.evidence(champion.name, of_champion, policy),
        *requirements.evidence(challenger.name, of_challenger, policy),
        requirements.agreement(contest, policy),
        requirements.gain(gained, policy),
        *(requirements.guardrail(contest, its, policy) for its in guardrails),
    ]
    if slices:
        reasons += _slices(contest, slices, policy, is_readable=gained.is_reliable)
    return Verdict(decision_of(reasons), tuple(reasons), of_champion, of_challenger, gained)


def _slices(
    contest: Contest, columns: Mapping[str, ArrayLike], policy: GatePolicy, *, is_readable: bool
) -> list[Reason]:
    """A log that cannot carry the whole says nothing of its parts."""
    if not is_readable:
        return [Reason("slices", Outcome.UNDETERMINED, requirements.UNREAD)]
    return list(requirements.slices(contest, columns, policy))
