"""Judging as a user does it: what the commands print, how they end, the way from export to page."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, fill_all
from support.commands import BEST, LAST, User, ana, ben
from support.judging import NAMES, Handed, given, preferred, score_file

from tip_serving.bench import leaderboard
from tip_serving.bench.deciding import Proposal
from tip_serving.bench.ranking.report import report
from tip_serving.lake import layout


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    made = User(tmp_path)
    fill_all(made.place, create(made.place, n_scenarios=12))
    return made


def test_from_export_to_page_with_two_judges_who_disagree_in_a_known_way(user: User) -> None:
    assert user.judge(ana).exit_code == 0
    found = user.judge(ben, judge="ben")
    assert found.exit_code == 0
    assert "judged by ana" in found.output
    assert "judged by ben" in found.output

    first, second = leaderboard.read_boards(user.place.lake, EXPERIMENT)
    assert [board.rows[0].cell.written for board in (first, second)] == [BEST, BEST]
    for row, other in zip(first.rows, second.rows, strict=True):
        assert row.cell == other.cell
        assert (row.score_mean or 0) - (other.score_mean or 0) == pytest.approx(0.5, abs=1e-9)
        assert row.score_low is not None
        assert row.score_high is not None
        assert row.score_low < (row.score_mean or 0) < row.score_high

    where = user.run("page", EXPERIMENT).output.strip()
    page = Path(where).read_text(encoding="utf-8")
    for said in ("ana", "ben", "Krippendorff", "0.50", "strict", "embedded/planner"):
        assert said in page
    assert 'src="http' not in page
    shown = page[page.index("The judges beside one another") :]
    beside = report(user.place.evidence(EXPERIMENT)).judges
    assert f"{beside.agreement[0].alpha:.2f}" in shown
    assert {one.judge: round(one.bias, 9) for one in beside.biases} == {"ana": 0.5, "ben": -0.5}

    gate = user.run("gate", EXPERIMENT, "--cell", BEST, "--baseline", LAST, "--min-gain", "1", "--judge", "ben")
    assert gate.exit_code == 0, gate.output
    promoted = user.run("promote", EXPERIMENT, "--cell", BEST, "--judge", "ana", "--note", "ship it")
    assert promoted.exit_code == 0
    proposal = Proposal.model_validate_json(Path(promoted.output.splitlines()[-1].strip()).read_bytes())
    assert (proposal.judge, proposal.note, len(proposal.differences)) == ("ana", "ship it", 3)


def test_an_export_names_its_files_and_the_way_back(user: User) -> None:
    found = user.run("export", EXPERIMENT, "--judge", "ana", "--batch-size", "20")
    lines = found.output.splitlines()
    assert [line for line in lines if line.endswith("for ana:")] == ["20 items for ana:"] * 2 + ["8 items for ana:"]
    files = [Path(line.strip()) for line in lines if line.startswith("  ")]
    assert len(files) == 6
    assert all(file.is_file() for file in files)
    assert lines[-1] == f"Scores come back with `tip bench import {EXPERIMENT} FILE`."


def test_batches_keep_their_members_and_shrink_where_they_are(user: User) -> None:
    def by_tip(items: list[Handed]) -> list[set[str]]:
        batches: dict[str, set[str]] = {}
        for item in items:
            batches.setdefault(item.row["batch"], set()).add(item.key.candidate_id)
        return list(batches.values())

    items = user.export("--batch-size", "12")
    before = by_tip(items)
    user.bring_back([ana(item) for item in items[:5] + items[12:14] + items[24:36]])
    after = by_tip(user.export("--batch-size", "12"))
    done = {item.key.candidate_id for item in items[:5] + items[12:14] + items[24:36]}
    assert after == [before[0] - done, before[1] - done, before[3]]


def test_shares_are_whole_scenarios_and_stay_whatever_is_scored(user: User) -> None:
    options = ("--share-with", "ana,ben,cleo", "--overlap", "0.25")
    shares = {judge: user.export(*options, judge=judge) for judge in ("ana", "ben", "cleo")}
    scenarios = {judge: {item.scenario_id for item in items} for judge, items in shares.items()}
    common = set.intersection(*scenarios.values())
    assert len(common) == 3
    assert len(set.union(*scenarios.values())) == 12
    assert sum(map(len, scenarios.values())) == 3 * 3 + 9
    assert {judge: len(items) for judge, items in shares.items()} == dict.fromkeys(scenarios, 24)
    user.bring_back([ana(item) for item in shares["ana"][:10]])
    left = user.export(*options)
    assert {item.key.candidate_id for item in left} == {item.key.candidate_id for item in shares["ana"][10:]}
    user.bring_back([ana(item) for item in left])
    assert (
        user.run("export", EXPERIMENT, "--judge", "ana", *options).output == f"Nothing waits for ana in {EXPERIMENT}.\n"
    )
    assert len(user.export(judge="ana")) == 24  # beyond the share


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--judge", "../x"), "cannot name a judge"),
        (("--judge", "ana", "--share-with", "ben,"), "'' cannot name a judge"),
        (("--judge", "ana", "--share-with", "ben", "--race", "2"), "a race is run by one judge"),
        (("--judge", "ana", "--pairs", "1", "--race", "2"), "a race is run by one judge"),
        (("--judge", "ana", "--anchors", "gold"), "there are: none; `tip bench anchors` makes one"),
        (("--judge", "ana", "--race", "2", "--error-rate", "1.5"), "no chance between 0 and 1"),
        (("--judge", "ana", "--overlap", "1.5"), "0<=x<=1"),
    ],
)  # fmt: skip
def test_an_export_that_makes_no_sense_is_refused_with_the_reason(
    user: User, options: tuple[str, ...], said: str
) -> None:
    found = user.run("export", EXPERIMENT, *options)
    assert (found.exit_code, said in found.output) == (2, True), found.output
    assert user.place.lake.find(layout.exports(EXPERIMENT)) == []


def test_without_tips_there_is_nothing_to_export_and_it_is_said_why(tmp_path: Path) -> None:
    user = User(tmp_path)
    create(user.place)
    for options in ((), ("--race", "3")):
        found = user.run("export", EXPERIMENT, "--judge", "ana", *options)
        assert found.exit_code == 2
        assert f"has no tips yet; `tip bench run --experiment {EXPERIMENT}`" in found.output
    assert "There is no experiment 'tip-bench-x'" in user.run("export", "tip-bench-x", "--judge", "ana").output


def test_a_faulty_file_is_refused_by_line_and_taken_in_part_where_that_is_asked_for(user: User) -> None:
    items = user.export()
    lines = [ana(items[0]), b"oops", {**ana(items[1]), "scores": {**dict.fromkeys(NAMES, 3), "tone": True}}]
    refused = user.bring_back(lines)
    assert refused.exit_code == 2
    path = user.home / "scores.jsonl"
    assert f"{path}:2: line: Invalid JSON" in refused.output
    assert f"{path}:3: scores.tone: Input should be points, not true or false" in refused.output
    assert f"Nothing of {path} was kept. Mend the lines, or keep the good ones with --partial." in refused.output
    assert not user.place.state(EXPERIMENT).is_ranked
    part = user.bring_back(lines, "--partial")
    assert part.exit_code == 0
    assert f"{path}: 1 judgements are in." in part.output
    assert "Leaderboard, judged by ana" in part.output


def test_of_a_file_full_of_faults_the_first_hundred_are_told_and_where_the_others_are(user: User) -> None:
    user.export()
    refused = user.bring_back([b"oops"] * 1_234)
    assert refused.output.count("line: Invalid JSON") == 100
    [told] = [line for line in refused.output.splitlines() if "1,134 more faults are listed in " in line]
    report = json.loads(Path(told.partition(" listed in ")[2]).read_text())
    assert [fault["line"] for fault in report["faults"]] == list(range(1, 1_235))


def test_a_byte_order_mark_is_no_fault(user: User) -> None:
    items = user.export()
    assert user.bring_back([b"\xef\xbb\xbf" + json.dumps(ana(items[0])).encode(), ana(items[1])]).exit_code == 0


def test_lines_that_were_faulty_once_are_taken_when_the_same_file_comes_again(user: User) -> None:
    lake, [item, *_], [other, *_] = user.place.lake, user.export(), user.export(judge="ben")
    lines = [ana(item), ana(other)]
    key = layout.export_key(EXPERIMENT, "ben", other.row["batch"])
    hidden = lake.read(key)
    lake.delete(key)
    assert "1 judgements are in." in user.bring_back(lines, "--partial").output
    lake.write(key, hidden)
    assert "2 judgements are in." in user.bring_back(lines, "--partial").output
    scored = user.place.evidence(EXPERIMENT).scores.drop_nulls("score")
    assert sorted(scored["judge"]) == ["ana", "ben"]


def test_several_files_of_one_judge_add_up_and_one_bad_file_spoils_no_other(user: User) -> None:
    items = user.export()
    files = []
    for name, lines in (("one", [ana(item) for item in items[:20]]), ("two", [ana(item) for item in items[20:]])):
        files.append(user.home / f"{name}.jsonl")
        files[-1].write_bytes(score_file(lines))
    bad = user.home / "bad.jsonl"
    bad.write_bytes(b"")
    found = user.run("import", EXPERIMENT, str(files[0]), str(bad), str(files[1]))
    assert found.exit_code == 2
    assert f"{bad}: the file holds no scores" in found.output
    assert leaderboard.read_boards(user.place.lake, EXPERIMENT)[0].rows[0].n_scored == 12
    again = user.run("import", EXPERIMENT, str(files[0]))
    assert (again.exit_code, f"{files[0]}: 20 judgements were in already." in again.output) == (0, True)


def test_pairs_are_told_in_the_terminal(user: User) -> None:
    found = user.judge(lambda item: preferred(item, "first" if "planner" in item.cells[0] else "tie"), "--pairs", "1")
    assert found.exit_code == 0
    assert "Pairs of tips, judged by ana" in found.output
    assert "Nothing is scored yet" not in found.output
    assert "from 96 verdicts" in found.output
    assert user.judge(ana).output.count("judged by ana") == 2


def test_anchors_are_made_of_peoples_scores_and_mixed_into_another_experiment(user: User) -> None:
    assert "no scores of zoe" in user.run("anchors", EXPERIMENT, "--name", "gold", "--judges", "zoe").output
    user.judge(ana)
    assert user.run("anchors", EXPERIMENT, "--name", "Gold!", "--judges", "ana").exit_code == 2
    made = user.run("anchors", EXPERIMENT, "--name", "gold", "--judges", "ana", "--n", "12")
    assert (made.exit_code, made.output.splitlines()[0]) == (0, "12 anchors in the set gold.")
    same = user.run("export", EXPERIMENT, "--judge", "ben", "--anchors", "gold")
    assert "no anchor among them: all of gold are in the batch" in same.output
    fill_all(user.place, create(user.place, experiment="tip-bench-next", sampling_seed=5))
    items = user.export("--anchors", "gold", judge="ben", experiment="tip-bench-next")
    assert [item.key.kind for item in items].count("anchor") == 4
    assert user.run("export", "tip-bench-next", "--judge", "ben", "--anchors", "gold", "--pairs", "1").exit_code == 2


def test_a_race_drops_what_cannot_win_and_says_when_it_is_over(tmp_path: Path) -> None:
    user = User(tmp_path)
    fill_all(user.place, create(user.place, n_scenarios=30))
    n_asked, output = 0, ""
    for _ in range(30):
        output = user.run("export", EXPERIMENT, "--judge", "ana", "--race", "5", "--error-rate", "0.1").output
        items = user.items(output)
        if not items:
            break
        n_asked += len(items)
        user.bring_back([given(item, 5 if item.cells == ("embedded/planner|v2",) else 1.5) for item in items])
    assert f"The race is over: {BEST} is the best, with an error rate of 0.1." in output
    assert output.count("dropped ") == 3
    assert n_asked < 90  # of 120
    other = user.run("export", EXPERIMENT, "--judge", "ana", "--race", "5")
    assert (other.exit_code, "begun with an error rate of 0.1" in other.output) == (2, True)


def test_a_race_that_all_is_scored_in_says_who_may_be_the_best(user: User) -> None:
    user.judge(lambda item: given(item, 3))
    found = user.run("export", EXPERIMENT, "--judge", "ana", "--race", "5")
    assert found.exit_code == 0
    assert "The race is over without a winner: all is scored" in found.output
    assert found.output.count("embedded/") == 4
