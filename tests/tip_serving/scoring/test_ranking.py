"""The drawn order: the first by the logged propensities, the others by score, the same again in any process."""

import math
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from support.released import softmax

from tip_experiments.policies import state
from tip_experiments.policies.beta_thompson import BetaThompson
from tip_experiments.policies.errors import PolicyError
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.reward_models import LinearRewards
from tip_experiments.policies.softmax import Softmax
from tip_experiments.policies.uniform import Uniform
from tip_serving.scoring import policy_context, ranking
from tip_serving.scoring.ranking import PredictedRewards

IDS = ("a", "b", "c")
CONTEXT = np.linspace(-1, 1, len(policy_context.NAMES))


def test_propensities_follow_from_scores_temperature_and_floor_by_hand() -> None:
    drawn = ranking.order(softmax("m", temperature=0.5, floor=0.1), IDS, [0.5, 0.0, 0.5], None, "d")
    share = 1 / (2 + math.exp(-1))
    assert drawn.propensities == pytest.approx([0.1 + 0.7 * x for x in (share, share * math.exp(-1), share)], abs=1e-11)
    assert math.fsum(drawn.propensities) == 1
    assert drawn.floor == 0.1


def test_the_first_is_drawn_as_often_as_is_logged_and_the_others_follow_by_score() -> None:
    policy, scores = softmax("m", temperature=0.3), [0.2, 0.9, 0.5, 0.5]
    ids = ("a", "b", "c", "d")
    orders = [ranking.order(policy, ids, scores, None, f"decision-{number}") for number in range(20_000)]
    firsts = Counter(found.positions[0] for found in orders)
    for position, propensity in enumerate(orders[0].propensities):
        deviation = (propensity * (1 - propensity) / len(orders)) ** 0.5
        assert abs(firsts[position] / len(orders) - propensity) <= 4 * deviation
    by_score = [1, 2, 3, 0]
    for found in orders[:200]:
        assert list(found.positions[1:]) == [place for place in by_score if place != found.positions[0]]


def test_candidates_in_another_order_have_the_same_propensities() -> None:
    policy, scores = softmax("m"), [0.2, 0.9, 0.5]
    one = ranking.order(policy, IDS, scores, None, "d").propensities
    other = ranking.order(policy, IDS[::-1], scores[::-1], None, "d").propensities
    assert one == pytest.approx(other[::-1], abs=1e-11)


@pytest.mark.parametrize("n", [1, 2, 20, 100])
@pytest.mark.parametrize("spread", [0.0, 1e-12, 1.0, 1e6])
def test_no_candidate_has_less_than_the_floor_however_many_there_are(n: int, spread: float) -> None:
    scores = (np.random.default_rng(n).random(n) * spread).tolist()
    drawn = ranking.order(softmax("m", floor=0.02), tuple(map(str, range(n))), scores, None, "d")
    assert min(drawn.propensities) >= drawn.floor >= min(0.02, 1 / n) - 2**-40
    assert math.fsum(drawn.propensities) == 1
    assert sorted(drawn.positions) == list(range(n))


def test_a_decision_replays_in_another_process_from_state_candidates_scores_and_id() -> None:
    scores = [0.123456789, 0.987654321, 0.5]
    program = f"""
from tip_experiments.policies import state
from tip_serving.scoring.ranking import PredictedRewards, order
policy = state.loads({state.dumps(softmax("m", 1.5))!r}, {{"m": PredictedRewards("m")}})
print([order(policy, {IDS!r}, {scores!r}, None, f"d{{number}}") for number in range(40)])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    here = [ranking.order(softmax("m", 1.5), IDS, scores, None, f"d{number}") for number in range(40)]
    assert done.stdout.strip() == str(here)
    assert len({found.positions[0] for found in here}) > 1


def test_a_policy_keeps_what_it_learnt_of_a_tip_and_gives_a_new_one_its_prior() -> None:
    learnt = BetaThompson.over(["a", "b"]).update(Feedback(["a"] * 50 + ["b"] * 50, [1.0] * 45 + [0.0] * 55))
    drawn = ranking.order(learnt, ("b", "new", "a"), [0.0, 0.0, 0.0], None, "d")
    assert drawn.propensities[2] > 0.5 > drawn.propensities[1] > drawn.propensities[0]
    direct = learnt.with_arms(("b", "new", "a"))
    assert drawn.propensities == pytest.approx(direct.probabilities().tolist(), abs=0)
    assert drawn.positions[0] == direct.decide(None, "d").action


def test_a_contextual_policy_decides_on_the_context_as_it_does_by_itself() -> None:
    policy = LinUcb.over(IDS, len(CONTEXT), floor=0.05)
    rewards = [1.0, 0.0, 0.5] * 20
    policy = policy.update(Feedback(list(IDS) * 20, rewards, np.tile(CONTEXT, (60, 1))))
    assert ranking.needs_context(policy)
    drawn = ranking.order(policy, IDS, [0.0] * 3, CONTEXT, "d")
    assert drawn.propensities == policy.decide(CONTEXT, "d").probabilities


def test_more_candidates_than_a_learnt_floor_has_room_for_are_all_alike() -> None:
    ids = tuple(map(str, range(40)))
    drawn = ranking.order(BetaThompson.over(["0", "1"], floor=0.4), ids, [0.0] * 40, None, "d")
    assert drawn.propensities == pytest.approx([1 / 40] * 40, abs=1e-10)


def test_a_policy_that_cannot_know_the_candidates_says_so() -> None:
    policy = Softmax.over(["a"], LinearRewards({"a": (0.0,) * (len(CONTEXT) + 1)}), 0.5)
    assert ranking.needs_context(policy)
    assert not ranking.needs_scores(policy)
    with pytest.raises(PolicyError, match="know no coefficients of b"):
        ranking.order(policy, ("a", "b"), [0.0, 0.0], CONTEXT, "d")


def test_which_policy_needs_what() -> None:
    assert ranking.needs_scores(softmax("m"))
    assert ranking.model_identity(softmax("m")) == "m"
    assert ranking.model_identity(Uniform.over(["a"])) is None
    assert not ranking.needs_context(Uniform.over(["a"]))
    with pytest.raises(ValueError, match="before the policy is asked"):
        softmax("m").decide(None, "d")
    assert PredictedRewards("m").identity == "m"
