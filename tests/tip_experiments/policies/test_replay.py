"""State as text, replay in another process, and what importing policies loads."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tip_experiments.policies.errors import StateError
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.softmax import Softmax
from tip_experiments.policies.state import dumps, loads

CONTEXTS = np.random.default_rng(11).normal(size=(100, 3))

_REPLAY = """
import json, sys
from tip_experiments.policies.state import loads
given = json.load(sys.stdin)
replayed = []
for state, contexts in given:
    policy = loads(state)
    replayed.append([policy.decide(context, f"d{at}") for at, context in enumerate(contexts)])
json.dump(replayed, sys.stdout)
"""


def _in_another_process(program: str, given: str = "", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], input=given, capture_output=True, text=True, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_logged_decisions_replay_in_another_process(policy: Policy) -> None:
    logged = [policy.decide(context, f"d{at}") for at, context in enumerate(CONTEXTS)]
    given = json.dumps([[dumps(policy), CONTEXTS.tolist()]])
    (replayed,) = json.loads(_in_another_process(_REPLAY, given))
    assert [decision[1] for decision in replayed] == [decision.action for decision in logged]
    assert [decision[4] for decision in replayed] == [list(decision.probabilities) for decision in logged]
    assert [decision[7] for decision in replayed] == [policy.version] * 100


_FINGERPRINT = """
import numpy as np
values = np.random.default_rng(0).normal(size=(300, 300))
print(hash(np.exp(values).tobytes()), hash((values @ values).tobytes()))
"""


@cache
def _older_processor() -> dict[str, str]:
    """Settings under which numpy and its BLAS compute as on an older processor; none where they cannot."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[union-attr]
    older = {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": " ".join(extensions), "PYTHONHASHSEED": "0"}
    if _in_another_process(_FINGERPRINT, **older) == _in_another_process(_FINGERPRINT, PYTHONHASHSEED="0"):
        return {}
    return older


def test_logged_decisions_replay_with_another_blas_on_another_processor(policy: Policy) -> None:
    if not (older := _older_processor()):
        pytest.skip("numpy knows one way to compute on this processor")
    contexts = np.random.default_rng(12).normal(size=(1000, 3))
    logged = [policy.decide(context, f"d{at}") for at, context in enumerate(contexts)]
    given = json.dumps([[dumps(policy), contexts.tolist()]])
    (replayed,) = json.loads(_in_another_process(_REPLAY, given, **older))
    assert [decision[1] for decision in replayed] == [decision.action for decision in logged]
    moved = np.array([decision[4] for decision in replayed]) - [decision.probabilities for decision in logged]
    assert np.abs(moved).max() <= 1e-12
    assert replayed[0][7] == policy.version


def test_state_and_back_is_the_same_policy_now_and_after_more_feedback(policy: Policy, feedback: Feedback) -> None:
    again = loads(dumps(policy))
    assert type(again) is type(policy)
    assert again == policy
    assert dumps(again) == dumps(policy)
    changed = [one.update(feedback).with_arms(("v2", "v5", "v1")) for one in (policy, again)]
    assert changed[0] == changed[1]
    assert changed[0].decide(CONTEXTS[0], "x") == changed[1].decide(CONTEXTS[0], "x")


def _edited(policy: Policy, **changes: Any) -> str:
    return json.dumps(json.loads(dumps(policy)) | changes)


def test_a_state_of_another_schema_or_kind_is_refused_in_words(policy: Policy) -> None:
    with pytest.raises(StateError, match=r"schema 'tip-policy/2'.*this build reads 'tip-policy/1'.*wrote it"):
        loads(_edited(policy, schema="tip-policy/2"))
    with pytest.raises(StateError, match="kind 'oracle'"):
        loads(_edited(policy, kind="oracle"))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schema": '])
def test_text_that_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(StateError, match="not the state of a policy"):
        loads(text)


def test_a_damaged_state_is_refused(policy: Policy) -> None:
    with pytest.raises(StateError, match="damaged"):
        loads(_edited(policy, version="0" * 32))
    with pytest.raises(StateError, match="damaged"):
        loads(_edited(policy, floor=policy.floor / 2 + 0.001))
    with pytest.raises(StateError, match="cannot be read"):
        loads(_edited(policy, roster={}))
    if "linear" in policy.parameters():
        with pytest.raises(StateError, match="cannot be read"):
            loads(_edited(policy, parameters=policy.parameters() | {"linear": [1.0]}))
    if policy.memory():
        memory = json.loads(dumps(policy))["memory"]
        with pytest.raises(StateError):
            loads(_edited(policy, memory=memory[1:]))
        with pytest.raises(StateError, match="damaged"):
            loads(_edited(policy, memory=[*memory[1:], memory[0]]))
        with pytest.raises(StateError, match="bytes"):
            loads(_edited(policy, memory=["AAAA", *memory[1:]]))


class _Trained:
    identity = "ranker-7"

    def rewards(self, context: Any, arms: Any) -> list[float]:
        return [len(arm) * float(context[0]) for arm in arms]


def test_a_trained_reward_model_is_named_in_the_state_and_handed_in_again() -> None:
    policy = Softmax.over(("a", "bbb"), _Trained(), 1.0)
    again = loads(dumps(policy), {"ranker-7": _Trained()})
    assert again.decide([0.4], "d") == policy.decide([0.4], "d")
    with pytest.raises(StateError, match="names the reward model ranker-7"):
        loads(dumps(policy))


_ROOT = Path(__file__).parents[3]


def test_all_policies_import_with_numpy_alone() -> None:
    modules = sorted(path.stem for path in (_ROOT / "tip_experiments" / "policies").glob("[a-z]*.py"))
    assert "lin_ucb" in modules
    imports = "\n".join(f"import tip_experiments.policies.{module}" for module in modules)
    loaded = set(_in_another_process(f"{imports}\nimport sys\nprint(*sys.modules)").split())
    assert "tip_experiments.policies.lin_ucb" in loaded
    heavy = {"scipy", "polars", "pydantic", "pandas", "sklearn", "statsmodels", "numpy.random", "numpy.linalg"}
    assert not loaded & (heavy - _loaded_by_numpy())


def test_policies_and_assignment_take_less_than_45_megabytes_of_a_server() -> None:
    program = """
import pathlib
import tip_experiments.policies.state, tip_experiments.assignment.assign, tip_experiments.assignment.rotation
print(pathlib.Path("/proc/self/status").read_text())
"""
    lines = dict(line.split(":", 1) for line in _in_another_process(program).splitlines() if ":" in line)
    assert int(lines["VmHWM"].split()[0]) < 45 * 1000, "numpy alone takes 26"


def _loaded_by_numpy() -> set[str]:
    return set(_in_another_process("import numpy, numpy.typing, sys; print(*sys.modules)").split())
