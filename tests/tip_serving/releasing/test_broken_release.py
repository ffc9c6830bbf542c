"""A challenger that breaks among people is taken back by `advance` alone: real server, real processes, nobody's hand.

Each passes the gate and the shadow, since what breaks it does not occur there: many candidates, long task lists, taste.
"""

import datetime as dt
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from support.released import softmax
from support.releases import House, card
from support.serving import Serving, serving

from tip_experiments.policies.beta_thompson import BetaThompson
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.roster import Prior
from tip_serving.events.importing import import_files
from tip_serving.features import contract, vector
from tip_serving.lake import layout
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.plan import Guardrails, RolloutPlan
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.serving import NOTHING_RELEASED
from tip_serving.releasing.state import Phase, ReleaseState, state
from tip_serving.scoring import ranking
from tip_serving.scoring.manifest import ModelArtifact, PolicyArtifact
from tip_serving.scoring.reward_model import stamp
from tip_serving.training.candidate import REWARD_MODEL, TIP_POLICY, Candidate, candidate_id, write_candidate
from tip_serving.training.cards.keeping import write_card

SOON = RolloutPlan(
    stages=(0.5, 1.0), min_decisions_per_stage=100_000, min_hours_per_stage=0, shadow_min_decisions=30,
    shadow_min_hours=0, auto_approve=True,
    guardrails=Guardrails(
        reward=0.1, early_reward=0.1, dismissed=0.1, errors=0.05, slow=0.1, early_hours=1.5 / 3600, slow_score_ms=150.0
    ),
)  # fmt: skip
LIMIT_S = 120.0


@dataclass
class People:
    """They ask the server, see the first tip, and take it where they like it."""

    server: Serving
    rng: np.random.Generator
    n_tips: int = 2
    n_tasks: int = 1

    def live(self, n: int) -> None:
        """Ask `n` times."""
        for _ in range(n):
            self._ask(f"user-{self.rng.integers(150)}")

    def _ask(self, user: str) -> None:
        now = dt.datetime.now(dt.UTC).isoformat()
        others = self.rng.permutation(98)[: self.n_tips - 2]  # another order, so another question to the policy
        candidates = [{"id": "liked", "text": "Call the dentist."}, {"id": "loathed", "text": "Smile."}]
        candidates += [{"id": f"other-{n}", "text": f"Rest for {n} minutes."} for n in others]
        tasks = [{"id": str(n), "content": f"Task {n}"} for n in range(self.n_tasks)]
        body = {"user": user, "now": now, "tasks": tasks, "candidates": candidates}
        answer = self.server.post("/score", json.dumps(body).encode())
        assert answer.status == 200, answer.body
        found = answer.json
        tip = found["order"][0]
        if self.rng.random() < (0.05 if tip == "loathed" else 0.8):
            told = {"user": user, "decision_id": found["decision_id"], "tip_id": tip, "reaction": "accepted"}
            assert self.server.post("/feedback", json.dumps(told).encode()).status == 200


def _proposed(house: House, policy: Policy, model: ModelArtifact | None, plan: RolloutPlan = SOON) -> str:
    """A candidate of these parts, proposed."""
    made = PolicyArtifact.model_validate(house.shelf.policy(policy))
    parts = {TIP_POLICY: made.version} | ({} if model is None else {REWARD_MODEL: model.version})
    for name, version in parts.items():
        write_card(house.lake, card(name, version))
    window = house.candidate().data
    now = dt.datetime.now(dt.UTC)
    candidate = write_candidate(
        house.lake,
        Candidate(
            candidate_id=candidate_id(model, made, None), created_at=now, model=model, policy=made, prompt_policy=None,
            example=None, cards=parts, contract_hash=contract.contract_hash(), data=window, untouched_since=now,
            registered={},
        ),
    )  # fmt: skip
    return propose(house.lake, candidate.candidate_id, "ada", now, plan).proposal_id


def _breaking_model(house: House) -> ModelArtifact:
    """One tree that knows no answer where there are more than fifteen tasks."""
    names = vector.names()
    column = names.index("context_n_tasks")
    rows = np.random.default_rng(0).random((400, len(names))) * 30
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 2, "min_data_in_leaf": 5,
                "deterministic": True}  # fmt: skip
    wanted = lightgbm.Dataset(rows, (rows[:, column] > 15).astype(float), feature_name=list(names))
    text = lightgbm.train(settings, wanted, 1).model_to_string()
    text = re.sub(r"tree_sizes=.*\n", "", text)  # they would not fit any more
    data = stamp(re.sub(r"leaf_value=(\S+) (\S+)", r"leaf_value=\1 nan", text), contract.contract_hash(), None)
    kept = house.shelf._kept(layout.reward_model("reward", "breaking"), data, "breaking")
    return ModelArtifact.model_validate({**kept, "contract_hash": contract.contract_hash()})


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()


def _rolled_out(house: House, proposal: str, **among_people: int) -> ReleaseState:
    """Let people live until the release is over; what breaks it comes when they have it."""
    rng, ends = np.random.default_rng(3), time.monotonic() + LIMIT_S
    house_files = Path(str(house.lake.directory)).parent
    with serving(house_files, TIP_MANIFEST_POLL_S="0.1", TIP_WAL_ROTATE_S="0.3") as server:
        people = People(server, rng)
        while time.monotonic() < ends:
            for _ in import_files(house.store, house_files / "wal"):
                pass
            advance_all(house.lake, house.sources, dt.datetime.now(dt.UTC))
            found = state(house.lake, proposal)
            if not found.is_open:
                break
            if found.phase is Phase.ROLLOUT:
                people = replace(people, **among_people)
            people.live(15)
        served = _served(people)
    assert found.phase is Phase.ROLLED_BACK, found.reason
    assert house.manifest.arms == (NOTHING_RELEASED.champion,)
    assert served == house.manifest.version
    return found


def _seconds_to_order(policy: Policy, tips: list[str]) -> float:
    started = time.perf_counter()
    ranking.order(policy, tuple(map(str, tips)), [0.5] * len(tips), None, "any")
    return time.perf_counter() - started


def _served(people: People) -> Any:
    """The version of the manifest that the server answers by, once it has looked."""
    time.sleep(0.5)
    body = {"user": "u", "tasks": [], "candidates": ["Rest."], "now": "2026-03-02T12:00:00+00:00"}
    return people.server.post("/score", json.dumps(body).encode()).json["manifest_version"]


@pytest.mark.slow
def test_a_slow_challenger_is_taken_back(house: House) -> None:
    rng = np.random.default_rng(0)
    tips = ["liked", "loathed", *(f"other-{n}" for n in range(98))]
    known = {tip: Prior(float(rng.uniform(0.2, 0.8)), float(rng.uniform(5, 90))) for tip in tips}
    policy = BetaThompson.over(tips, priors=known)  # integrates over each tip's own belief, a tenth of a second for all
    slow_ms = 1e3 * min(_seconds_to_order(policy, list(rng.permutation(tips))) for _ in range(5))
    rails = SOON.guardrails.model_copy(update={"slow_score_ms": slow_ms / 2})  # a fast machine is slow sooner
    plan = SOON.model_copy(update={"guardrails": rails})
    found = _rolled_out(house, _proposed(house, policy, None, plan), n_tips=100)
    assert "slow: fail. Worse by at least" in found.reason


@pytest.mark.slow
def test_a_challenger_that_errs_is_taken_back_and_everybody_got_a_tip(house: House) -> None:
    model = _breaking_model(house)
    found = _rolled_out(house, _proposed(house, softmax("breaking"), model), n_tasks=25)
    assert "errors: fail. Worse by at least" in found.reason


@pytest.mark.slow
def test_a_challenger_that_shows_what_nobody_wants_is_taken_back(house: House) -> None:
    priors = {"liked": Prior(0.05, 400.0), "loathed": Prior(0.95, 400.0)}
    found = _rolled_out(house, _proposed(house, BetaThompson.over(["liked", "loathed"], priors=priors), None))
    assert "early reward: fail. Worse by at least" in found.reason
