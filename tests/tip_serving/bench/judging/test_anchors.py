"""Anchors: chosen from what people scored, mixed in so that nobody can tell, kept apart from every leaderboard."""

import json
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop
from support.judging import Handed, exported, given, submit

from tip_serving.bench.judging import anchors, scores
from tip_serving.bench.judging.anchors import ANCHOR_SCORES, Anchor, AnchorError
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout

EARLIER = "tip-bench-earlier"
GOLD = Ask("ben", batch_size=8, anchor_set="gold", anchors_per_batch=3)


def _settled(place: Workshop, n: int = 6, judges: tuple[str, ...] = ("ana",)) -> list[Anchor]:
    view = scores.view(place.lake, place.candidates(EARLIER)).filter(pl.col("judge").is_in(judges))
    texts = dict(place.candidates(EARLIER).select("candidate_id", "text").iter_rows())
    return anchors.choose(view, texts, place.scenarios(EARLIER), load_rubric(), n)


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    """An experiment that ana judged, with anchors from it, and another one to mix them into."""
    made = workshop(tmp_path)
    fill_all(made, create(made, experiment=EARLIER, sampling_seed=7))
    items = exported(made, "ana", EARLIER)
    submit(made, [given(item, 1 + 4 * at / 23) for at, item in enumerate(items)], experiment=EARLIER)
    anchors.save(made.lake, "gold", _settled(made))
    fill_all(made, create(made))
    return made


def _known(items: list[Handed]) -> list[Handed]:
    return [item for item in items if item.key.kind == "anchor"]


def test_anchors_reach_from_the_worst_to_the_best_in_even_steps(place: Workshop) -> None:
    settled = [anchor.expected for anchor in _settled(place)]
    assert settled == sorted(settled)
    assert (settled[0], settled[-1]) == (pytest.approx(1), pytest.approx(5))
    assert all(0.5 < later - earlier < 1.1 for earlier, later in pairwise(settled))


def test_an_anchor_may_hold_signs_that_some_programs_take_for_line_ends(place: Workshop) -> None:
    known = [anchor.model_copy(update={"tip": f"one\u2028two\u0085{anchor.tip}"}) for anchor in _settled(place)]
    anchors.save(place.lake, "odd", known)
    assert anchors.load(place.lake, "odd") == known


def test_what_several_people_gave_is_averaged(place: Workshop) -> None:
    items = exported(place, "cleo", EARLIER)
    submit(place, [given(item, 1) for item in items], experiment=EARLIER)
    alone = {anchor.anchor_id: anchor.expected for anchor in _settled(place, 24)}
    for anchor in _settled(place, 24, ("ana", "cleo")):
        assert anchor.expected == pytest.approx((alone[anchor.anchor_id] + 1) / 2)
        assert anchor.judged_by == ("ana", "cleo")


def test_nothing_scored_is_no_anchor_set(place: Workshop) -> None:
    assert _settled(place, judges=("nobody",)) == []
    with pytest.raises(AnchorError, match="no anchor"):
        anchors.save(place.lake, "none", [])
    with pytest.raises(AnchorError, match="must be up to 63"):
        anchors.save(place.lake, "../gold", _settled(place))


def test_every_batch_has_its_anchors_and_nothing_tells_which_they_are(place: Workshop) -> None:
    batches = place.export(EXPERIMENT, GOLD)
    assert [(batch.n_items, batch.n_anchors) for batch in batches] == [(11, 3)] * 3
    items = exported(place, GOLD)
    places = [at % 11 for at, item in enumerate(items) if item.key.kind == "anchor"]
    assert len(set(places)) > 3  # neither first nor last in each batch
    assert len({frozenset(item.row) for item in items}) == 1
    assert len({len(item.row["item"]) for item in items}) == 1
    assert {frozenset(item.row["situation"]) for item in _known(items)} <= {
        frozenset(item.row["situation"]) for item in items if item.key.kind == "tip"
    } | {frozenset(anchor.situation.model_dump(exclude_defaults=True)) for anchor in _settled(place)}
    shown = "".join(place.lake.read(batch.rows_path).decode() for batch in batches)
    for secret in ("anchor", "gold", "expected", *(anchor.anchor_id for anchor in _settled(place))):
        assert secret not in shown


def test_another_batch_gets_other_anchors(place: Workshop) -> None:
    by_batch: dict[str, set[str]] = {}
    for item in _known(exported(place, GOLD)):
        by_batch.setdefault(item.row["batch"], set()).add(item.key.candidate_id)
    assert len({frozenset(ids) for ids in by_batch.values()}) > 1


def test_anchors_asked_for_later_make_a_batch_of_their_own(place: Workshop) -> None:
    [plain] = place.export(EXPERIMENT, Ask("ben"))
    [mixed] = place.export(EXPERIMENT, Ask("ben", anchor_set="gold"))
    assert plain.batch != mixed.batch
    assert mixed.n_items == len(place.lake.read(mixed.rows_path).splitlines()) == plain.n_items + 4
    assert place.export(EXPERIMENT, Ask("ben", anchor_set="gold")) == [mixed]


def test_a_tip_that_the_batch_holds_anyway_is_not_mixed_in_once_more(place: Workshop) -> None:
    [batch] = place.export(EARLIER, Ask("ben", anchor_set="gold"))
    assert (batch.n_items, batch.n_anchors) == (24, 0)
    items = exported(place, GOLD, EARLIER)
    shown = [(item.row["batch"], json.dumps([item.row["situation"], item.row["tip"]])) for item in items]
    tips = {told for item, told in zip(items, shown, strict=True) if item.key.kind == "tip"}
    assert _known(items)
    assert not {told for item, told in zip(items, shown, strict=True) if item.key.kind == "anchor"} & tips


def test_anchors_enter_no_leaderboard(place: Workshop) -> None:
    plain = exported(place, Ask("ben", batch_size=8))
    submit(place, [given(item, 3) for item in plain])
    before = place.rank(EXPERIMENT).drop("judge")
    items = exported(place, Ask("cleo", batch_size=8, anchor_set="gold"))
    submit(place, [given(item, 3 if item.key.kind == "tip" else 1) for item in items])
    after = place.rank(EXPERIMENT).filter(pl.col("judge") == "cleo").drop("judge")
    assert after.equals(before)
    view = scores.view(place.lake, place.candidates(EXPERIMENT))
    assert view.filter(pl.col("judge") == "cleo").height == 24


def test_what_a_judge_gave_an_anchor_is_kept_with_what_was_settled_batch_by_batch(place: Workshop) -> None:
    items = exported(place, GOLD)
    submit(place, [given(item, 2) for item in items])
    kept = place.evidence(EXPERIMENT).anchors
    assert (kept.height, kept["batch"].n_unique(), kept["score"].unique().to_list()) == (9, 3, [2.0])
    settled = {anchor.anchor_id: anchor.expected for anchor in _settled(place)}
    assert all(settled[row["anchor_id"]] == pytest.approx(row["expected"]) for row in kept.iter_rows(named=True))
    assert place.evidence(EARLIER).anchors.is_empty()


def test_a_later_score_of_an_anchor_replaces_the_earlier_and_a_repetition_changes_nothing(place: Workshop) -> None:
    [anchor, *_] = _known(exported(place, GOLD))
    lines = [given(anchor, 2)]
    assert [submit(place, lines).is_repeat, submit(place, lines).is_repeat] == [False, True]
    submit(place, [given(anchor, 4)])
    assert ANCHOR_SCORES.latest(place.lake, "ben", "r1")["score"].to_list() == [4.0]
    assert ANCHOR_SCORES.history(place.lake, "ben", "r1")["score"].to_list() == [2.0, 4.0]


def test_a_bad_line_about_an_anchor_is_named_like_any_other(place: Workshop) -> None:
    items = _known(exported(place, GOLD))
    lines = [
        given(items[0], 2),
        given(items[1], 2, scores={"tone": 3}),
        given(items[0], 3),
        given(items[2], 2, item="x"),
    ]
    refused = submit(place, lines)
    assert [fault.line for fault in refused.faults] == [2, 3, 4]
    assert ANCHOR_SCORES.latest(place.lake, "ben", "r1").is_empty()
    assert "anchor" not in " ".join(fault.reason for fault in refused.faults)
    assert submit(place, lines, partial=True).accepted == 1


def test_anchors_of_another_rubric_are_refused(place: Workshop) -> None:
    old = [anchor.model_copy(update={"rubric_version": "r0"}) for anchor in _settled(place)]
    anchors.save(place.lake, "old", old)
    with pytest.raises(AnchorError, match="old was settled under rubric r0, not r1"):
        place.export(EXPERIMENT, Ask("ben", anchor_set="old"))
    assert place.lake.find(layout.exports(EXPERIMENT)) == []


def test_a_set_that_is_not_there_is_answered_with_those_that_are(place: Workshop) -> None:
    with pytest.raises(AnchorError, match="no anchor set 'silver'; there are: gold"):
        place.export(EXPERIMENT, Ask("ben", anchor_set="silver"))


def test_every_line_of_a_set_that_cannot_be_read_is_named(place: Workshop) -> None:
    good, *_ = place.lake.read(layout.anchor_set("gold")).splitlines()
    without = json.dumps({**json.loads(good), "points": {}}).encode()
    place.lake.write(layout.anchor_set("torn"), b"\n".join([good, b"{", without]))
    with pytest.raises(AnchorError, match=r"line 2: .*; line 3: points"):
        anchors.load(place.lake, "torn")
