"""Shares of scenarios and pairs of tips: what follows from names alone."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tip_serving.bench.judging.allocation import AllocationError, Pair, Share, Tip, pairs

IDS = [f"scenario-{number}" for number in range(100)]
JUDGES = ("ana", "ben", "cleo")


def _tips(n_cells: int, n_scenarios: int, n_tips: int = 1) -> list[Tip]:
    return [
        Tip(f"{cell}-{scenario}-{sample}", f"cell-{cell}", f"scenario-{scenario}")
        for cell in range(n_cells)
        for scenario in range(n_scenarios)
        for sample in range(n_tips)
    ]


def _cell(candidate_id: str) -> str:
    return candidate_id.partition("-")[0]


def _meetings(found: list[Pair], scenario_id: str) -> set[frozenset[str]]:
    return {frozenset({_cell(p.first_id), _cell(p.second_id)}) for p in found if p.scenario_id == scenario_id}


def _is_connected(meetings: set[frozenset[str]], n_cells: int) -> bool:
    reached = {"0"}
    for _ in range(n_cells):
        reached |= {cell for meeting in meetings if meeting & reached for cell in meeting}
    return len(reached) == n_cells


@pytest.mark.parametrize("overlap", [0.0, 0.2, 1.0])
def test_judges_share_exactly_the_overlap_and_together_have_everything(overlap: float) -> None:
    shares = [Share(JUDGES, overlap).of(judge, IDS) for judge in JUDGES]
    common = set.intersection(*shares)
    assert len(common) == round(100 * overlap)
    assert all(one & other == common for one, other in combinations(shares, 2))
    assert set.union(*shares) == set(IDS)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_share_depends_on_which_scenarios_there_are_and_not_on_their_order() -> None:
    assert Share(JUDGES, 0.2).of("ben", IDS) == Share(JUDGES, 0.2).of("ben", [*reversed(IDS), *IDS[:7]])


def test_a_share_does_not_follow_the_order_of_names() -> None:
    mine = sorted(Share(("ana", "ben"), 0.0).of("ana", sorted(IDS)), key=sorted(IDS).index)
    places = [sorted(IDS).index(name) for name in mine]
    assert len({place % 2 for place in places}) == 2  # dealt out in order it would be every second one
    assert min(places) < 30
    assert max(places) > 70


def test_all_faults_of_a_share_are_told_at_once() -> None:
    with pytest.raises(AllocationError) as caught:
        Share(("ana", "ana"), 1.5).of("eve", IDS)
    for said in ("eve is not among the judges", "named twice", "1.5 is no share"):
        assert said in str(caught.value)


def test_three_cells_in_a_ring_meet_in_both_orders() -> None:
    found = pairs(_tips(3, 1), partners=1)
    assert len(found) == len(set(found)) == 6
    assert _meetings(found, "scenario-0") == {frozenset(two) for two in combinations("012", 2)}


@given(n_cells=st.integers(2, 9), partners=st.integers(1, 10), n_scenarios=st.integers(1, 3))
def test_whatever_the_number_of_cells_a_ring_is_fair_and_holds_together(
    n_cells: int, partners: int, n_scenarios: int
) -> None:
    found = pairs(_tips(n_cells, n_scenarios), partners)
    assert len(found) == len(set(found))
    for scenario_id in {pair.scenario_id for pair in found}:
        there = [pair for pair in found if pair.scenario_id == scenario_id]
        orders = {(pair.first_id, pair.second_id) for pair in there}
        assert orders == {(second, first) for first, second in orders}
        assert len(set(Counter(_cell(pair.first_id) for pair in there).values())) == 1  # each cell equally often
        assert len({_cell(pair.first_id) for pair in there}) == n_cells
        meetings = _meetings(there, scenario_id)
        assert len(meetings) == min(n_cells * partners, n_cells * (n_cells - 1) // 2)
        assert _is_connected(meetings, n_cells)


def test_over_some_scenarios_every_cell_meets_every_other() -> None:
    found = pairs(_tips(8, 30), partners=1)
    met = {frozenset({_cell(pair.first_id), _cell(pair.second_id)}) for pair in found}
    assert len(met) == 28


def test_only_tips_for_the_same_scenario_meet_and_one_stands_for_a_cell() -> None:
    found = pairs(_tips(3, 4, n_tips=5), partners=1)
    assert len(found) == 4 * 6
    for pair in found:
        assert f"-{pair.scenario_id.split('-')[1]}-" in pair.first_id
        assert f"-{pair.scenario_id.split('-')[1]}-" in pair.second_id
    assert len({pair.first_id for pair in found}) == 12  # one of five tips of each cell and scenario
    assert sorted(found) == sorted(pairs(reversed(_tips(3, 4, n_tips=5)), partners=1))


def test_a_cell_that_is_alone_meets_nobody() -> None:
    assert pairs(_tips(1, 5), partners=3) == []
