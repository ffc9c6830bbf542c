"""Reading results and acting on them as a user does: leaderboard, tips, gate, promote, import-results."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.bench import EXPERIMENT, create, fill, fill_all
from support.commands import BEST, LAST, User, ana, ben

from tip_serving.bench import leaderboard
from tip_serving.bench.identity import Cell

CELLS = [Cell(model, prompt) for model in ("embedded/first", "embedded/planner") for prompt in ("v1", "v2")]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    made = User(tmp_path)
    fill_all(made.place, create(made.place, n_scenarios=12))
    return made


def test_the_leaderboard_comes_as_table_markdown_csv_and_json(user: User) -> None:
    refused = user.run("leaderboard", EXPERIMENT)
    assert (refused.exit_code, "has no leaderboard yet" in refused.output) == (2, True)
    user.judge(ana)
    user.judge(ben, judge="ben")
    table = user.run("leaderboard", EXPERIMENT).output
    assert table.index("judged by ana") < table.index("judged by ben")
    assert "●" in table
    assert "judged by ben" not in user.run("leaderboard", EXPERIMENT, "--judge", "ana").output
    assert user.run("leaderboard", EXPERIMENT, "--judge", "eve").exit_code == 2
    rows = list(csv.DictReader(io.StringIO(user.run("leaderboard", EXPERIMENT, "--format", "csv").stdout)))
    boards = leaderboard.read_boards(user.place.lake, EXPERIMENT)
    assert [(row["judge"], row["model"], row["prompt"], float(row["score_mean"])) for row in rows] == [
        (board.judge, row.model, row.prompt, row.score_mean) for board in boards for row in board.rows
    ]
    told = json.loads(user.run("leaderboard", EXPERIMENT, "--format", "json").output)
    assert [board["judge"] for board in told] == ["ana", "ben"]
    assert told == [board.model_dump(mode="json") for board in boards]
    markdown = user.run("leaderboard", EXPERIMENT, "--format", "markdown").output
    assert markdown.count("| # | Ranks |") == 2


def test_a_failed_cell_is_listed_with_its_reason(tmp_path: Path) -> None:
    user = User(tmp_path)
    asked = create(user.place, n_scenarios=12)
    for cell in CELLS:
        fill(user.place, asked, cell, n_missing=12 if cell == CELLS[0] else 0)
    found = user.judge(ana)
    assert "failed" in found.output
    markdown = user.run("leaderboard", EXPERIMENT, "--format", "markdown").output
    [line] = [line for line in markdown.splitlines() if "embedded/first | v1" in line]
    assert "failed; not asked" in line


def test_tips_come_as_a_table_with_every_judge(user: User) -> None:
    user.judge(ana)
    rows = list(csv.DictReader(io.StringIO(user.run("tips", EXPERIMENT).stdout)))
    assert len(rows) == 48
    assert all(1 <= float(row["ana, rubric r1"]) <= 5 and row["text"] for row in rows)
    scenario = rows[0]["scenario_id"]
    some = list(
        csv.DictReader(io.StringIO(user.run("tips", EXPERIMENT, "--cell", BEST, "--scenario", scenario).stdout))
    )
    assert [(row["model"], row["prompt"], row["scenario_id"]) for row in some] == [("embedded/planner", "v2", scenario)]
    unknown = user.run("tips", EXPERIMENT, "--cell", "x,v1")
    assert (unknown.exit_code, f"x,v1 is not in {EXPERIMENT}; there are {LAST}" in unknown.output) == (2, True)
    assert user.run("tips", EXPERIMENT, "--scenario", "x").exit_code == 2


def test_no_spreadsheet_takes_a_tip_for_a_formula(user: User, tmp_path: Path) -> None:
    results = tmp_path / "raw.jsonl"
    results.write_text('{"model": "m", "prompt": "p", "scenario": "s", "score": 1, "text": "=HYPERLINK(1)"}\n')
    assert user.run("import-results", str(results), "--experiment", "tip-bench-raw").exit_code == 0
    [row] = csv.DictReader(io.StringIO(user.run("tips", "tip-bench-raw").stdout))
    assert row["text"] == "'=HYPERLINK(1)"


def test_the_gate_ends_with_the_answer(user: User) -> None:
    user.judge(ana)
    passed = user.run("gate", EXPERIMENT, "--cell", BEST, "--baseline", LAST)
    refused = user.run("gate", EXPERIMENT, "--cell", LAST, "--baseline", BEST)
    dear = user.run("gate", EXPERIMENT, "--cell", BEST, "--baseline", LAST, "--min-gain", "3")
    assert [found.exit_code for found in (passed, refused, dear)] == [0, 1, 1]
    assert passed.output.startswith(f"Passed: {BEST} against {LAST}, judged by ana: +1.")
    assert "asked for is more than +3" in dear.output
    unknown = user.run("gate", EXPERIMENT, "--cell", "x,v1", "--baseline", LAST)
    assert (unknown.exit_code, "x,v1 is not among the cells" in unknown.output) == (2, True)
    assert "write MODEL,PROMPT" in user.run("gate", EXPERIMENT, "--cell", "x", "--baseline", LAST).output


def test_the_gate_has_not_enough_evidence_or_asks_for_the_judge(user: User) -> None:
    items = user.export()
    few = {item.scenario_id for item in items[:6]}
    user.bring_back([ana(item) for item in items if item.scenario_id in few])
    found = user.run("gate", EXPERIMENT, "--cell", BEST, "--baseline", LAST)
    assert (found.exit_code, found.output.startswith("Not enough evidence")) == (1, True), found.output
    user.judge(ben, judge="ben")
    unclear = user.run("gate", EXPERIMENT, "--cell", BEST, "--baseline", LAST)
    assert (unclear.exit_code, "--judge: there are scores by ana, ben" in unclear.output) == (2, True)
    assert user.run("gate", EXPERIMENT, "--cell", BEST, "--baseline", LAST, "--judge", "ben").exit_code == 0


def test_a_proposal_says_what_speaks_against_it(user: User) -> None:
    user.judge(ana)
    found = user.run("promote", EXPERIMENT, "--cell", LAST)
    assert found.exit_code == 0
    assert "mind: it is number 4, not the first" in found.output
    assert "mind: by this judge it is not the best" in found.output
    assert user.run("promote", EXPERIMENT, "--cell", "x,v1").exit_code == 2


def test_foreign_results_go_through_the_same_commands(tmp_path: Path) -> None:
    user = User(tmp_path)
    file = tmp_path / "foreign.csv"
    rng = np.random.default_rng(2)
    rows = [
        f"{model},p,{at},{mean + rng.normal(0, 2):.3f}" for model, mean in (("a", 70), ("b", 60)) for at in range(20)
    ]
    file.write_text("\n".join(["model,prompt,scenario,score", *rows, "c,p,1"]) + "\n")
    refused = user.run("import-results", str(file), "--experiment", "tip-bench-foreign")
    assert refused.exit_code == 2
    assert f"{file}:42: has 3 fields, the header has 4\nNothing was imported." in refused.output
    taken = user.run("import-results", str(file), "--experiment", "tip-bench-foreign", "--partial")
    assert taken.exit_code == 0
    assert f"{file}:42: has 3 fields" in taken.output
    assert "40 results of 2 cells on 20 scenarios are in." in taken.output
    again = user.run("import-results", str(file), "--experiment", "tip-bench-foreign", "--partial")
    assert "scenarios were in already." in again.output
    gate = user.run("gate", "tip-bench-foreign", "--cell", "a,p", "--baseline", "b,p", "--min-gain", "5")
    assert gate.exit_code == 0, gate.output
    assert user.run("promote", "tip-bench-foreign", "--cell", "a,p").exit_code == 0
    judged = user.run("export", "tip-bench-foreign", "--judge", "ana")
    assert (judged.exit_code, "was measured elsewhere" in judged.output) == (2, True)
    assert user.run("anchors", "tip-bench-foreign", "--name", "x", "--judges", "brought").exit_code == 2
    assert "tip-bench-foreign" in user.run("list").output
    assert user.run("show", "tip-bench-foreign").exit_code == 0
