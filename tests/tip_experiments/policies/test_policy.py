"""What holds for every policy: distributions, decisions, learning, arms that come and go."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tip_experiments.policies.beta_thompson import BetaThompson
from tip_experiments.policies.errors import ContextError, FeedbackError, PolicyError
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.roster import Prior
from tip_experiments.policies.state import dumps, loads
from tip_experiments.policies.uniform import Uniform

CONTEXTS = np.random.default_rng(3).normal(size=(200, 3))


def test_probabilities_sum_to_one_and_respect_the_floor(fresh: Policy, policy: Policy) -> None:
    for one in (fresh, policy):
        for context in CONTEXTS:
            probabilities = one.probabilities(context)
            assert probabilities.shape == (4,)
            assert abs(probabilities.sum() - 1) <= 1e-12
            assert probabilities.min() >= one.floor


def test_a_decision_records_the_very_distribution_it_was_drawn_from(policy: Policy) -> None:
    for number, context in enumerate(CONTEXTS):
        decision = policy.decide(context, f"d{number}")
        assert decision.probabilities == tuple(policy.probabilities(context))
        assert decision.propensity == decision.probabilities[decision.action] > 0
        assert decision.arm == decision.arms[decision.action] == policy.arms[decision.action]
        assert (decision.floor, decision.policy_version) == (policy.floor, policy.version)
        assert json.loads(json.dumps(decision._asdict()))["propensity"] == decision.propensity


def test_the_same_id_gets_the_same_decision_and_other_ids_get_every_arm(policy: Policy) -> None:
    decisions = [policy.decide(CONTEXTS[0], str(number)) for number in range(2000)]
    assert decisions == [policy.decide(CONTEXTS[0], str(number)) for number in range(2000)]
    assert {decision.arm for decision in decisions} == set(policy.arms)


def test_the_protocol_is_called_by_these_names(fresh: Policy, feedback: Feedback) -> None:
    context = CONTEXTS[0]
    assert (fresh.probabilities(context=context) == fresh.probabilities(context)).all()
    assert fresh.decide(context=context, decision_id="d") == fresh.decide(context, "d")
    assert fresh.update(batch=feedback) == fresh.update(feedback)


@pytest.mark.parametrize("decision_id", ["", None])
def test_a_decision_without_an_id_is_refused_as_all_of_them_would_draw_alike(policy: Policy, decision_id: str) -> None:
    with pytest.raises(PolicyError, match="expected one of its own"):
        policy.decide(CONTEXTS[0], decision_id)


def test_a_number_makes_the_same_policy_whatever_type_it_came_in() -> None:
    plain = LinUcb.over(("a", "b"), 2, floor=0.0, ridge=2.0, priors={"a": Prior(0.5, 3.0)})
    whole = LinUcb.over(("a", "b"), 2, floor=0, ridge=2, priors={"a": Prior(0.5, 3)})
    prior = Prior(np.float32(0.5), np.int64(3))  # type: ignore[arg-type]
    arms = np.array(["a", "b"])
    scalars = LinUcb.over(arms, 2, floor=np.float32(0), ridge=np.int64(2), priors={"a": prior})  # type: ignore[arg-type]
    assert plain == whole == scalars
    assert loads(dumps(scalars)) == plain


def test_feedback_makes_another_policy_and_leaves_this_one(fresh: Policy, feedback: Feedback) -> None:
    version, before = fresh.version, fresh.probabilities(CONTEXTS[0])
    later = fresh.update(feedback)
    assert fresh.version == version
    assert (fresh.probabilities(CONTEXTS[0]) == before).all()
    learns = fresh.kind not in {"uniform", "softmax"}
    assert (later.version != version) == learns == (later != fresh)


def _part(feedback: Feedback, rows: np.ndarray) -> Feedback:
    rewards, contexts = np.asarray(feedback.rewards), np.asarray(feedback.contexts)
    return Feedback([feedback.arms[row] for row in rows], rewards[rows], contexts[rows])


def test_feedback_in_any_order_and_any_batches_makes_the_same_policy(fresh: Policy, feedback: Feedback) -> None:
    whole = fresh.update(feedback)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        shuffled = fresh
        for rows in np.array_split(rng.permutation(300), rng.integers(1, 60)):
            shuffled = shuffled.update(_part(feedback, rows))
        assert shuffled == whole
        assert shuffled.decide(CONTEXTS[1], "d") == whole.decide(CONTEXTS[1], "d")


def test_no_feedback_changes_nothing(policy: Policy) -> None:
    assert policy.update(Feedback([], [], np.empty((0, 3)))) == policy


def test_arms_that_stay_keep_what_was_learnt_and_new_ones_start_from_their_prior(
    fresh: Policy, policy: Policy, feedback: Feedback
) -> None:
    changed = policy.with_arms(("v5", "v4", "v2"))
    assert changed.arms == ("v5", "v4", "v2")
    assert changed.decide(CONTEXTS[0], "d").arms == changed.arms
    if not policy.memory():
        return
    assert changed.memory()[1:] == [policy.memory()[3], policy.memory()[1]]
    assert changed.memory()[0] == fresh.memory()[0]
    kept = [row for row, arm in enumerate(feedback.arms) if arm in {"v2", "v4"}]
    alone = fresh.with_arms(("v5", "v4", "v2")).update(_part(feedback, np.array(kept)))
    assert alone == changed
    assert (alone.probabilities(CONTEXTS[0]) == changed.probabilities(CONTEXTS[0])).all()


def test_the_same_arms_are_the_same_policy_in_another_order_the_same_probabilities(policy: Policy) -> None:
    assert policy.with_arms(policy.arms) is policy
    turned = policy.with_arms(policy.arms[::-1])
    assert turned.probabilities(CONTEXTS[2])[::-1] == pytest.approx(policy.probabilities(CONTEXTS[2]), abs=1e-11)


def test_late_feedback_on_a_retired_arm_is_let_go_on_an_unknown_one_refused(policy: Policy, feedback: Feedback) -> None:
    smaller = policy.with_arms(("v1", "v2"))
    of_those = [row for row, arm in enumerate(feedback.arms) if arm in {"v1", "v2"}]
    assert smaller.update(feedback) == smaller.update(_part(feedback, np.array(of_those)))
    if policy.memory():
        with pytest.raises(FeedbackError, match=r"rows 1 name an arm that was never there \(arms: v1, v2\)"):
            smaller.update(Feedback(["v1", "v9"], [1.0, 0.0], np.zeros((2, 3))))


def test_every_fault_of_feedback_is_listed_with_its_first_ten_rows() -> None:
    policy = LinUcb.over(("a", "b"), 1, floor=0.0)
    contexts = np.zeros((20, 1))
    contexts[3] = np.nan
    rewards = np.where(np.arange(20) < 12, np.inf, 0.0)
    with pytest.raises(FeedbackError) as caught:
        policy.update(Feedback(["a"] * 19 + ["c"], rewards, contexts))
    text = str(caught.value)
    assert "rows 19 name an arm" in text
    assert "rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more have a reward" in text
    assert "rows 3 have a feature" in text


def test_rewards_outside_zero_and_one_are_refused_where_they_are_successes() -> None:
    with pytest.raises(FeedbackError, match=r"rows 1, 2 have a reward that is not in \[0, 1\]"):
        BetaThompson.over(("a", "b")).update(Feedback(["a", "b", "a"], [0.5, 1.01, -0.1]))


@pytest.mark.parametrize(("rewards", "contexts"), [([1.0], [[0.0]]), ([1.0, 1.0], [[0.0, 1.0], [0.0, 1.0]])])
def test_feedback_whose_shapes_differ_is_refused(rewards: list[float], contexts: list[list[float]]) -> None:
    with pytest.raises(FeedbackError, match=r"expected \(2,\) and \(2, 1\)"):
        LinUcb.over(("a", "b"), 1, floor=0.0).update(Feedback(["a", "b"], rewards, contexts))


@pytest.mark.parametrize(
    ("rewards", "contexts", "what"),
    [(["good", "bad"], [[0.0], [0.0]], "Rewards"), ([1.0, 0.0], [[0.0], [0.0, 1.0]], "Contexts")],
)
def test_feedback_that_is_no_numbers_is_refused_in_words(rewards: list[float], contexts: object, what: str) -> None:
    with pytest.raises(FeedbackError, match=f"{what} must be an array of numbers; found"):
        LinUcb.over(("a", "b"), 1, floor=0.0).update(Feedback(["a", "b"], rewards, contexts))  # type: ignore[arg-type]


@pytest.mark.parametrize("context", [None, [1.0], [1.0, 2.0, 3.0, 4.0], [[1.0, 2.0, 3.0]]])
def test_a_context_of_another_shape_is_refused(context: object) -> None:
    with pytest.raises(ContextError, match=r"expected \(3,\)"):
        LinUcb.over(("a", "b"), 3, floor=0.0).decide(context, "d")  # type: ignore[arg-type]


@pytest.mark.parametrize("context", [["x", "y", "z"], {"hour": 3.0}, [[1.0, 2.0], [3.0]], object()])
def test_a_context_that_is_no_numbers_is_refused_in_words(policy: Policy, context: object) -> None:
    if policy.kind in {"uniform", "epsilon-greedy", "beta-thompson"}:
        assert policy.decide(context, "d") == policy.decide(None, "d")  # type: ignore[arg-type]
        return
    with pytest.raises(ContextError, match="A context must be an array of numbers; found"):
        policy.decide(context, "d")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e5])
def test_a_context_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ContextError, match="not in"):
        LinUcb.over(("a", "b"), 3, floor=0.0).decide([0.0, value, 0.0], "d")


@pytest.mark.parametrize("floor", [-0.1, 0.26, 1.5, float("nan")])
def test_a_floor_that_not_all_arms_can_have_is_refused(floor: float) -> None:
    with pytest.raises(PolicyError, match=r"impossible with 4 arms; expected 0 to 0\.25"):
        BetaThompson.over("abcd", floor=floor)


def test_the_highest_possible_floor_is_the_uniform_policy() -> None:
    learnt = BetaThompson.over("abcd", floor=0.25).update(Feedback(["a"] * 50, np.ones(50)))
    assert learnt.probabilities().tolist() == [0.25] * 4
    with pytest.raises(PolicyError, match="impossible with 5 arms"):
        learnt.with_arms("abcde")


@pytest.mark.parametrize(
    ("arms", "fault"), [((), "there are none"), (("a", ""), "empty name"), (("a", "b", "a"), "a stand there more")]
)
def test_arms_that_cannot_be_are_refused(arms: tuple[str, ...], fault: str) -> None:
    with pytest.raises(PolicyError, match=fault):
        Uniform.over(arms)


def test_priors_are_for_new_arms_and_must_be_possible() -> None:
    policy = BetaThompson.over(("a", "b"))
    with pytest.raises(PolicyError, match="not: a, z"):
        policy.with_arms(("a", "b", "c"), {"a": Prior(0.5, 4.0), "z": Prior(0.5, 4.0)})
    with pytest.raises(PolicyError, match="n above 0"):
        policy.with_arms(("a", "b", "c"), {"c": Prior(0.5, 0.0)})
    with pytest.raises(PolicyError, match=r"at least 0\.05"):
        policy.with_arms(("a", "b", "c"), {"c": Prior(1.2, 3.0)})


def test_a_prior_counts_like_the_observations_that_it_stands_for() -> None:
    believed = BetaThompson.over(("a", "b"), priors={"b": Prior(0.75, 6.0)})
    observed = BetaThompson.over(("a", "b")).update(Feedback(["b"] * 4, [1.0, 1.0, 1.0, 0.5]))
    assert believed.probabilities() == pytest.approx(observed.probabilities(), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True), min_size=1, max_size=8))
def test_arms_may_change_in_any_way_between_feedback(changes: list[list[str]]) -> None:
    policy = LinUcb.over("abc", 2, floor=0.01)
    rng = np.random.default_rng(0)
    ever = set(policy.arms)
    for arms in changes:
        policy = policy.with_arms(arms)
        ever |= set(arms)
        named = rng.choice(sorted(ever), 5).tolist()
        policy = policy.update(Feedback(named, rng.random(5), rng.normal(size=(5, 2))))
        assert policy.arms == tuple(arms)
        assert policy.probabilities([0.1, 0.2]).shape == (len(arms),)
        assert policy.roster.retired == ever - set(arms)
