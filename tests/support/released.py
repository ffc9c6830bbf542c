"""A release for tests: small LightGBM models trained here, policies, and the manifest that names them."""

import datetime as dt
import hashlib
import json
from functools import cache
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies import state
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.roster import Prior
from tip_experiments.policies.softmax import Softmax
from tip_serving.features import contract, vector
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.scoring import policy_context
from tip_serving.scoring.ranking import PredictedRewards
from tip_serving.scoring.reward_model import Calibration, stamp

CREATED = "2026-03-01T00:00:00Z"


@cache
def trained(seed: int, columns: tuple[str, ...] | None = None) -> lightgbm.Booster:
    """A small model of the chance that a tip is taken; another seed is another taste."""
    rng = np.random.default_rng(seed)
    names = columns or vector.names()
    rows = rng.random((400, len(names))) * 30
    pull = rows @ rng.normal(size=len(names))
    wanted = (pull > np.median(pull)).astype(float)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 7, "seed": seed,
                "min_data_in_leaf": 5, "deterministic": True}  # fmt: skip
    return lightgbm.train(settings, lightgbm.Dataset(rows, wanted, feature_name=list(names)), 12)


def model_file(seed: int, contract_hash: str | None = None, calibration: Calibration | None = None) -> bytes:
    """The file of the model of this seed."""
    return stamp(trained(seed).model_to_string(), contract_hash or contract.contract_hash(), calibration)


def softmax(model_version: str, temperature: float = 0.2, floor: float = 0.01) -> Policy:
    """A policy on the scores of that model."""
    return Softmax.over(["any tip"], PredictedRewards(model_version), temperature, floor=floor)


def prompt_policy(arms: tuple[str, ...] = ("v1", "v2", "embedded/first@v3"), floor: float = 0.1) -> Policy:
    """A contextual policy over prompts that has learnt nothing yet."""
    priors = {arm: Prior(0.3, 2.0) for arm in arms}
    return LinUcb.over(arms, len(policy_context.NAMES), floor=floor, priors=priors)


class Shelf:
    """Puts artifacts into a lake as a release does.

    Args:
        lake: an empty one.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def model(self, seed: int, **changes: Any) -> dict[str, Any]:
        """What a manifest says of the model of this seed, version `reward-<seed>`."""
        version = f"reward-{seed}"
        return self._kept(layout.reward_model("reward", version), model_file(seed), version) | {
            "contract_hash": contract.contract_hash()
        } | changes  # fmt: skip

    def policy(self, policy: Policy, **changes: Any) -> dict[str, Any]:
        """What a manifest says of the policy."""
        kept = self._kept(layout.policy(policy.version), state.dumps(policy).encode(), policy.version)
        return kept | {"contract_hash": policy_context.contract_hash()} | changes

    def arm(self, name: str, seed: int, role: str = "champion", weight: float = 1.0, **changes: Any) -> dict[str, Any]:
        """An arm whose policy draws by the scores of the model of this seed."""
        model = self.model(seed)
        policy = self.policy(softmax(model["version"]))
        plain = {"name": name, "role": role, "weight": weight, "model": model, "policy": policy, "prompt_policy": None}
        return {**plain, **changes}

    def example(self, request: dict[str, Any], scores: dict[str, list[float]]) -> dict[str, Any]:
        """A stored example."""
        path = layout.released_example("example")
        data = json.dumps({"request": request, "scores": scores}).encode()
        kept = self._kept(path, data, "example")
        return {"path": kept["path"], "sha256": kept["sha256"]}

    def publish(self, version: str, *arms: dict[str, Any], **changes: Any) -> None:
        """Write the manifest."""
        manifest = {"version": version, "created_at": CREATED, "arms": list(arms), "example": None, **changes}
        self.lake.write(layout.released_manifest(), json.dumps(manifest).encode())

    def _kept(self, path: str, data: bytes, version: str) -> dict[str, Any]:
        self.lake.write(path, data)
        return {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "version": version}


def rows(n: int, seed: int = 0) -> NDArray[np.float64]:
    """(n, F) float64, vectors with a missing number in every fourth place."""
    rng = np.random.default_rng(seed)
    made = rng.random((n, len(vector.names()))) * 30
    made[rng.random(made.shape) < 0.25] = np.nan
    return made


NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


def ask(*candidates: Any, **fields: Any) -> bytes:
    """A body of /score."""
    tips = candidates or ("Call the dentist now, ten minutes.", "Rest.", "Plan the week on Sunday evening.")
    tasks = [{"id": "1", "content": "Call the dentist", "due": {"date": "2026-02-27"}, "priority": 4}]
    body = {"user": "u-1", "now": NOON.isoformat(), "tasks": tasks, "candidates": list(tips), **fields}
    return json.dumps(body).encode()
