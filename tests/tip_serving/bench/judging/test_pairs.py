"""Pairs of tips from export to verdict: blind, in both orders, only what is not judged yet."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop
from support.judging import Handed, Row, exported, given, preferred, submit

from tip_serving.bench.judging import export, verdicts
from tip_serving.bench.judging.anchors import AnchorError
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.judging.verdicts import VERDICTS
from tip_serving.bench.workshop import Workshop

PAIRS = Ask("ana", partners=1)


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    fill_all(made, create(made))
    return made


def _latest(place: Workshop, judge: str = "ana") -> pl.DataFrame:
    return VERDICTS.latest(place.lake, judge, load_rubric().version)


def test_each_pair_is_asked_in_both_orders_about_one_scenario(place: Workshop) -> None:
    items = exported(place, PAIRS)
    assert len(items) == 6 * 4 * 2  # six scenarios, a ring of four cells
    orders = {(item.key.candidate_id, item.key.other_id) for item in items}
    assert len(orders) == len(items)
    assert orders == {(second, first) for first, second in orders}
    texts = dict(place.candidates(EXPERIMENT).select("candidate_id", "text").iter_rows())
    for item in items:
        assert item.row["first"] == texts[item.key.candidate_id]
        assert item.row["second"] == texts[item.key.other_id or ""]
        assert item.cells[0] != item.cells[1]


def test_a_pair_tells_neither_model_nor_prompt_nor_which_candidates_it_is_made_of(place: Workshop) -> None:
    [batch] = place.export(EXPERIMENT, PAIRS)
    rows = place.lake.read(batch.rows_path)
    candidates = place.candidates(EXPERIMENT)
    shown = rows.decode() + place.lake.read(batch.instructions_path).decode()
    for secret in ("embedded/", "planner", *candidates["candidate_id"], *candidates["prompt_hash"].unique()):
        assert secret not in shown
    fields = {"item", "judge", "batch", "rubric_version", "situation", "first", "second"}
    assert all(set(json.loads(line)) == fields for line in rows.decode().splitlines())
    assert export.leaks(rows, candidates) == []


def test_the_two_orders_of_a_pair_do_not_stand_together(place: Workshop) -> None:
    asked = [frozenset((item.key.candidate_id, item.key.other_id)) for item in exported(place, PAIRS)]
    n_neighbours = sum(one == next_one for one, next_one in pairwise(asked))
    assert n_neighbours < len(asked) / 8


def test_instructions_for_pairs_name_every_answer_that_is_taken(place: Workshop) -> None:
    [batch] = place.export(EXPERIMENT, PAIRS)
    text = place.lake.read(batch.instructions_path).decode()
    example = json.loads(text.split("```json\n")[1].split("\n```")[0])
    assert example["preferred"] in verdicts.OUTCOMES
    assert all(f"`{word}`" in text for word in verdicts.OUTCOMES)
    assert "scores" not in example


def test_only_what_is_not_judged_is_asked_again(place: Workshop) -> None:
    items = exported(place, PAIRS)
    submit(place, [preferred(item, "first") for item in items[:10]])
    left = exported(place, PAIRS)
    asked = {(item.key.candidate_id, item.key.other_id) for item in items[10:]}
    assert {(item.key.candidate_id, item.key.other_id) for item in left} == asked
    submit(place, [preferred(item, "second") for item in left])
    assert exported(place, PAIRS) == []
    assert len(exported(place, Ask("ben", partners=1))) == len(items)


def test_a_verdict_is_kept_as_the_order_in_which_it_was_asked(place: Workshop) -> None:
    items = exported(place, PAIRS)[:3]
    submit(place, [preferred(item, word) for item, word in zip(items, ("first", "tie", "second"), strict=True)])
    told = {row["first_id"]: (row["second_id"], row["outcome"]) for row in _latest(place).iter_rows(named=True)}
    for item, outcome in zip(items, (1.0, 0.5, 0.0), strict=True):
        assert told[item.key.candidate_id] == (item.key.other_id, outcome)


BAD: dict[str, tuple[Callable[[Handed], Row | bytes], str]] = {
    "broken": (lambda _: b"{", "line: Invalid JSON"),
    "no preference": (lambda item: preferred(item, "first", preferred=None), "preferred: None is none of first"),
    "another word": (lambda item: preferred(item, "left"), "preferred: 'left' is none of first, tie, second"),
    "points": (lambda item: given(item, 3, preferred="first"), "takes `preferred` only"),
    "unknown item": (lambda item: preferred(item, "first", item="0" * 16), "was not exported for judge 'ana'"),
    "another judge": (lambda item: preferred(item, "first", judge="eve"), "nothing was ever exported for judge 'eve'"),
    "wrong rubric": (lambda item: preferred(item, "first", rubric_version="r0"), "exported under rubric r1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(BAD))
def test_a_bad_line_is_named_and_costs_the_file_unless_a_part_is_asked_for(place: Workshop, kind: str) -> None:
    make, said = BAD[kind]
    items = exported(place, PAIRS)
    lines = [preferred(items[0], "first"), make(items[1]), preferred(items[2], "tie")]
    whole = submit(place, lines)
    assert [(fault.line, said in fault.reason) for fault in whole.faults] == [(2, True)], whole.faults
    assert not whole.is_taken
    assert _latest(place).is_empty()
    part = submit(place, lines, partial=True)
    assert (part.is_taken, part.accepted, _latest(place).height) == (True, 2, 2)


def test_points_for_a_tip_and_a_preference_may_stand_in_one_file_but_not_in_each_others_place(place: Workshop) -> None:
    [pair, *_], [tip, other, *_] = exported(place, PAIRS), exported(place, "ana")
    refused = submit(place, [preferred(tip, "first"), given(pair, 3)])
    assert [fault.line for fault in refused.faults] == [1, 2]
    assert "takes `scores` only" in refused.faults[0].reason
    assert submit(place, [given(tip, 3), preferred(pair, "tie"), given(other, 2)]).accepted == 3
    assert _latest(place).height == 1


def test_the_same_file_twice_changes_nothing_and_a_later_one_replaces_with_history(place: Workshop) -> None:
    items = exported(place, PAIRS)
    lines = [preferred(item, "first") for item in items]
    assert [submit(place, lines).is_repeat, submit(place, lines).is_repeat] == [False, True]
    before = _latest(place)
    submit(place, [preferred(items[0], "second")])
    changed = _latest(place).filter(pl.col("outcome") == 0.0)
    assert changed["first_id"].to_list() == [items[0].key.candidate_id]
    assert _latest(place).height == before.height
    assert VERDICTS.history(place.lake, "ana", "r1").height == before.height + 1


def test_one_judge_in_two_files_and_two_judges_in_one(place: Workshop) -> None:
    ana, ben = exported(place, PAIRS), exported(place, Ask("ben", partners=1))
    submit(place, [preferred(ana[0], "first"), preferred(ben[0], "second")])
    submit(place, [preferred(ana[1], "tie")])
    assert sorted(_latest(place)["outcome"]) == [0.5, 1.0]
    assert _latest(place, "ben")["outcome"].to_list() == [0.0]


def test_verdicts_stay_with_candidates_across_experiments(place: Workshop) -> None:
    submit(place, [preferred(item, "first") for item in exported(place, PAIRS)])
    fill_all(place, create(place, experiment="tip-bench-larger", n_scenarios=8))
    assert len(exported(place, PAIRS, "tip-bench-larger")) == 2 * 4 * 2  # the two new scenarios
    assert verdicts.view(place.lake, place.candidates("tip-bench-larger")).height == 48


def test_a_verdict_appears_once_with_the_cells_of_both_sides(place: Workshop) -> None:
    items = exported(place, PAIRS)
    submit(place, [preferred(item, "first") for item in items])
    table = verdicts.view(place.lake, place.candidates(EXPERIMENT))
    assert table.height == len(items)
    cells = {(item.key.candidate_id, item.key.other_id): (*item.cells, item.scenario_id) for item in items}
    for row in table.iter_rows(named=True):
        sides = (f"{row[f'{side}_model']}|{row[f'{side}_prompt']}" for side in ("first", "second"))
        assert cells[row["first_id"], row["second_id"]] == (*sides, row["scenario_id"])


def test_anchors_cannot_be_mixed_into_pairs(place: Workshop) -> None:
    with pytest.raises(AnchorError, match="cannot be mixed into pairs"):
        place.export(EXPERIMENT, Ask("ana", partners=1, anchor_set="gold"))
