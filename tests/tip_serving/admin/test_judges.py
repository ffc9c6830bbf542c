"""Judging one item at a time: resumed, undone, by two people at once, and on the leaderboard in the end."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.admin import ANA, BEN, JO, VERA, Clock, filled, opened, ranked, signed_in
from support.bench import EXPERIMENT, create
from support.judging import NAMES

from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.errors import ConflictError, FaultsError, ForbiddenError, NotFoundError
from tip_serving.admin.service.judging import Turn
from tip_serving.admin.service.scores import MANY, SETTLES_S
from tip_serving.admin.service.users import User
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.verdicts import VERDICTS
from tip_serving.lake import layout

GOOD = dict.fromkeys(NAMES, 4)


def _item(turn: Turn) -> str:
    assert turn.item is not None
    return turn.item.item


def _scores(admin: Admin, user: User) -> pl.DataFrame:
    return SCORES.latest(admin.bench.workshop.lake, user.name, "r1")


def _judge_all(admin: Admin, user: User, points: dict[str, int] = GOOD) -> int:
    turn, n = admin.judging.turn(user, EXPERIMENT), 0
    while turn.item is not None:
        turn, n = admin.judging.judge(user, EXPERIMENT, turn.item.item, scores=points), n + 1
    return n


def test_every_tip_is_shown_once_whole_scenarios_first(admin: Admin) -> None:
    filled(admin)
    turn = admin.judging.turn(BEN, EXPERIMENT)
    assert (turn.n_done, turn.n_total, turn.can_undo, turn.rubric_version) == (0, 24, False, "r1")
    assert tuple(one.name for one in turn.criteria) == NAMES
    assert all(len(one.anchors) == 5 for one in turn.criteria)
    shown = []
    while turn.item is not None:
        shown.append(turn.item)
        turn = admin.judging.judge(BEN, EXPERIMENT, turn.item.item, scores=GOOD)
        assert turn.n_done == len(shown)
    assert len({item.item for item in shown}) == 24
    assert sorted(item.tip or "" for item in shown) == sorted(admin.bench.workshop.candidates(EXPERIMENT)["text"])
    assert (turn.n_done, turn.n_total) == (24, 24)
    assert _scores(admin, BEN).height == 24


def test_the_next_item_stays_until_it_is_judged_or_passed_over(admin: Admin) -> None:
    filled(admin)
    first = admin.judging.turn(BEN, EXPERIMENT)
    assert admin.judging.turn(BEN, EXPERIMENT) == first
    later = admin.judging.pass_over(BEN, EXPERIMENT, _item(first))
    assert later.n_done == 0
    assert _item(later) != _item(first)
    assert _judge_all(admin, BEN) == 24, "what was passed over comes again"


def test_a_judge_who_comes_back_goes_on_where_they_left(admin: Admin, tmp_path: Path, clock: Clock) -> None:
    filled(admin)
    seen = set()
    for _ in range(7):
        turn = admin.judging.turn(BEN, EXPERIMENT)
        assert turn.item is not None
        seen.add(turn.item.tip)
        admin.judging.judge(BEN, EXPERIMENT, turn.item.item, scores=GOOD)
    assert _scores(admin, BEN).is_empty(), "they wait where they can be taken back"
    restarted = opened_again(tmp_path, clock)
    turn = restarted.judging.turn(BEN, EXPERIMENT)
    assert (turn.n_done, turn.n_total) == (7, 24)
    assert _scores(restarted, BEN).height == 7, "none is lost, although the first process never put them in"
    assert _judge_all(restarted, BEN) == 17
    restarted.close()


def opened_again(home: Path, clock: Clock) -> Admin:
    """Another process on the same home, as after a crash."""
    first = Admin.open(opened(home / "unused").settings.model_copy(update={"tip_home": home}), clock)
    assert {account.name for account in first.accounts.listed().items} >= {"ana", "ben"}
    return first


def test_undo_takes_back_what_waits_and_shows_the_item_again(admin: Admin) -> None:
    filled(admin)
    first = admin.judging.turn(BEN, EXPERIMENT)
    second = admin.judging.judge(BEN, EXPERIMENT, _item(first), scores=GOOD)
    assert second.can_undo
    back = admin.judging.undo(BEN, EXPERIMENT)
    assert (_item(back), back.n_done, back.can_undo) == (_item(first), 0, False)
    assert admin.scores.settle(EXPERIMENT, BEN.name) == 0
    with pytest.raises(ConflictError, match="nothing to undo"):
        admin.judging.undo(BEN, EXPERIMENT)
    again = admin.judging.judge(BEN, EXPERIMENT, _item(first), scores=dict.fromkeys(NAMES, 1))
    assert _item(again) == _item(second)
    admin.scores.settle(EXPERIMENT, BEN.name)
    assert _scores(admin, BEN)["score"].to_list() == [1.0]


def test_undone_after_it_went_in_the_next_word_replaces_the_first(admin: Admin) -> None:
    filled(admin)
    first = admin.judging.turn(BEN, EXPERIMENT)
    admin.judging.judge(BEN, EXPERIMENT, _item(first), scores=GOOD)
    assert admin.scores.settle(EXPERIMENT, BEN.name) == 1
    back = admin.judging.undo(BEN, EXPERIMENT)
    assert _item(back) == _item(first)
    admin.judging.judge(BEN, EXPERIMENT, _item(back), scores=dict.fromkeys(NAMES, 2))
    admin.scores.settle(EXPERIMENT, BEN.name)
    assert _scores(admin, BEN)["score"].to_list() == [2.0]


def test_two_people_judge_the_same_tips_and_neither_disturbs_the_other(admin: Admin) -> None:
    filled(admin)
    ben, jo = admin.judging.turn(BEN, EXPERIMENT), admin.judging.turn(JO, EXPERIMENT)
    assert _item(ben) != _item(jo), "items carry names of their own for each judge"
    with pytest.raises(FaultsError, match="not taken"):
        admin.judging.judge(JO, EXPERIMENT, _item(ben), scores=GOOD)
    turns = {BEN: ben, JO: jo}
    points = {BEN: GOOD, JO: dict.fromkeys(NAMES, 2)}
    while any(turn.item for turn in turns.values()):
        for user, turn in turns.items():
            turns[user] = admin.judging.judge(user, EXPERIMENT, _item(turn), scores=points[user])
    for user in (BEN, JO):
        assert _scores(admin, user)["score"].to_list() == [float(points[user][NAMES[0]])] * 24


def test_one_person_in_two_windows_judges_an_item_twice_and_the_later_word_stands(admin: Admin) -> None:
    filled(admin)
    item = _item(admin.judging.turn(BEN, EXPERIMENT))
    one = admin.judging.judge(BEN, EXPERIMENT, item, scores=GOOD)
    other = admin.judging.judge(BEN, EXPERIMENT, item, scores=dict.fromkeys(NAMES, 3))
    assert (one.n_done, other.n_done, _item(one)) == (1, 1, _item(other))
    admin.scores.settle(EXPERIMENT, BEN.name)
    assert _scores(admin, BEN)["score"].to_list() == [3.0]


def test_pairs_are_judged_in_both_orders(admin: Admin) -> None:
    filled(admin, n_scenarios=3)
    turn, n = admin.judging.turn(BEN, EXPERIMENT, "pair"), 0
    assert turn.n_total == 24  # three scenarios, four pairs in a ring of four cells, in both orders
    while turn.item is not None:
        assert (turn.item.tip, bool(turn.item.first), bool(turn.item.second)) == (None, True, True)
        turn, n = admin.judging.judge(BEN, EXPERIMENT, turn.item.item, preferred="first", kind="pair"), n + 1
    assert n == 24
    verdicts = VERDICTS.latest(admin.bench.workshop.lake, BEN.name, "r1")
    pairs = set(verdicts.select("first_id", "second_id").iter_rows())
    assert pairs == {(second, first) for first, second in pairs}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"scores": dict.fromkeys(NAMES, 9)}, "less than or equal to 5"),
        ({"scores": {NAMES[0]: 3}}, "no points for"),
        ({"scores": {**GOOD, "beauty": 3}}, "beauty is not in rubric"),
        ({}, "no points for"),
        ({"preferred": "first"}, "takes `scores` only"),
        ({"scores": GOOD, "comment": "x" * 2_001}, "at most 2000"),
    ],
)
def test_a_judgement_that_does_not_fit_its_item_is_refused(admin: Admin, said: dict[str, Any], told: str) -> None:
    filled(admin, n_scenarios=1)
    turn = admin.judging.turn(BEN, EXPERIMENT)
    with pytest.raises(FaultsError) as found:
        admin.judging.judge(BEN, EXPERIMENT, _item(turn), **said)
    assert told in " ".join(fault.message for fault in found.value.faults)
    assert admin.judging.turn(BEN, EXPERIMENT) == turn


def test_what_cannot_be_judged_says_why(admin: Admin) -> None:
    create(admin.bench.workshop)
    with pytest.raises(ConflictError, match="no tips yet"):
        admin.judging.turn(BEN, EXPERIMENT)
    with pytest.raises(NotFoundError):
        admin.judging.turn(BEN, "tip-bench-none")
    with pytest.raises(ForbiddenError):
        admin.judging.turn(VERA, EXPERIMENT)
    assert admin.judging.experiments(BEN).items == []


def test_judgements_go_in_after_a_pause_or_when_many_wait(admin: Admin, clock: Clock) -> None:
    filled(admin, n_scenarios=10)
    admin.judging.judge(BEN, EXPERIMENT, _item(admin.judging.turn(BEN, EXPERIMENT)), scores=GOOD)
    admin.scores.settle_due(clock.now + SETTLES_S - 1)
    assert _scores(admin, BEN).is_empty()
    admin.scores.settle_due(clock.now + SETTLES_S)
    assert _scores(admin, BEN).height == 1
    for _ in range(MANY):
        admin.judging.judge(BEN, EXPERIMENT, _item(admin.judging.turn(BEN, EXPERIMENT)), scores=GOOD)
    admin.scores.settle_due(clock.now)
    assert _scores(admin, BEN).height == 1 + MANY
    parts = admin.bench.workshop.lake.find(layout.append_only(layout.SCORES, BEN.name, "r1"))
    assert len(parts) == 2, "one file a settling, not one a judgement"
    told = [(entry.user, entry.detail["n_accepted"]) for entry in admin.audit.entries(ANA, "score").items]
    assert told == [("ben", MANY), ("ben", 1)]


def test_ones_scores_change_the_leaderboard_without_the_graph(admin: Admin, clock: Clock) -> None:
    ranked(admin)
    browser = signed_in(admin, ANA)
    where = f"/api/bench/leaderboard/{EXPERIMENT}"
    assert [board["judge"] for board in browser.get(where).json()] == ["automatic-rules"]
    for _ in range(10):
        admin.judging.judge(BEN, EXPERIMENT, _item(admin.judging.turn(BEN, EXPERIMENT)), scores=GOOD)
    admin.scores.settle_due(clock.now + SETTLES_S)
    boards = {board["judge"]: board for board in browser.get(where).json()}
    assert set(boards) == {"ben", "automatic-rules"}
    assert sum(row["n_scored"] for row in boards["ben"]["rows"]) == 10
    assert admin.bench.state(EXPERIMENT).step is None, "the sensor finds nothing to do"


def test_scores_before_the_rules_judged_leave_that_to_be_done(admin: Admin, clock: Clock) -> None:
    filled(admin)
    admin.judging.judge(BEN, EXPERIMENT, _item(admin.judging.turn(BEN, EXPERIMENT)), scores=GOOD)
    admin.scores.settle_due(clock.now + SETTLES_S)
    told = {board.judge for board in admin.bench.leaderboard(ANA, EXPERIMENT)}
    assert told == {"ben", "automatic-rules"}


def test_an_admin_exports_for_any_judge_and_a_judge_for_themselves(admin: Admin) -> None:
    filled(admin)
    where = f"/api/bench/export/{EXPERIMENT}"
    judge, boss = signed_in(admin, BEN), signed_in(admin, ANA)
    own = judge.get(where)
    assert {json.loads(line)["judge"] for line in own.text.splitlines()} == {"ben"}
    assert boss.get(where, params={"judge": "ben"}).content == own.content, "the same batch, byte for byte"
    assert judge.get(where, headers={"If-None-Match": own.headers["etag"]}).status_code == 304
    assert judge.get(where, params={"judge": "jo"}).status_code == 403
    assert boss.get(where, params={"judge": "no such name!"}).status_code == 422
    told = judge.get(f"/api/bench/instructions/{EXPERIMENT}").json()
    assert (told["n_items"], told["instructions"].startswith("# Score 24 tips")) == (24, True)
    small = judge.get(where, params={"size": 5})
    assert len(small.text.splitlines()) == 5


def test_a_judge_hands_in_files_of_their_own_work(admin: Admin) -> None:
    filled(admin)
    judge, other = signed_in(admin, BEN), signed_in(admin, JO)
    rows = [json.loads(line) for line in judge.get(f"/api/bench/export/{EXPERIMENT}").text.splitlines()]
    lines = [{name: row[name] for name in ("item", "judge", "rubric_version")} | {"scores": GOOD} for row in rows]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    where = f"/api/bench/scores/{EXPERIMENT}"
    assert other.post(where, content=body).status_code == 403
    assert judge.post(where, content=body).json()["n_accepted"] == 24
    assert signed_in(admin, ANA).post(where, content=body).json()["is_repeat"] is True
    assert judge.get(f"/api/bench/export/{EXPERIMENT}").content == b""
    assert judge.get(f"/api/bench/instructions/{EXPERIMENT}").json()["batch"] is None
    assert [entry.action for entry in admin.audit.entries(ANA, "score").items] == ["score"]


def test_what_waits_in_the_drawer_counts_as_judged_in_an_export(admin: Admin) -> None:
    filled(admin)
    admin.judging.judge(BEN, EXPERIMENT, _item(admin.judging.turn(BEN, EXPERIMENT)), scores=GOOD)
    exported = signed_in(admin, BEN).get(f"/api/bench/export/{EXPERIMENT}").text.splitlines()
    assert len(exported) == 23


def test_a_judge_is_not_told_of_model_and_prompt_by_a_lake_that_is_damaged(admin: Admin) -> None:
    filled(admin)
    lake = admin.bench.workshop.lake
    for entry in lake.find(layout.cells(EXPERIMENT)):
        lake.write(entry.path, lake.read(entry.path)[:-20])
    for path in (f"/api/judge/{EXPERIMENT}", f"/api/bench/export/{EXPERIMENT}"):
        blind, told = signed_in(admin, BEN).get(path), signed_in(admin, ANA).get(path)
        assert (blind.status_code, told.status_code) == (503, 503)
        assert not [word for word in ("embedded", "v1", "v2", "bench/") if word in blind.text], blind.text
        assert "embedded" in told.json()["detail"]
        assert told.json()["detail"] != blind.json()["detail"], "an admin is told what is damaged"
