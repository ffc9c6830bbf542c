"""Which prompt version: the request's, else the default, and for `auto` a draw of the released policy."""

from collections import Counter

import numpy as np
import pytest
from support.released import prompt_policy

from tip_experiments.policies.errors import ContextError
from tip_serving.scoring import policy_context, prompt_choice
from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.prompt_choice import PromptSource

CONTEXT = np.zeros(len(policy_context.NAMES))


def test_the_request_goes_before_the_default() -> None:
    policy = prompt_policy()
    assert prompt_choice.choose("v2", "v3", policy, CONTEXT, "d") == ("v2", None, PromptSource.REQUEST, 1.0, None, None)
    assert prompt_choice.choose(None, "v3", policy, CONTEXT, "d") == ("v3", None, PromptSource.DEFAULT, 1.0, None, None)


def test_auto_without_a_released_policy_is_the_default_and_says_so() -> None:
    found = prompt_choice.choose("auto", "v3", None, CONTEXT, "d")
    assert found == ("v3", None, PromptSource.NO_POLICY, 1.0, None, None)


def test_a_policy_that_fails_leaves_the_default_and_says_with_what() -> None:
    found = prompt_choice.choose("auto", "v3", prompt_policy(), CONTEXT[:-1], "d")
    assert (found.version, found.source, found.propensity, found.policy_version) == (
        "v3", PromptSource.FAILED, 1.0, None
    )  # fmt: skip
    assert isinstance(found.error, ContextError)


def test_auto_draws_version_and_model_with_the_propensity_that_it_names() -> None:
    policy = prompt_policy()
    drawn = [prompt_choice.choose("auto", "v1", policy, CONTEXT, f"d{number}") for number in range(5_000)]
    seen = Counter((choice.version, choice.model) for choice in drawn)
    assert set(seen) == {("v1", None), ("v2", None), ("v3", "embedded/first")}
    for choice in drawn:
        assert choice.policy_version == policy.version
        deviation = (choice.propensity * (1 - choice.propensity) / len(drawn)) ** 0.5
        assert abs(seen[choice.version, choice.model] / len(drawn) - choice.propensity) <= 4 * deviation


def test_the_same_decision_draws_the_same_version() -> None:
    one, other = (prompt_choice.choose("auto", "v1", prompt_policy(), CONTEXT, "d7") for _ in range(2))
    assert one == other


@pytest.mark.parametrize("asked", ["v99", "V1", "v1 ", "auto ", "../v1", "x" * 64])
def test_a_version_that_nobody_registered_is_refused_with_those_there_are(asked: str) -> None:
    with pytest.raises(RequestError) as refused:
        prompt_choice.choose(asked, "v1", None, CONTEXT, "d")
    assert "v1, v2, v3, auto" in refused.value.faults[0]


def test_an_arm_is_a_version_or_a_version_on_a_model_whose_name_may_hold_an_at() -> None:
    assert prompt_choice.read_arm("v2") == ("v2", None)
    assert prompt_choice.read_arm("vertex_ai/claude@2024@v2") == ("v2", "vertex_ai/claude@2024")
    assert prompt_choice.unusable(["v1", "x/y@v2", "v9", "x/y@", "x/y"]) == ["v9", "x/y@", "x/y"]
