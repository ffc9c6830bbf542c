"""Softmax over rewards that a model predicts."""

import numpy as np
import pytest

from tip_experiments.policies.errors import ContextError, PolicyError
from tip_experiments.policies.reward_models import LinearRewards
from tip_experiments.policies.softmax import Softmax

MODEL = LinearRewards({"a": (0.0, 1.0), "b": (0.5, -1.0)})


def test_by_hand_the_ratio_of_two_arms_is_e_to_the_difference() -> None:
    probabilities = Softmax.over(("a", "b"), MODEL, 0.5).probabilities([0.25])
    # both rewards are 0.25
    assert probabilities == pytest.approx([0.5, 0.5])
    probabilities = Softmax.over(("a", "b"), MODEL, 0.5).probabilities([1.0])
    assert probabilities[0] / probabilities[1] == pytest.approx(np.exp((1.0 - -0.5) / 0.5))


def test_a_constant_on_all_rewards_changes_nothing_however_large() -> None:
    shifted = LinearRewards({"a": (1e4, 1.0), "b": (1e4 + 0.5, -1.0)})
    for context in np.linspace(-2, 2, 9):
        one, other = (Softmax.over(("a", "b"), model, 0.3).probabilities([context]) for model in (MODEL, shifted))
        assert one == pytest.approx(other, abs=1e-9)


def test_another_model_is_another_version() -> None:
    policy = Softmax.over(("a", "b"), MODEL, 0.5)
    assert policy != Softmax.over(("a", "b"), LinearRewards({"a": (0.0, 1.0), "b": (0.6, -1.0)}), 0.5)
    assert policy == Softmax.over(("a", "b"), LinearRewards(dict(MODEL.coefficients)), 0.5)


class _Broken:
    identity = "broken"

    def rewards(self, context: object, arms: object) -> list[float]:  # noqa: ARG002  answers all alike
        return [1.0, float("nan")]


def test_predictions_that_are_no_numbers_and_contexts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(PolicyError, match=r"model broken predicted .*nan"):
        Softmax.over(("a", "b"), _Broken(), 0.5).decide([0.0], "d")
    with pytest.raises(ContextError, match="expected 1 finite"):
        Softmax.over(("a", "b"), MODEL, 0.5).decide([0.0, 1.0], "d")
    for context in (None, [[0.0]]):
        with pytest.raises(ContextError, match="expected 1 finite"):
            Softmax.over(("a", "b"), MODEL, 0.5).decide(context, "d")
    with pytest.raises(ContextError, match="expected 1 finite"):
        Softmax.over(("a", "b"), MODEL, 0.5).decide([np.nan], "d")
    with pytest.raises(PolicyError, match="know no coefficients of z"):
        Softmax.over(("a", "z"), MODEL, 0.5).decide([0.0], "d")
    with pytest.raises(PolicyError, match="temperature of 0"):
        Softmax.over(("a", "b"), MODEL, 0.0)
    with pytest.raises(PolicyError, match="as many for each arm"):
        LinearRewards({"a": (0.0, 1.0), "b": (1.0,)})
