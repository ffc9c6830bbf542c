"""A cell that a judge liked on its way to people: the board is its gate, and the guardrails watch it from there on."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.boards import Scores, board, judged, result
from support.releases import QUICK, START, House

from tip_experiments.policies import state as policy_state
from tip_experiments.policies.uniform import Uniform
from tip_serving.bench import deciding
from tip_serving.bench.deciding import Proposal as BenchProposal
from tip_serving.lake import layout
from tip_serving.lake.storage import MissingError
from tip_serving.prompts import registry
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import Phase, ReleaseState, state
from tip_serving.releasing.step import Outcome
from tip_serving.scoring.manifest import Role

NEW, OLD = "embedded/first|v3", "embedded/planner|v1"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def scores(gain: float = 1.0, n: int = 20) -> dict[str, list[float | None]]:
    rng = np.random.default_rng(6)
    hard = rng.normal(3, 0.4, n)
    levels = {NEW: gain, OLD: 0.0, "embedded/maxim|v2": -1.0}
    return {name: list(hard + more + rng.normal(0, 0.2, n)) for name, more in levels.items()}


def promoted(house: House, given: Scores, **changes: Any) -> BenchProposal:
    """The cell NEW as `tip bench promote` proposes it, with or without what its board warns of."""
    prompt = NEW.partition("|")[2]
    of_cell = result(NEW, 20).model_copy(update={"prompt_hash": registry.get(prompt).content_hash})
    made = deciding.propose(house.lake, "tip-bench-t", board(given), of_cell, "ana", "", START)
    made = made.model_copy(update={"warnings": (), **changes})
    house.lake.write(layout.proposal(made.proposal_id), made.model_dump_json().encode())
    return made


def gated(house: House, given: Scores, plan: RolloutPlan = QUICK, **changes: Any) -> ReleaseState:
    made = propose(house.lake, promoted(house, given, **changes).proposal_id, "ada", START, plan)
    advance_all(house.lake, house.with_sources(judged=lambda *_: judged(given)), START)
    return state(house.lake, made.proposal_id)


def test_a_cell_that_leads_goes_to_people_without_a_shadow_since_a_shadow_writes_nothing(house: House) -> None:
    found = gated(house, scores())
    assert [str(step.kind) for step in found.steps] == ["begun", "gate passed", "shadow passed", "approved", "stage"]
    assert found.steps[2].reason.startswith("a shadow has nothing to say")
    [lead] = [one for one in found.steps[1].findings if one.name == "lead over embedded/planner,v1"]
    assert "with 95% confidence more than +0." in lead.sentence
    champion, arm = house.manifest.arms
    assert (champion.name, arm.role, arm.weight) == ("default", Role.CHALLENGER, 0.1)
    assert (arm.model, arm.policy) == (champion.model, champion.policy)
    assert arm.prompt_policy is not None
    policy = policy_state.loads(house.lake.read(arm.prompt_policy.path).decode())
    assert policy.arms == ("embedded/first@v3",)
    assert policy.decide(None, "any").propensity == 1.0


def test_guardrails_take_a_cell_back_that_the_judge_liked_and_people_do_not(house: House) -> None:
    found = gated(house, scores(), QUICK.model_copy(update={"stages": (0.5, 1.0)}))
    arm = found.turn.arm.name
    house.live(START + dt.timedelta(hours=1), 20, 2_000, {arm: 0.05, "default": 0.5})
    advance_all(house.lake, house.sources, START + dt.timedelta(hours=50))
    found = state(house.lake, found.proposal_id)
    assert found.phase is Phase.ROLLED_BACK
    assert "reward: fail." in found.reason


@pytest.mark.parametrize(
    ("gain", "n", "sentence"),
    [
        (-0.5, 20, "lead over embedded/planner,v1: Refused: embedded/first,v3 against embedded/planner,v1"),
        (0.0, 20, "asked for is more than +0"),
        (2.0, 8, "they share 8 scored scenarios and 10 are needed"),
    ],
)
def test_a_cell_without_a_certain_lead_over_what_writes_now_is_refused(
    house: House, gain: float, n: int, sentence: str
) -> None:
    found = gated(house, scores(gain, n))
    assert found.phase is Phase.REFUSED
    assert sentence in found.reason
    assert not house.lake.exists(layout.released_manifest())


def test_the_warnings_of_the_board_refuse_it_unless_they_were_accepted(house: House) -> None:
    warned = {"warnings": ("judged by rules only, not by people",)}
    found = gated(house, scores(), **warned)
    assert found.phase is Phase.REFUSED
    assert "warnings: the board of ana warns: judged by rules only, not by people" in found.reason
    later = START + dt.timedelta(days=1)
    made = propose(
        house.lake, found.proposal.source_id, "ada", later, QUICK.model_copy(update={"accepts_warnings": True})
    )
    advance_all(house.lake, house.with_sources(judged=lambda *_: judged(scores())), later)
    assert state(house.lake, made.proposal_id).phase is Phase.ROLLOUT


def test_a_cell_that_was_not_benched_beside_what_writes_now_is_refused(house: House) -> None:
    without = {name: values for name, values in scores().items() if name != OLD}
    found = gated(house, without)
    assert found.phase is Phase.REFUSED
    assert "embedded/planner,v1 is not among the cells" in found.reason
    assert "Bench it together with what is in service: embedded/planner,v1" in found.reason


def test_it_has_to_lead_over_every_cell_that_the_released_policy_may_choose(house: House) -> None:
    policy = Uniform.over(["embedded/planner@v1", "v2"])
    arm = {**house.shelf.arm("live", 1), "prompt_policy": house.shelf.policy(policy)}
    house.shelf.publish("by-hand", arm)
    given = {**scores(), "embedded/planner|v2": [value + 3 for value in scores()[OLD] if value is not None]}
    found = gated(house, given)
    outcomes = {one.name: one.outcome for one in found.steps[-1].findings if one.name.startswith("lead")}
    assert outcomes == {
        "lead over embedded/planner,v1": Outcome.PASSED, "lead over embedded/planner,v2": Outcome.FAILED
    }  # fmt: skip


def test_a_prompt_that_is_another_than_was_judged_is_refused(house: House) -> None:
    found = gated(house, scores(), prompt_hash="feedfacefeedface")
    assert "prompt: v3 was judged as feedfacefeedface, here it is" in found.reason


def test_what_writes_already_is_refused(house: House) -> None:
    policy = Uniform.over(["embedded/first@v3"])
    house.shelf.publish("by-hand", {**house.shelf.arm("live", 1), "prompt_policy": house.shelf.policy(policy)})
    assert "lead: embedded/first,v3 is in service already, alone" in gated(house, scores()).reason


def test_a_bench_proposal_that_is_gone_is_told(house: House) -> None:
    made = propose(house.lake, promoted(house, scores()).proposal_id, "ada", START, QUICK)
    house.lake.delete(layout.proposal(made.source_id))
    advance_all(house.lake, house.sources, START)
    assert (
        "proposal: what the bench proposed cannot be read: Nothing lies" in state(house.lake, made.proposal_id).reason
    )
    with pytest.raises(MissingError):
        house.lake.read(layout.released_manifest())
