"""A release from its proposal to the champion, and back: through gate, shadow and stages, decided by what people do."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.releases import QUICK, START, House

from tip_serving.lake import layout
from tip_serving.releasing.advancing import advance, advance_all, watched
from tip_serving.releasing.journal import read_journal
from tip_serving.releasing.people import approve, rollback
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.ports import RegistryError
from tip_serving.releasing.proposal import ProposalError
from tip_serving.releasing.proposing import propose, withdraw
from tip_serving.releasing.serving import NOTHING_RELEASED
from tip_serving.releasing.state import Phase, ReleaseState, proposals, state
from tip_serving.releasing.step import Outcome, StepKind
from tip_serving.scoring.manifest import Role
from tip_serving.training.candidate import REWARD_MODEL, TIP_POLICY
from tip_serving.training.cards.keeping import read_card

WIDE = QUICK.model_copy(update={"stages": (0.5, 1.0)})


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def later(hours: float) -> dt.datetime:
    return START + dt.timedelta(hours=hours)


def kinds(found: ReleaseState) -> list[str]:
    return [str(step.kind) if step.share is None else f"{step.kind} {step.share:.0%}" for step in found.steps]


def shown(house: House, plan: RolloutPlan = WIDE, start: float = 0.0) -> ReleaseState:
    """A candidate at its first stage, thirty hours after `start`."""
    made = propose(house.lake, house.candidate().candidate_id, "ada", later(start), plan)
    advance_all(house.lake, house.sources, later(start))
    house.live(later(start + 0.1), 26, 400)
    advance_all(house.lake, house.sources, later(start + 30))
    found = state(house.lake, made.proposal_id)
    assert found.phase is Phase.ROLLOUT, found.reason
    return found


def finished(house: House) -> ReleaseState:
    """A candidate that is the champion at hour 110."""
    found = shown(house)
    for hours in (30, 70):
        house.live(later(hours + 0.1), 10, 3_000, n_users=800)
        found = after(house, found, hours + 40)
    assert found.phase is Phase.FINISHED, advance(house.lake, found.proposal_id, house.sources, later(110)).words
    return found


def after(house: House, found: ReleaseState, hours: float = 60) -> ReleaseState:
    advance_all(house.lake, house.sources, later(hours))
    return state(house.lake, found.proposal_id)


def test_a_good_candidate_goes_from_gate_to_champion_by_itself(house: House) -> None:
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, QUICK)
    now = START
    for _ in range(8):
        advance_all(house.lake, house.sources, now)
        found = state(house.lake, made.proposal_id)
        if not found.is_open:
            break
        house.live(now + dt.timedelta(hours=0.1), 26, 3_000, {found.turn.arm.name: 0.55})
        now += dt.timedelta(hours=30)
    assert kinds(found) == [
        "begun", "gate passed", "shadow passed", "approved", "stage 10%", "stage 50%", "stage 100%", "finished"
    ]  # fmt: skip
    assert house.manifest.version == f"{made.proposal_id}-8"
    assert [(arm.name, arm.role, arm.weight) for arm in house.manifest.arms] == [
        (found.turn.arm.name, Role.CHAMPION, 1.0)
    ]
    assert house.registry.aliases[REWARD_MODEL, "champion"] == "reward-1"
    history = read_card(house.lake, TIP_POLICY, house.candidate().cards[TIP_POLICY]).history
    assert [entry.event for entry in history] == [
        "registered", "release begun", "release gate passed", "release shadow passed", "release approved",
        "release stage 10%", "release stage 50%", "release stage 100%", "release finished",
    ]  # fmt: skip
    kept = house.registry.artifacts[REWARD_MODEL, "reward-1", "card.json"]
    assert b"release finished" in kept


def test_who_has_the_arm_keeps_it_while_it_grows(house: House) -> None:
    found = shown(house, QUICK)
    seeds = [house.manifest.seed]
    house.live(later(31), 26, 5_000)
    assert after(house, found).share == 0.5
    seeds.append(house.manifest.seed)
    assert seeds == [found.proposal_id] * 2
    assert [arm.name for arm in house.manifest.arms] == ["default", found.turn.arm.name]


@pytest.mark.parametrize(
    ("reason", "rates", "changes"),
    [
        ("reward: fail. Worse by at least", {"arm": 0.02}, {}),
        ("dismissed: fail. Worse by at least", {}, {"dismissals": {"arm": 0.7}}),
        ("errors: fail. Worse by at least", {}, {"errors": {"arm": 0.5}}),
        ("slow: fail. Worse by at least", {}, {"slow": {"arm": 0.6}}),
    ],
)
def test_harm_rolls_it_back_with_the_reason(
    house: House, reason: str, rates: Mapping[str, float], changes: Mapping[str, Any]
) -> None:
    found = shown(house)
    arm = found.turn.arm.name
    of_arm = {name: {arm: values["arm"]} for name, values in changes.items()}
    house.live(later(30.1), 28, 2_000, {arm: rates.get("arm", 0.4), "default": 0.4}, **of_arm)
    found = after(house, found)
    assert found.phase is Phase.ROLLED_BACK
    assert reason in found.reason
    assert house.manifest.arms == (NOTHING_RELEASED.champion,)
    last = read_card(house.lake, REWARD_MODEL, "reward-1").history[-1]
    assert (last.event, last.detail) == ("release rolled back", found.reason)


def test_an_arm_that_only_fails_is_taken_back_after_a_few_people_and_within_the_hour(house: House) -> None:
    found = shown(house)
    arm = found.turn.arm.name
    house.live(later(30.1), 0.5, 80, errors={arm: 1.0})
    found = after(house, found, 30.7)
    assert found.phase is Phase.ROLLED_BACK
    assert "errors: fail" in found.reason


def test_users_that_were_dealt_wrongly_end_it(house: House) -> None:
    found = shown(house)
    served = house.manifest
    champion, arm = served.arms
    house.shelf.publish(
        served.version, champion.model_copy(update={"weight": 0.8}).model_dump(mode="json"),
        arm.model_copy(update={"weight": 0.2}).model_dump(mode="json"), seed=served.seed,
    )  # fmt: skip
    house.live(later(30.1), 20, 900, n_users=400)
    found = after(house, found)
    assert found.phase is Phase.ROLLED_BACK
    assert "sample ratio: fail." in found.reason


def test_a_stage_ends_only_after_its_hours_and_its_decisions(house: House) -> None:
    found = shown(house, QUICK)
    house.live(later(30.1), 1, 6_000)
    assert after(house, found, 31.5).share == 0.1
    seen = watched(house.lake, found.proposal_id, house.sources, later(31.5))
    assert seen.progress is not None
    assert seen.progress.n_decisions >= 300
    assert seen.progress.hours == 1.5
    assert after(house, found, 33).share == 0.5
    assert after(house, found, 80).share == 0.5, "no decision, no step"


def test_before_everybody_harm_must_be_ruled_out_and_a_person_is_asked_after_long(house: House) -> None:
    plan = WIDE.model_copy(update={"patience_hours": 48, "auto_approve": True})
    found = shown(house, plan.model_copy(update={"guardrails": plan.guardrails.model_copy(update={"dismissed": 0.01})}))
    house.live(later(30.1), 10, 3_000, n_users=800)
    found = after(house, found, 70)
    assert (found.share, found.is_asking) == (0.5, False)
    waits = advance(house.lake, found.proposal_id, house.sources, later(70)).words
    assert waits.startswith("harm is not ruled out yet: dismissed: not yet.")
    found = after(house, found, 79)
    assert kinds(found)[-1] == "patience"
    assert found.is_asking
    assert kinds(after(house, found, 90)) == kinds(found), "it asks once"
    approve(house.lake, found.proposal_id, "eve", later(91), "nobody dismisses tips here")
    found = after(house, found, 92)
    assert kinds(found)[-2:] == ["approved", "stage 100%"]


def test_without_the_plans_word_a_person_gives_it(house: House) -> None:
    plan = QUICK.model_copy(update={"auto_approve": False})
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, plan)
    with pytest.raises(ProposalError, match="is not waiting for a person: it is queued"):
        approve(house.lake, made.proposal_id, "eve", START)
    advance_all(house.lake, house.sources, START)
    house.live(later(0.1), 20, 400)
    advance_all(house.lake, house.sources, later(30))
    found = state(house.lake, made.proposal_id)
    assert found.phase is Phase.APPROVAL
    assert found.next == f"a person: tip release approve {made.proposal_id}"
    approve(house.lake, made.proposal_id, "eve", later(31), "looks fine")
    found = after(house, found, 31)
    assert found.steps[-2].by == "eve"
    assert found.steps[-2].reason == "approved by eve: looks fine"
    assert found.share == 0.1


def test_a_second_proposal_waits_and_says_so_and_begins_when_the_first_is_over(house: House) -> None:
    first = shown(house)
    second = propose(house.lake, house.candidate(2).candidate_id, "bob", later(31), QUICK)
    said = advance(house.lake, second.proposal_id, house.sources, later(31))
    assert said.step is None
    assert said.words == f"waits for {first.proposal_id}: one release at a time"
    rollback(house.lake, first.proposal_id, "eve", later(32), "changed my mind")
    advance_all(house.lake, house.sources, later(33))
    found = state(house.lake, second.proposal_id)
    assert found.phase is Phase.SHADOW
    assert found.turn.base.champion == NOTHING_RELEASED.champion


def test_of_those_who_wait_only_the_newest_of_a_source_stays(house: House) -> None:
    shown(house)
    second = propose(house.lake, house.candidate(2).candidate_id, "bob", later(31), QUICK)
    third = propose(house.lake, house.candidate(3).candidate_id, "bob", later(32), QUICK)
    assert state(house.lake, second.proposal_id).phase is Phase.SUPERSEDED
    assert state(house.lake, second.proposal_id).reason.startswith(f"{third.proposal_id} was proposed")
    assert state(house.lake, third.proposal_id).phase is Phase.QUEUED


def test_what_is_proposed_is_not_proposed_twice_but_the_same_again_is_the_same(house: House) -> None:
    made = house.candidate()
    one = propose(house.lake, made.candidate_id, "ada", START, QUICK)
    assert propose(house.lake, made.candidate_id, "ada", START, QUICK) == one
    with pytest.raises(ProposalError, match=f"is proposed already, as {one.proposal_id}"):
        propose(house.lake, made.candidate_id, "bob", later(1), QUICK)
    with pytest.raises(ProposalError, match="Nothing of the id 'nothing' can be proposed"):
        propose(house.lake, "nothing", "bob", later(1), QUICK)


def test_a_proposal_is_taken_back_before_anybody_has_it_and_rolled_back_after(house: House) -> None:
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, QUICK)
    advance_all(house.lake, house.sources, START)
    with pytest.raises(ProposalError, match="cannot be rolled back: it is shadow, withdraw it instead"):
        rollback(house.lake, made.proposal_id, "ada", later(1), "no")
    withdraw(house.lake, made.proposal_id, "ada", later(1), "found a better one")
    assert house.manifest.arms == (NOTHING_RELEASED.champion,), "no shadow any more"
    found = shown(house, start=2)
    with pytest.raises(ProposalError, match="is rollout: roll it back"):
        withdraw(house.lake, found.proposal_id, "ada", later(33))


def test_a_finished_release_goes_back_until_another_ones_turn_has_come(house: House) -> None:
    found = finished(house)
    rollback(house.lake, found.proposal_id, "eve", later(115), "complaints")
    found = state(house.lake, found.proposal_id)
    assert found.reason == "rolled back by eve: complaints"
    assert house.registry.aliases[REWARD_MODEL, "champion"] == "reward-1"
    advance_all(house.lake, house.sources, later(115))
    assert (REWARD_MODEL, "champion") not in house.registry.aliases, "the defaults are registered nowhere"
    assert house.manifest.arms == (NOTHING_RELEASED.champion,)
    second = propose(house.lake, house.candidate(2).candidate_id, "bob", later(116), QUICK)
    advance_all(house.lake, house.sources, later(116))
    with pytest.raises(ProposalError, match="nobody has it"):
        rollback(house.lake, found.proposal_id, "eve", later(117), "again")
    assert state(house.lake, second.proposal_id).phase is Phase.SHADOW


def test_after_another_ones_turn_only_the_last_can_go_back(house: House) -> None:
    first = finished(house)
    second = propose(house.lake, house.candidate(2).candidate_id, "bob", later(116), QUICK)
    advance_all(house.lake, house.sources, later(116))
    with pytest.raises(ProposalError, match=f"{second.proposal_id} came after it"):
        rollback(house.lake, first.proposal_id, "eve", later(117), "too late")
    assert state(house.lake, second.proposal_id).turn.base.champion.name == first.turn.arm.name


def test_a_champion_whose_place_was_taken_has_nobody_until_the_newer_one_is_rolled_back(house: House) -> None:
    first = finished(house)
    second = propose(house.lake, house.candidate(2).candidate_id, "bob", later(116), QUICK)
    journal = read_journal(house.lake)
    ended = journal.steps[-1].model_copy(update={"number": len(journal.steps) + 1, "proposal_id": second.proposal_id})
    taken = journal.with_step(ended)
    old, new = proposals(house.lake, taken)
    assert (old.replaced_by, old.share, new.replaced_by, new.share) == (second.proposal_id, 0.0, None, 1.0)
    assert second.proposal_id in old.next
    back = taken.with_step(ended.model_copy(update={"number": ended.number + 1, "kind": StepKind.ROLLED_BACK}))
    old, new = proposals(house.lake, back)
    assert (old.proposal_id, old.replaced_by, old.share, new.share) == (first.proposal_id, None, 1.0, 0.0)


def test_a_registry_out_of_reach_holds_nothing_up_and_is_told_later(house: House) -> None:
    house.registry.fault = RegistryError("no answer")
    found = shown(house)
    said = advance(house.lake, found.proposal_id, house.sources, later(30))
    assert any("challenger of tip-reward-model: no answer" in one for one in said.untold)
    rollback(house.lake, found.proposal_id, "eve", later(31), "no")
    advance_all(house.lake, house.sources, later(32))  # the card is up to date, the registry still out of reach
    house.registry.fault = None
    advance_all(house.lake, house.sources, later(33))
    noted = house.registry.noted[REWARD_MODEL, "reward-1"]["tip.release"]
    assert noted == f"{found.proposal_id}: rolled back, step 6"
    assert b"release rolled back" in house.registry.artifacts[REWARD_MODEL, "reward-1", "card.json"]


def test_without_latencies_nothing_is_held_up_by_them(house: House) -> None:
    found = shown(house)
    house.live(later(30.1), 10, 3_000, n_users=800, latency=None)
    found = after(house, found, 70)
    assert found.share == 1.0
    [slow] = [one for one in found.steps[-1].findings if one.name == "slow"]
    assert slow.outcome is Outcome.NOT_MEASURED


def test_a_manifest_that_somebody_else_wrote_is_written_anew(house: House) -> None:
    found = shown(house)
    house.lake.write(layout.released_manifest(), b"{}")
    advance_all(house.lake, house.sources, later(30.2))
    assert house.manifest.version == f"{found.proposal_id}-{found.steps[-1].number}"
