"""A release as it is served: one immutable value, so that no answer mixes two. How it is made stands in `released`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tip_experiments.assignment.buckets import BucketRange, bucket_ranges, choose_variation
from tip_experiments.assignment.hashing import place
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.softmax import Softmax
from tip_serving.scoring.ranking import PredictedRewards
from tip_serving.scoring.reward_model import RewardModel

RULE = "default-rule/1"
"""Names the scores of `rule`, where an arm has no reward model."""

DEFAULT_POLICY = Softmax.over(["any tip"], PredictedRewards(RULE), temperature=0.25, floor=0.01)
"""Where an arm has no policy of its own. A tip that scores 0.25 more is e times as likely to come first, and none has
less than one chance in a hundred: with 20 candidates a fifth of all decisions explores, so what is logged can judge
whatever policy comes next. The arm it is made with stands for the candidates of a request."""


@dataclass(frozen=True)
class ReadyArm:
    """One arm, its files loaded and checked."""

    name: str
    model: RewardModel | None
    """None: the rule scores."""
    model_sha256: str | None
    model_version: str
    policy: Policy
    prompt_policy: Policy | None

    @property
    def policy_version(self) -> str:
        """Of the policy, as released."""
        return self.policy.version

    @property
    def is_default(self) -> bool:
        """Whether neither a model nor a policy is released for it."""
        return self.model is None and self.policy is DEFAULT_POLICY


DEFAULT_ARM = ReadyArm("default", None, None, RULE, DEFAULT_POLICY, None)


@dataclass(frozen=True)
class Release:
    """What serves one request from its first line to its last."""

    version: str | None
    """Of the manifest; None where nothing is released."""
    live: Sequence[ReadyArm]
    """The champion first."""
    weights: Sequence[float]
    """Of the live arms."""
    shadows: Sequence[ReadyArm]
    seed: str

    @cached_property
    def _ranges(self) -> list[BucketRange]:
        return bucket_ranges(len(self.live), 1.0, self.weights)

    def arm_of(self, user: str) -> ReadyArm:
        """The arm of this user: the same one in every process, as long as seed and weights stay.

        Users lie on a line, the champion's first: while a single challenger grows, nobody leaves it.
        """
        if len(self.live) == 1:
            return self.live[0]
        return self.live[max(choose_variation(place(self.seed, user, 2), self._ranges), 0)]


UNRELEASED = Release(None, (DEFAULT_ARM,), (1.0,), (), "release")
