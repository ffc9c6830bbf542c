"""What the gate refuses, each with its sentence; and that it says all of it at once."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import logged
from support.exposures import exposure
from support.releases import QUICK, START, House, Known, card, evidence, green

from tip_experiments.gate import Contender
from tip_serving.lake import layout
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.journal import append, read_journal
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.ports import NoChecks, Sources
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import Phase, ReleaseState, state
from tip_serving.releasing.step import Outcome, StepKind
from tip_serving.training.candidate import REWARD_MODEL
from tip_serving.training.cards.keeping import write_card
from tip_serving.training.evidence import EvidenceError

WORSE = np.array([[0.1, 0.1, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1]])
NEVER_LOGGED = np.array([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def judged(house: House, sources: Sources | None = None, plan: RolloutPlan = QUICK, **changes: Any) -> ReleaseState:
    """What the gate said of a candidate."""
    made = propose(house.lake, house.candidate(**changes).candidate_id, "ada", START, plan)
    advance_all(house.lake, sources or house.sources, START)
    return state(house.lake, made.proposal_id)


def refused(found: ReleaseState) -> str:
    assert found.phase is Phase.REFUSED
    return found.reason


def test_what_has_earned_it_passes_and_answers_in_the_shadow(house: House) -> None:
    found = judged(house)
    assert found.phase is Phase.SHADOW
    assert {one.outcome for one in found.steps[-1].findings} == {Outcome.PASSED}
    assert {"files", "contract", "card of tip-reward-model", "card of tip-policy", "checks", "gain"} <= {
        one.name for one in found.steps[-1].findings
    }
    assert [(arm.name, arm.role, arm.weight) for arm in house.manifest.arms] == [
        ("default", "champion", 1.0), (found.turn.arm.name, "shadow", 1.0)
    ]  # fmt: skip


def test_a_worse_model_is_refused_with_the_bound_of_its_loss(house: House) -> None:
    found = judged(house, house.with_sources(evidence=lambda *_: evidence(house.rng, WORSE)))
    reason = refused(found)
    assert "evidence: keep, by 3,000 decisions since 2026-02-23 08:00" in reason
    assert "gain: Challenger minus champion is -0." in reason
    assert "(the lower has to lie above 0)" in reason
    assert not house.lake.exists(layout.released_manifest()), "nobody was to see any of it"


def test_a_lucky_small_sample_is_not_enough(house: House) -> None:
    def lucky(*_: object) -> Any:
        for seed in range(99):
            found = evidence(np.random.default_rng(seed), logged.BETTER, 120)
            shown = logged.BETTER[0][found.actions] > 0.3
            if found.rewards[shown].mean() > found.rewards[~shown].mean() + 0.3:
                return found
        raise AssertionError("no luck")

    reason = refused(judged(house, house.with_sources(evidence=lucky)))
    assert "evidence: not enough evidence, by 120 decisions" in reason
    assert "effective" in reason


def test_a_policy_that_the_log_cannot_speak_of_is_refused_by_its_weights(house: House) -> None:
    def unsupported(*_: object) -> Any:
        found = evidence(house.rng, NEVER_LOGGED)
        kept = np.isin(found.actions, [1, 2])
        logging = np.where(np.isin(np.arange(4), [1, 2]), found.probabilities[kept], 0.0)
        logging /= logging.sum(axis=1, keepdims=True)
        actions = found.actions[kept]
        return replace(
            found, rewards=found.rewards[kept], actions=actions, users=found.users[kept], probabilities=logging,
            propensities=logging[np.arange(actions.size), actions], champion=Contender("champion", logging),
            challenger=Contender("challenger", np.asarray(found.challenger.target)[kept]),
        )  # fmt: skip

    found = judged(house, house.with_sources(evidence=unsupported))
    reason = refused(found)
    assert "evidence: not enough evidence" in reason
    [support] = [one for one in found.steps[-1].findings if one.name == "support of challenger"]
    assert support.outcome is Outcome.UNDETERMINED
    assert support.sentence in reason
    assert "100.0%" in support.sentence


def test_a_model_trained_on_another_contract_is_refused(house: House) -> None:
    reason = refused(judged(house, contract_hash="feedfacefeedface"))
    assert "contract: it was trained on feature contract feedfacefeedface, this build has" in reason
    assert reason.endswith("Materialize reward_model again")


def test_a_missing_and_an_incomplete_card_are_told_apart(house: House) -> None:
    write_card(house.lake, card(REWARD_MODEL, "reward-1", limits=()))
    made = house.candidate()
    house.lake.delete(layout.card("tip-policy", made.cards["tip-policy"], "json"))
    found = propose(house.lake, made.candidate_id, "ada", START, QUICK)
    advance_all(house.lake, house.sources, START)
    reason = refused(state(house.lake, found.proposal_id))
    assert "card of tip-reward-model: version reward-1 lacks limits" in reason
    assert "card of tip-policy: Nothing lies at" in reason


def test_a_part_that_names_no_card_is_refused(house: House) -> None:
    reason = refused(judged(house, cards={REWARD_MODEL: "reward-1"}))
    assert "card of tip-policy: there is none; a version without a card cannot be released" in reason


def test_a_file_that_is_another_than_was_trained_is_refused(house: House) -> None:
    made = house.candidate()
    assert made.model is not None
    house.lake.write(made.model.path, b"another")
    found = propose(house.lake, made.candidate_id, "ada", START, QUICK)
    advance_all(house.lake, house.sources, START)
    reason = refused(state(house.lake, found.proposal_id))
    assert reason.startswith("files: ")
    assert "has the hash" in reason
    assert "evidence: not read, since the files do not load" in reason


@pytest.mark.parametrize(
    ("checks", "sentence"),
    [
        (NoChecks(), "checks: no check of the assets behind it has ever run"),
        (
            Known([green(), green("training_set", "no_leak", is_green=False, words="3 features from the future")]),
            "checks: 1 of 2 are red: training_set.no_leak (3 features from the future)",
        ),
    ],
)
def test_checks_that_are_red_or_never_ran_refuse_it(house: House, checks: Any, sentence: str) -> None:
    assert sentence in refused(judged(house, house.with_sources(checks=checks)))


def test_a_warning_is_told_and_does_not_refuse(house: House) -> None:
    warned = green("exposures", "volume", is_green=False, is_blocking=False)
    found = judged(house, house.with_sources(checks=Known([green(), warned])))
    assert found.phase is Phase.SHADOW
    assert any("of warnings exposures.volume" in one.sentence for one in found.steps[-1].findings)


def test_a_log_whose_arms_hold_other_users_than_were_dealt_is_refused(house: House) -> None:
    earlier = judged(house, seed=1)
    name = earlier.proposal_id
    for kind, fields in ((StepKind.SHADOW_PASSED, {}), (StepKind.APPROVED, {}), (StepKind.STAGE, {"share": 0.5})):
        append(
            house.lake, read_journal(house.lake), proposal_id=name, kind=kind, at=START, by="test", reason="", **fields
        )
    version = f"{name}-{len(read_journal(house.lake).steps)}"
    arms = ["default"] * 260 + [earlier.turn.arm.name] * 140
    house.store.keep([
        exposure(event_id=f"e{n}", decision_id=f"d{n}", user=f"u{n}", arm=arm, manifest_version=version,
                 at=START + dt.timedelta(minutes=n))
        for n, arm in enumerate(arms)
    ])  # fmt: skip
    append(
        house.lake, read_journal(house.lake), proposal_id=name, kind=StepKind.ROLLED_BACK, at=START, by="t", reason=""
    )
    later = START + dt.timedelta(days=1)
    made = propose(house.lake, house.candidate(2).candidate_id, "ada", later, QUICK)
    advance_all(house.lake, house.sources, later)
    reason = refused(state(house.lake, made.proposal_id))
    assert f"sample ratio of the log: under manifest {version} default 260 users for 50%" in reason
    assert "140 users for 50%. Mismatch: chance gives" in reason


def test_evidence_that_cannot_be_read_is_no_evidence(house: House) -> None:
    def none(*_: object) -> Any:
        raise EvidenceError("No decision of 2026-03-01 can be read as evidence.")

    assert "evidence: cannot be read: No decision of" in refused(judged(house, house.with_sources(evidence=none)))


def test_all_that_speaks_against_it_is_said_at_once(house: House) -> None:
    bad = house.with_sources(checks=NoChecks(), evidence=lambda *_: evidence(house.rng, WORSE))
    found = judged(house, bad, contract_hash="feedfacefeedface", cards={})
    against = {one.name for one in found.steps[-1].findings if one.outcome is not Outcome.PASSED}
    assert {"contract", "card of tip-reward-model", "card of tip-policy", "checks", "evidence", "gain"} <= against


def test_what_is_served_already_is_refused(house: House) -> None:
    made = house.candidate()
    house.shelf.publish("by-hand", made.arm("champion", 1.0).model_dump(mode="json"))  # type: ignore[arg-type]
    found = propose(house.lake, made.candidate_id, "ada", START, QUICK)
    advance_all(house.lake, house.sources, START)
    assert refused(state(house.lake, found.proposal_id)) == f"novelty: {made.candidate_id} is what is served already"


def test_asking_again_asks_for_more(house: House) -> None:
    seen = []

    def watching(*_: object) -> Any:
        found = evidence(np.random.default_rng(1), WORSE)
        seen.append(found)
        return found

    sources = house.with_sources(evidence=watching)
    sentences = []
    for attempt in range(3):
        now = START + dt.timedelta(days=attempt)
        made = propose(house.lake, house.candidate().candidate_id, "ada", now, QUICK)
        advance_all(house.lake, sources, now)
        sentences.append(state(house.lake, made.proposal_id).reason.split(" | ")[0])
    assert "attempt" not in sentences[0]
    assert sentences[1].endswith("attempt 2, so 97.5% is asked for")
    assert sentences[2].endswith("attempt 3, so 98.8% is asked for")
    assert len(seen) == 3
