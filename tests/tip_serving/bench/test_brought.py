"""Results that were measured elsewhere: which files are taken, and what is said of those that are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bench import create, fill_all, workshop
from support.boards import cell, row_of

from tip_serving.bench import brought, leaderboard
from tip_serving.bench import spec as specs
from tip_serving.bench.brought import Bringing, BroughtError, RowFault
from tip_serving.bench.page.content import Verdict
from tip_serving.bench.spec import SpecConflictError
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout

NAME = "tip-bench-foreign"
Row = dict[str, Any]


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    return workshop(tmp_path)


def _rows(n_scenarios: int = 12, scale: float = 1.0) -> list[Row]:
    """Two models by one prompt; `big` is better by a tenth of the scale."""
    noise = np.random.default_rng(4).normal(0, 0.03, (2, n_scenarios))
    return [
        {"model": model, "prompt": "p", "scenario": f"q{at}", "score": scale * (worth + float(noise[which, at]))}
        for which, (model, worth) in enumerate((("big", 0.6), ("small", 0.5)))
        for at in range(n_scenarios)
    ]


def _jsonl(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _csv(*lines: str) -> bytes:
    return "\n".join(lines).encode() + b"\n"


def _bring(place: Workshop, data: bytes, filename: str = "results.jsonl", **how: Any) -> Bringing:
    return brought.bring(place.lake, how.pop("experiment", NAME), data, filename, **how)


def _refused(place: Workshop, data: bytes, filename: str = "results.jsonl", **how: Any) -> tuple[RowFault, ...]:
    before = place.lake.find("")
    with pytest.raises(BroughtError) as caught:
        _bring(place, data, filename, **how)
    assert place.lake.find("") == before
    return caught.value.faults


def test_foreign_results_are_ranked_with_the_same_statistics(place: Workshop) -> None:
    held = _bring(place, _jsonl(_rows())).held
    assert (held.n_candidates, held.n_scenarios, held.judges) == (24, 12, ("brought",))
    assert place.state(NAME).phase == "brought"
    place.rank(NAME)
    assert place.state(NAME).phase == "ranked"
    [board] = leaderboard.read_boards(place.lake, NAME)
    assert (board.judge, board.kind, board.rubric_version) == ("brought", "measured elsewhere", "brought")
    row = row_of(board, "big|p")
    scores = [row["score"] for row in _rows() if row["model"] == "big"]
    assert row.score_mean == pytest.approx(np.mean(scores))
    assert row.score_se == pytest.approx(np.std(scores, ddof=1) / np.sqrt(12), rel=1e-6)
    assert row.place == 1
    assert row.cost_usd_per_1000 is None
    assert b"big" in place.lake.read(layout.leaderboard_page(NAME))


def test_csv_and_json_lines_say_the_same(place: Workshop) -> None:
    rows = _rows()
    table = _csv(
        "scenario,score,prompt,model", *(f"{r['scenario']},{r['score']!r},{r['prompt']},{r['model']}" for r in rows)
    )
    _bring(place, _jsonl(rows))
    _bring(place, table, "results.csv", experiment="tip-bench-table")
    place.rank(NAME)
    place.rank("tip-bench-table")
    assert leaderboard.read_boards(place.lake, NAME) == leaderboard.read_boards(place.lake, "tip-bench-table")


@pytest.mark.parametrize("scale", [100.0, 1e-4])
def test_any_scale_will_do(place: Workshop, scale: float) -> None:
    _bring(place, _jsonl(_rows(scale=scale)))
    place.rank(NAME)
    [board] = leaderboard.read_boards(place.lake, NAME)
    first = board.rows[0]
    assert first.cell == cell("big|p")
    assert first.verdict is Verdict.ESTIMATED
    assert first.score_mean == pytest.approx(0.6 * scale, rel=0.1)
    assert board.scale_min <= first.score_mean <= board.scale_max


def test_a_byte_order_mark_windows_lines_and_quotes_are_taken(place: Workshop) -> None:
    data = (
        b'\xef\xbb\xbfmodel,prompt,scenario,score,text\r\n"a,b",p,q1,1,"two\r\nlines, ""quoted"""\r\n\r\na,p,q1,,\r\n'
    )
    held = _bring(place, data, "results.csv").held
    assert held.cells == (cell("a,b|p"), cell("a|p"))
    tips = place.tips(NAME)
    assert tips["text"].to_list() == ['two\r\nlines, "quoted"', ""]
    assert tips["brought, rubric brought"].to_list() == [1.0, None]
    rows = b"\xef\xbb\xbf" + _jsonl(_rows()).replace(b"\n", b"\r\n")
    assert _bring(place, rows, experiment="tip-bench-b").held.n_candidates == 24


def test_a_text_may_hold_any_sign(place: Workshop) -> None:
    text = "one\u2028two\u0085three\x0bfour"
    _bring(place, _jsonl([{"model": "a", "prompt": "p", "scenario": "q", "score": 1, "text": text}]))
    assert place.tips(NAME)["text"].to_list() == [text]


def test_numbers_serve_as_names_and_nulls_as_left_out(place: Workshop) -> None:
    row = {"model": "a", "prompt": 3, "scenario": 17, "score": 1, "text": None, "judge": None, "sample_index": None}
    held = _bring(place, _jsonl([row])).held
    assert held.cells == (cell("a|3"),)
    assert held.judges == ("brought",)
    assert place.tips(NAME)["scenario_id"].to_list() == ["17"]


def test_unscored_is_no_zero(place: Workshop) -> None:
    rows = _rows()
    rows[0]["score"] = None
    _bring(place, _jsonl(rows))
    place.rank(NAME)
    row = row_of(leaderboard.read_boards(place.lake, NAME)[0], "big|p")
    assert (row.n_scored, row.n_unscored) == (11, 1)
    assert row.score_mean == pytest.approx(np.mean([r["score"] for r in rows[1:12]]))


def test_several_judges_have_a_board_each(place: Workshop) -> None:
    rows = [
        {**row, "judge": judge, "score": row["score"] + more} for row in _rows() for judge, more in (("x", 0), ("y", 1))
    ]
    held = _bring(place, _jsonl(rows)).held
    assert (held.judges, held.n_candidates) == (("x", "y"), 24)
    place.rank(NAME)
    boards = leaderboard.read_boards(place.lake, NAME)
    assert [board.judge for board in boards] == ["x", "y"]
    gap = (boards[1].rows[0].score_mean or 0) - (boards[0].rows[0].score_mean or 0)
    assert gap == pytest.approx(1.0)


def test_several_samples_of_a_scenario_are_kept_apart(place: Workshop) -> None:
    rows = [{**row, "sample_index": sample} for row in _rows() for sample in range(3)]
    assert _bring(place, _jsonl(rows)).held.n_candidates == 72
    place.rank(NAME)
    row = row_of(leaderboard.read_boards(place.lake, NAME)[0], "big|p")
    assert (row.n_scored, row.n_scenarios) == (36, 12)


GOOD = {"model": "a", "prompt": "p", "scenario": "q", "score": 1}
BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "no score": (lambda: {name: value for name, value in GOOD.items() if name != "score"}, "score: Field required"),
    "a word": (lambda: {**GOOD, "score": "good"}, "score: Input should be a valid number"),
    "not finite": (lambda: {**GOOD, "score": float("inf")}, "score: Input should be a finite number"),
    "no model": (lambda: {**GOOD, "model": ""}, "model: String should have at least 1"),
    "another field": (lambda: {**GOOD, "mood": 1}, "mood: Extra inputs"),
    "a negative sample": (lambda: {**GOOD, "sample_index": -1}, "sample_index"),
    "a huge sample": (lambda: {**GOOD, "sample_index": 2**31}, "sample_index"),
    "no judge": (lambda: {**GOOD, "judge": "../x"}, "cannot name a judge"),
    "an order to the terminal": (lambda: {**GOOD, "model": "a\x1b[2J"}, "model: String should match pattern"),
    "a list": (lambda: [1], "valid dictionary"),
    "twice": (lambda: {**GOOD, "scenario": "before"}, "stand on an earlier line already"),
    "long names": (lambda: {**GOOD, "model": "\u00e9" * 100}, "model and prompt are too long"),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(BAD))
def test_a_bad_row_is_named_by_its_line_and_left_out_where_that_is_asked_for(place: Workshop, kind: str) -> None:
    make, said = BAD[kind]
    data = _jsonl([{**GOOD, "scenario": "before"}, make(), {**GOOD, "scenario": "after"}])
    faults = _refused(place, data)
    assert [(fault.line, said in fault.reason) for fault in faults] == [(2, True)], faults
    taken = _bring(place, data, partial=True)
    assert (taken.held.n_candidates, [fault.line for fault in taken.faults]) == (2, [2])


def test_broken_json_is_named_by_its_line_also_on_the_first(place: Workshop) -> None:
    faults = _refused(place, b"oops\n" + _jsonl([GOOD]) + b'{"model": \n')
    assert [fault.line for fault in faults] == [1, 3]
    assert all("is not JSON" in fault.reason for fault in faults)


HEAD = "model,prompt,scenario,score"


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (["model,prompt,scenario", "a,p,q"], 1, "the header lacks score"),
        (["model;prompt;scenario;score", "a;p;q;1"], 1, "lacks model; lacks prompt"),
        ([f"{HEAD},mood", "a,p,q,1,x"], 1, "names 'mood', which is no column"),
        ([f"{HEAD},score", "a,p,q,1,1"], 1, "names score twice"),
        ([HEAD, "a,p,q,1", "a,p,r"], 3, "has 3 fields, the header has 4"),
        ([HEAD, "a,p,q,1,9"], 2, "has 5 fields, the header has 4"),
        ([HEAD, "", "a,p,q,x"], 3, "score: Input should be a valid number"),
        ([f"{HEAD},text", 'a,p,q,1,"two', 'lines"', "a,p,r,x,"], 4, "score: Input should be a valid number"),
        ([f"{HEAD},text", "a,p,q,1,", 'a,p,r,1,"never closed', "a,p,s,1,"], 3, "cannot be read, nor what follows"),
        ([f"{HEAD},text", "a,p,q,1," + "x" * 140_000], 2, "cannot be read"),
    ],
)  # fmt: skip
def test_a_table_is_checked_by_header_and_line(place: Workshop, lines: list[str], line: int, said: str) -> None:
    faults = _refused(place, _csv(*lines), "results.csv")
    assert [(fault.line, said in fault.reason) for fault in faults] == [(line, True)], faults


def test_a_file_in_another_encoding_is_refused_and_not_guessed_at(place: Workshop) -> None:
    [fault] = _refused(place, _csv(HEAD, "a,p,q,1") + "caf\u00e9,p,q,1\n".encode("latin-1"), "results.csv")
    assert fault == RowFault(3, "is not UTF-8; save the file in that encoding")


@pytest.mark.parametrize(("data", "filename"), [(b"", "x.jsonl"), (b"\n", "x.csv"), (_csv(HEAD), "x.csv"), (b"", "x")])
def test_a_file_without_results_is_refused(place: Workshop, data: bytes, filename: str) -> None:
    assert _refused(place, data, filename, partial=True) == (RowFault(0, "the file holds no results"),)


def test_faults_beyond_a_hundred_are_counted(place: Workshop) -> None:
    faults = _refused(place, b"oops\n" * 250)
    assert len(faults) == 101
    assert faults[-1].reason == "150 more lines are faulty"


@pytest.mark.parametrize(("filename", "data"), [("results", _jsonl(_rows())), ("data.txt", _csv(HEAD, "a,p,q,1"))])
def test_a_name_that_tells_nothing_leaves_it_to_the_content(place: Workshop, filename: str, data: bytes) -> None:
    assert _bring(place, data, filename).held.n_candidates > 0


def test_the_same_file_once_more_changes_nothing(place: Workshop) -> None:
    first = _bring(place, _jsonl(_rows()))
    place.rank(NAME)
    before = {entry.path: place.lake.read(entry.path) for entry in place.lake.find("")}
    again = _bring(place, _jsonl(_rows()))
    assert (first.is_repeat, again.is_repeat, again.held) == (False, True, first.held)
    assert {entry.path: place.lake.read(entry.path) for entry in place.lake.find("")} == before
    assert place.state(NAME).is_ranked


def test_a_file_that_was_half_brought_when_the_process_died_is_brought_again(place: Workshop) -> None:
    _bring(place, _jsonl(_rows()))
    place.lake.delete(layout.brought(NAME))
    assert _bring(place, _jsonl(_rows())).is_repeat is False
    place.rank(NAME)
    assert row_of(leaderboard.read_boards(place.lake, NAME)[0], "big|p").n_scored == 12


def test_one_file_may_be_brought_under_two_names(place: Workshop) -> None:
    for name in (NAME, "tip-bench-twin"):
        _bring(place, _jsonl(_rows()), experiment=name)
        place.rank(name)
        assert row_of(leaderboard.read_boards(place.lake, name)[0], "big|p").n_scored == 12


def test_a_name_is_taken_by_other_results_or_a_spec(place: Workshop) -> None:
    _bring(place, _jsonl(_rows()))
    assert "holds other results already" in _refused(place, _jsonl(_rows(13)))[0].reason
    create(place)
    assert "is an experiment of its own" in _refused(place, _jsonl(_rows()), experiment="tip-bench-test")[0].reason
    assert "must be tip-bench-" in _refused(place, _jsonl(_rows()), experiment="foreign")[0].reason


def test_no_spec_may_take_the_name_of_brought_results(place: Workshop) -> None:
    _bring(place, _jsonl(_rows()))
    with pytest.raises(SpecConflictError, match="measured elsewhere"):
        create(place, experiment=NAME)
    assert not place.lake.exists(layout.spec(NAME))
    assert specs.name_fault(NAME) is None


def test_foreign_cells_touch_no_candidate_of_a_cell_of_the_same_name(place: Workshop) -> None:
    fill_all(place, create(place))
    before = place.candidates("tip-bench-test")
    _bring(place, _jsonl([{"model": "embedded/first", "prompt": "v1", "scenario": "q", "score": 1, "text": "x"}]))
    assert place.candidates("tip-bench-test").equals(before)
    assert place.tips(NAME)["text"].to_list() == ["x"]
