"""A release made from the files that a manifest names, each held against its hash, contract, version and the example.

Nothing here is served before all of it holds; whoever serves and swaps stands in `released`.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from tip_experiments.policies import state
from tip_experiments.policies.linear import LinearPolicy
from tip_experiments.policies.policy import Policy
from tip_serving.features import contract, vector
from tip_serving.lake.storage import Lake, LakeError
from tip_serving.scoring import policy_context, prompt_choice, ranking, scorer
from tip_serving.scoring.arms import DEFAULT_POLICY, RULE, ReadyArm, Release
from tip_serving.scoring.errors import RefusedError
from tip_serving.scoring.example import BUILT_IN, Example, read_example
from tip_serving.scoring.manifest import Arm, File, Manifest, ModelArtifact, PolicyArtifact
from tip_serving.scoring.reward_model import ModelError, RewardModel

SCORES_MAY_DIFFER = 1e-9
_SUMS_MAY_MISS = 1e-9

_File = TypeVar("_File", bound=File)
_Made = TypeVar("_Made")


class ReleaseError(ValueError):
    """A release that is refused; lists every reason."""

    def __init__(self, version: str, reasons: list[str]) -> None:
        super().__init__(f"Release {version} is refused: " + "; ".join(reasons))
        self.reasons = tuple(reasons)


def load(lake: Lake, manifest: Manifest, known: Mapping[str, RewardModel]) -> Release:
    """The release that `manifest` names, ready to serve.

    Args:
        lake: holds its files.
        manifest: read and checked.
        known: models that are served already, by hash, so that a change of weights reads none again.

    Raises:
        ReleaseError: a file is missing, is another, does not fit this build, or fails on the example; all reasons.
    """
    loader = _Loader(lake, known)
    ready = {arm.name: made for arm in manifest.arms if (made := loader.arm(arm)) is not None}
    example = loader.example(manifest.example)
    reasons = loader.reasons + [fault for arm in ready.values() for fault in _trial(arm, example)]
    if reasons:
        raise ReleaseError(manifest.version, reasons)
    return Release(
        version=manifest.version,
        live=tuple(ready[arm.name] for arm in manifest.live),
        weights=tuple(arm.weight for arm in manifest.live),
        shadows=tuple(ready[arm.name] for arm in manifest.shadows),
        seed=manifest.seed,
    )


def _trial(arm: ReadyArm, example: Example) -> Iterator[str]:
    """What goes wrong when `arm` answers the example."""
    try:
        asked = example.question()
        scored = scorer.score(arm, asked, "example")
        if arm.prompt_policy is not None:
            arm.prompt_policy.decide(asked.moment.policy_context, "example")
    except (RefusedError, ValueError, ArithmeticError) as error:
        yield f"{arm.name}: fails on the example: {error}"
        return
    if not all(map(math.isfinite, scored.scores)):
        yield f"{arm.name}: scores of the example are not finite: {scored.scores}"
    if not abs(math.fsum(scored.order.propensities) - 1) <= _SUMS_MAY_MISS:
        yield f"{arm.name}: propensities of the example sum to {math.fsum(scored.order.propensities)}"
    if (expected := example.scores.get(arm.name)) is not None and not _alike(scored.scores, expected):
        yield f"{arm.name}: scores the example {scored.scores[:10]}, when it was trained {list(expected[:10])}"


def _alike(found: Sequence[float], expected: Sequence[float]) -> bool:
    return len(found) == len(expected) and all(
        abs(one - other) <= SCORES_MAY_DIFFER for one, other in zip(found, expected, strict=True)
    )


class _Loader:
    """Reads the files of one manifest; gathers reasons instead of stopping at the first.

    Args:
        lake: holds the files.
        known: models that are served already, by hash, so that a change of weights reads none again.
    """

    def __init__(self, lake: Lake, known: Mapping[str, RewardModel]) -> None:
        self._lake = lake
        self._known = known
        self.reasons: list[str] = []

    def arm(self, arm: Arm) -> ReadyArm | None:
        """The arm, ready to serve; None where it has faults."""
        n_before = len(self.reasons)
        model = self._tried(f"{arm.name}: model", self._model, arm.model)
        policy = self._tried(f"{arm.name}: policy", self._policy, arm.policy)
        prompts = self._tried(f"{arm.name}: prompt policy", self._policy, arm.prompt_policy)
        if policy is not None:
            self.reasons += [f"{arm.name}: policy: {fault}" for fault in _policy_faults(policy, arm)]
        if prompts is not None:
            self.reasons += [f"{arm.name}: prompt policy: {fault}" for fault in _prompt_policy_faults(prompts)]
        if len(self.reasons) > n_before:
            return None
        return ReadyArm(
            name=arm.name,
            model=model,
            model_version=arm.model.version if arm.model else RULE,
            policy=policy or DEFAULT_POLICY,
            prompt_policy=prompts,
            model_sha256=arm.model.sha256 if arm.model else None,
        )

    def example(self, file: File | None) -> Example:
        """The stored example, or the one that is built in."""
        stored = self._tried("example", lambda found: read_example(self._read(found)), file)
        return BUILT_IN if stored is None else stored

    def _tried(self, what: str, load: Callable[[_File], _Made], artifact: _File | None) -> _Made | None:
        if artifact is None:
            return None
        try:
            return load(artifact)
        except (LakeError, ValueError) as error:
            self.reasons.append(f"{what}: {error}")
            return None

    def _read(self, file: File) -> bytes:
        data = self._lake.read(file.path)
        found = hashlib.sha256(data).hexdigest()
        if found != file.sha256:
            raise ValueError(f"{file.path} has the hash {found[:16]}..., the manifest says {file.sha256[:16]}...")
        return data

    def _model(self, artifact: ModelArtifact) -> RewardModel:
        expected = contract.contract_hash()
        if artifact.contract_hash != expected:
            raise ModelError(
                f"model {artifact.version} was trained on feature contract {artifact.contract_hash}, this build has "
                f"{expected}. Train it again."
            )
        return self._known.get(artifact.sha256) or RewardModel(self._read(artifact), vector.names(), expected)

    def _policy(self, artifact: PolicyArtifact) -> Policy:
        text = self._read(artifact).decode()
        policy = state.loads(text, _stand_ins(text))
        if policy.version != artifact.version:
            raise ValueError(f"{artifact.path} is version {policy.version}, the manifest says {artifact.version}")
        expected = policy_context.contract_hash()
        if ranking.needs_context(policy) and artifact.contract_hash != expected:
            raise ValueError(
                f"the policy reads contexts of contract {artifact.contract_hash}, this build has {expected}. "
                "Train it again."
            )
        if isinstance(policy, LinearPolicy) and policy.n_features != len(policy_context.NAMES):
            raise ValueError(
                f"the policy reads {policy.n_features} features, a context has {len(policy_context.NAMES)}"
            )
        return policy


def _stand_ins(text: str) -> Mapping[str, ranking.PredictedRewards]:
    """For the reward model that the state of a softmax policy names, what stands in for it."""
    try:
        identity = json.loads(text)["parameters"]["model"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {identity: ranking.PredictedRewards(identity)} if isinstance(identity, str) else {}


def _policy_faults(policy: Policy, arm: Arm) -> Iterator[str]:
    scores_by = arm.model.version if arm.model else RULE
    if ranking.needs_scores(policy) and (named := ranking.model_identity(policy)) != scores_by:
        yield f"it draws from the scores of {named}, the arm has {scores_by}"


def _prompt_policy_faults(policy: Policy) -> Iterator[str]:
    if ranking.needs_scores(policy):
        yield "it draws from the scores of a reward model, and prompts have none"
    if strange := prompt_choice.unusable(policy.arms):
        yield f"these arms name no registered prompt version: {', '.join(strange[:10])}"
