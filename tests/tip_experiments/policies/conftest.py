"""One policy of every kind, each of which has learnt from the same 300 decisions."""

from collections.abc import Callable

import numpy as np
import pytest

from tip_experiments.policies.beta_thompson import BetaThompson
from tip_experiments.policies.epsilon_greedy import EpsilonGreedy
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.inverse_gap import InverseGap
from tip_experiments.policies.lin_thompson import LinThompson
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.reward_models import LinearRewards
from tip_experiments.policies.softmax import Softmax
from tip_experiments.policies.state import KINDS
from tip_experiments.policies.uniform import Uniform

ARMS = ("v1", "v2", "v3", "v4")
FLOOR = 0.01
_REWARDS = LinearRewards({arm: (0.1 * at, 0.3, -0.2 * at, 0.0) for at, arm in enumerate((*ARMS, "v5"))})

FRESH: dict[str, Callable[[], Policy]] = {
    "uniform": lambda: Uniform.over(ARMS),
    "epsilon-greedy": lambda: EpsilonGreedy.over(ARMS, 0.2, floor=FLOOR),
    "beta-thompson": lambda: BetaThompson.over(ARMS, floor=FLOOR),
    "lin-thompson": lambda: LinThompson.over(ARMS, 3, floor=FLOOR),
    "lin-ucb": lambda: LinUcb.over(ARMS, 3, floor=FLOOR),
    "inverse-gap": lambda: InverseGap.over(ARMS, 3, floor=FLOOR),
    "softmax": lambda: Softmax.over(ARMS, _REWARDS, 0.2, floor=FLOOR),
}
assert set(FRESH) == set(KINDS)


@pytest.fixture(params=FRESH)
def fresh(request: pytest.FixtureRequest) -> Policy:
    return FRESH[request.param]()


@pytest.fixture
def feedback() -> Feedback:
    rng = np.random.default_rng(7)
    arms = rng.integers(0, 4, 300)
    rewards = (rng.random(300) < 0.2 + 0.1 * arms).astype(float)
    return Feedback([ARMS[arm] for arm in arms], rewards, rng.normal(size=(300, 3)))


@pytest.fixture
def policy(fresh: Policy, feedback: Feedback) -> Policy:
    return fresh.update(feedback)
