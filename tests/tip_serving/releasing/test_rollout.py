"""A release from its proposal to the champion, and back: through gate, shadow and stages, decided by what people do."""

import datetime as dt
from pathlib import Path

import pytest
from support.releases import QUICK, START, House

from tip_serving.lake import layout
from tip_serving.releasing.advancing import advance, advance_all
from tip_serving.releasing.people import approve, rollback
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import Phase, state
from tip_serving.releasing.step import StepKind
from tip_serving.scoring.manifest import Role


def hours(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


def kinds(house: House, proposal: str) -> list[str]:
    return [str(step.kind) for step in state(house.lake, proposal).steps]


def test_a_good_candidate_goes_from_gate_to_champion_by_itself(tmp_path: Path) -> None:
    house, now = House(tmp_path), START
    made = propose(house.lake, house.candidate().candidate_id, "ada", now, QUICK)
    for _ in range(20):
        advance_all(house.lake, house.sources, now)
        found = state(house.lake, made.proposal_id)
        if not found.is_open:
            break
        rates = {found.turn.arm.name: 0.55}
        house.live(now + hours(0.1), 26, 4_000, rates)
        now += hours(30)
    assert found.phase is Phase.FINISHED, found.steps[-1]
    assert kinds(house, made.proposal_id) == [
        "begun", "gate passed", "shadow passed", "approved", "stage", "stage", "stage", "finished"
    ]  # fmt: skip
