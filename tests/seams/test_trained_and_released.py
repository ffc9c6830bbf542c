"""From a logged world through training to the gate: what was trained, and the evidence that was logged, decide."""

import datetime as dt
from pathlib import Path

import pytest
from support import learning
from support.releases import QUICK, House

from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import Phase, ReleaseState, state
from tip_serving.releasing.step import Outcome
from tip_serving.training import releasable, steps
from tip_serving.training.evidence import evidence

NOW = learning.START + dt.timedelta(days=16)


def gated(house: House, n: int, pull: float) -> ReleaseState:
    """A candidate that was trained on a world of so many decisions, after the gate."""
    days = learning.write(house.lake, learning.world(3, n, n_users=120, pull=pull))
    asked = steps.Request(tuple(days), 7, NOW, "ana")
    steps.train_reward_model(house.lake, asked)
    steps.train_tip_policy(house.lake, asked)
    candidate = releasable.put_together(house.lake, NOW)
    made = propose(house.lake, candidate.candidate_id, "ana", NOW, QUICK)
    advance_all(house.lake, house.with_sources(evidence=evidence), NOW)
    return state(house.lake, made.proposal_id)


@pytest.mark.slow
def test_what_people_like_better_passes_on_evidence_it_never_saw(tmp_path: Path) -> None:
    found = gated(House(tmp_path), 8_000, 1.6)
    assert found.phase is Phase.SHADOW, found.reason
    names = {one.name: one for one in found.steps[-1].findings}
    assert {one.outcome for one in names.values()} == {Outcome.PASSED}
    gain = names["evidence"].numbers
    assert gain["low"] is not None
    assert 0 < gain["low"] < (gain["gain"] or 0)
    assert {"guardrail dismissals", "card of tip-reward-model", "card of tip-policy", "files"} <= names.keys()
    assert found.turn.arm.name == found.proposal.source_id


@pytest.mark.slow
def test_where_nobody_cares_which_tip_it_is_nothing_is_released(tmp_path: Path) -> None:
    found = gated(House(tmp_path), 4_000, 0.0)
    assert found.phase is Phase.REFUSED
    [said] = [one for one in found.steps[-1].findings if one.name == "evidence"]
    assert said.sentence.startswith(("evidence: keep, by", "evidence: not enough evidence, by"))
