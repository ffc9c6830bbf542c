"""A policy as text and back, without changing one decision. Where the text is kept is up to the caller.

One JSON object: `schema`, `kind`, `version`, `roster`, `floor`, `parameters`, and `memory`, a list with one base64
block of little-endian 64-bit integers per arm. Floats are written so that they read back as the same bits.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from tip_experiments.policies.beta_thompson import BetaThompson
from tip_experiments.policies.epsilon_greedy import EpsilonGreedy
from tip_experiments.policies.errors import PolicyError, StateError
from tip_experiments.policies.inverse_gap import InverseGap
from tip_experiments.policies.lin_thompson import LinThompson
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.reward_models import RewardModel
from tip_experiments.policies.roster import Roster
from tip_experiments.policies.softmax import Softmax
from tip_experiments.policies.uniform import Uniform

SCHEMA = "tip-policy/1"

KINDS: dict[str, type[Policy]] = {
    policy.kind: policy
    for policy in (Uniform, EpsilonGreedy, BetaThompson, LinThompson, LinUcb, InverseGap, Softmax)
}  # fmt: skip


def dumps(policy: Policy) -> str:
    """The state of `policy`. A reward model that is not linear is named in it, not contained."""
    state = {
        "schema": SCHEMA,
        "kind": policy.kind,
        "version": policy.version,
        "roster": policy.roster.as_json(),
        "floor": policy.floor,
        "parameters": policy.parameters(),
        "memory": [b64encode(block).decode() for block in policy.memory()],
    }
    return json.dumps(state, allow_nan=False)


def loads(text: str, models: Mapping[str, RewardModel] | None = None) -> Policy:
    """The policy that `dumps` wrote.

    Args:
        text: the state.
        models: by identity, the reward models that states may name.

    Raises:
        StateError: it is no state, of another schema or kind, damaged, or names a model that is not in `models`.
    """
    try:
        state: dict[str, Any] = json.loads(text)
        schema = state["schema"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise StateError(f"This is not the state of a policy, it has no schema: {text[:60]!r}.") from error
    if schema != SCHEMA or str(state.get("kind")) not in KINDS:
        raise StateError(
            f"The state of a policy has schema {schema!r} and kind {state.get('kind')!r}; this build reads {SCHEMA!r} "
            f"with {', '.join(KINDS)}. Read it with the build that wrote it, or one that is newer."
        )
    try:
        policy = _restored(state, models or {})
    except StateError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, PolicyError) as error:
        raise StateError(f"The state of a {state['kind']} policy cannot be read: {error!r}.") from error
    if policy.version != state.get("version"):
        raise StateError(
            f"The state of a {state['kind']} policy is damaged: it says version {state.get('version')}, "
            f"its content is {policy.version}."
        )
    return policy


def _restored(state: Mapping[str, Any], models: Mapping[str, RewardModel]) -> Policy:
    parameters = dict(state["parameters"])
    if state["kind"] == Softmax.kind and parameters["linear"] is None:
        identity = parameters["model"]
        if identity not in models:
            raise StateError(f"The state names the reward model {identity}; hand it in, known: {sorted(models)}.")
        parameters["model"] = models[identity]
    memory = [b64decode(block, validate=True) for block in state["memory"]]
    return KINDS[state["kind"]].restored(Roster.from_json(state["roster"]), state["floor"], parameters, memory)
