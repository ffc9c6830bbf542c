"""Everything that is known of an experiment: a board for each judge, and what is read back is what was found out."""

from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop
from support.judging import exported, given, preferred, submit

from tip_serving.bench import leaderboard
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.page.content import Verdict
from tip_serving.bench.page.render import render
from tip_serving.bench.ranking.report import report
from tip_serving.bench.workshop import Workshop


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    fill_all(made, create(made, n_scenarios=12))
    return made


def test_nobody_has_judged_is_one_board_without_a_judge(place: Workshop) -> None:
    page = report(place.evidence(EXPERIMENT))
    assert [(board.judge, board.kind) for board in page.boards] == [(None, "")]
    assert {row.verdict for row in page.boards[0].rows} == {Verdict.UNSCORED}
    assert EXPERIMENT in render(page)


def test_people_come_first_and_judges_are_never_mixed(place: Workshop) -> None:
    place.judge_automatically(EXPERIMENT)
    place.import_scores(EXPERIMENT)
    for judge, score in (("zoe", 2.0), ("llm:openai/x", 5.0), ("ana", 4.0)):
        submit(place, [given(item, score) for item in exported(place, judge)])
    boards = report(place.evidence(EXPERIMENT)).boards
    assert [board.judge for board in boards] == ["ana", "zoe", "automatic-rules", "llm:openai/x"]
    assert [board.kind for board in boards] == [
        "person or agent", "person or agent", "rules, no model and no person", "language model",
    ]  # fmt: skip
    means = {board.judge: {row.score_mean for row in board.rows} for board in boards}
    assert (means["ana"], means["zoe"], means["llm:openai/x"]) == ({4.0}, {2.0}, {5.0})


def test_who_judged_pairs_only_has_a_board_with_ratings(place: Workshop) -> None:
    items = exported(place, Ask("ana", partners=2))
    submit(place, [preferred(item, "first" if "planner" in item.cells[0] else "second") for item in items])
    [board] = report(place.evidence(EXPERIMENT)).boards
    assert {row.verdict for row in board.rows} == {Verdict.UNSCORED}
    assert board.pairwise is not None
    assert {one.cell.model for one in board.pairwise.ratings[:2]} == {"embedded/planner"}
    assert board.pairwise.n_verdicts == len(items)


def test_points_and_pairs_of_a_judge_stand_on_one_board(place: Workshop) -> None:
    submit(place, [given(item, 3) for item in exported(place, "ana")])
    submit(place, [preferred(item, "tie") for item in exported(place, Ask("ana", partners=1))])
    [board] = report(place.evidence(EXPERIMENT)).boards
    assert board.rows[0].score_mean == 3.0
    assert board.pairwise is not None
    assert board.pairwise.tie_share == 1.0


def test_boards_are_read_back_as_they_were_written(place: Workshop) -> None:
    items = exported(place, "ana")
    submit(place, [given(item, 2 + 2 * ("planner" in item.cells[0]) + 0.5 * (at % 2)) for at, item in enumerate(items)])
    table = place.rank(EXPERIMENT)
    page = report(place.evidence(EXPERIMENT))
    assert leaderboard.read_boards(place.lake, EXPERIMENT) == page.boards
    assert leaderboard.read(place.lake, EXPERIMENT).equals(table)
    assert table["place"].to_list() == [row.place for row in page.boards[0].rows]


def test_ranking_twice_finds_the_same(place: Workshop) -> None:
    items = exported(place, "ana")
    submit(place, [given(item, 2 + 3 * (at % 7) / 6) for at, item in enumerate(items)])
    assert place.rank(EXPERIMENT).equals(place.rank(EXPERIMENT))
