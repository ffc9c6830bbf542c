"""Which prompt version (and model) writes the tip: as asked, else as set, and for `auto` as the released policy draws.

An arm of a prompt policy is a version, `v2`, or a version on a model, `openai/gpt-4o-mini@v2`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.policy import Policy
from tip_serving.features.declared import shown
from tip_serving.prompts import registry
from tip_serving.scoring.errors import RequestError

AUTO = "auto"


class PromptSource(StrEnum):
    """Who chose the prompt version."""

    REQUEST = "request"
    DEFAULT = "default"
    POLICY = "policy"
    NO_POLICY = "default, since no prompt policy is released"
    FAILED = "default, since the released prompt policy failed"


class PromptChoice(NamedTuple):
    """The version, and with which probability it was drawn where a policy drew it."""

    version: str
    model: str | None
    """None where the choice is of the version alone."""
    source: PromptSource
    propensity: float
    """1 where nothing was drawn."""
    policy_version: str | None
    error: Exception | None = None
    """With which the released policy failed."""


class PromptArm(NamedTuple):
    """What an arm of a prompt policy stands for."""

    version: str
    model: str | None


def read_arm(arm: str) -> PromptArm:
    """The arm taken apart at its last `@`, since a model's name may hold one."""
    model, _, version = arm.rpartition("@")
    return PromptArm(version, model or None)


def unusable(arms: Sequence[str]) -> list[str]:
    """The arms whose version is not registered here."""
    return [arm for arm in arms if read_arm(arm).version not in registry.versions()]


def choose(
    asked: str | None, default: str, policy: Policy | None, context: NDArray[np.float64], decision_id: str
) -> PromptChoice:
    """The prompt version of one request.

    Args:
        asked: by the request; None for the default, `auto` for the policy.
        default: registered.
        policy: as released; None where none is.
        context: of `policy_context`.
        decision_id: determines the draw.

    Raises:
        RequestError: the version that was asked for is not registered.
    """
    if asked == AUTO and policy is not None:
        return _drawn(default, policy, context, decision_id)
    if asked is None or asked == AUTO:
        source = PromptSource.DEFAULT if asked is None else PromptSource.NO_POLICY
        return PromptChoice(default, None, source, 1.0, None)
    if asked not in registry.versions():
        known = ", ".join((*registry.versions(), AUTO))
        raise RequestError([f"prompt_version: {shown(asked)} is not registered; there are {known}"])
    return PromptChoice(asked, None, PromptSource.REQUEST, 1.0, None)


def _drawn(default: str, policy: Policy, context: NDArray[np.float64], decision_id: str) -> PromptChoice:
    """What the released policy draws; the default where it fails, so that there is a tip."""
    try:
        decision = policy.decide(context, decision_id)
    except Exception as error:  # noqa: BLE001  whatever a released file does, the person gets a tip
        return PromptChoice(default, None, PromptSource.FAILED, 1.0, None, error)
    version, model = read_arm(decision.arm)
    return PromptChoice(version, model, PromptSource.POLICY, decision.propensity, policy.version)
