"""From candidates to scores: a blind export, and what an import accepts, refuses and remembers."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop

from tip_serving.bench.judging import automatic, export, intake
from tip_serving.bench.judging.export import Ask, Batch
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.scenarios import sets

NAMES = load_rubric().names
Row = dict[str, Any]


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    fill_all(made, create(made))
    return made


def _export(place: Workshop, judge: str = "ana") -> tuple[Batch, list[Row]]:
    [batch] = place.export(EXPERIMENT, Ask(judge))
    return batch, [json.loads(line) for line in place.lake.read(batch.rows_path).decode().splitlines()]


def _answer(row: Row, points: int = 4, **changes: object) -> Row:
    return {
        "item": row["item"],
        "judge": row["judge"],
        "rubric_version": row["rubric_version"],
        "scores": dict.fromkeys(NAMES, points),
        **changes,
    }


def _import(place: Workshop, rows: list[Row | bytes], *, partial: bool = False) -> intake.Report:
    data = b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)
    return intake.submit(place.lake, EXPERIMENT, data, "scores", partial=partial)


def _latest(place: Workshop, judge: str = "ana") -> pl.DataFrame:
    return SCORES.latest(place.lake, judge, load_rubric().version)


def test_an_export_tells_neither_who_wrote_a_tip_nor_which_candidate_it_is(place: Workshop) -> None:
    batch, rows = _export(place)
    candidates = place.candidates(EXPERIMENT)
    assert batch.n_items == len(rows) == candidates.height == 24
    exported = place.lake.read(batch.rows_path).decode() + place.lake.read(batch.instructions_path).decode()
    for secret in (
        "embedded/",
        "planner",
        "prompt_hash",
        *candidates["candidate_id"],
        *candidates["prompt_hash"].unique(),
    ):
        assert secret not in exported
    assert all(set(row) == {"item", "judge", "batch", "rubric_version", "situation", "tip"} for row in rows)
    assert export.leaks(place.lake.read(batch.rows_path), candidates) == []


def test_a_leak_is_found(place: Workshop) -> None:
    candidates = place.candidates(EXPERIMENT)
    leaking = json.dumps({"item": candidates["candidate_id"][0], "prompt": "v1"}).encode()
    assert export.leaks(leaking, candidates) == ["item", "prompt"]


def test_the_order_of_an_export_follows_neither_cells_nor_scenarios(place: Workshop) -> None:
    _, rows = _export(place)
    key = {item: hidden.candidate_id for item, hidden in export.read_keys(place.lake, EXPERIMENT, "ana").items()}
    by_id = {row["candidate_id"]: row for row in place.candidates(EXPERIMENT).rows(named=True)}
    order = [by_id[key[row["item"]]] for row in rows]
    cells = [(row["model"], row["prompt"]) for row in order]
    changes = sum(one != other for one, other in pairwise(cells))
    assert changes > 12  # sorted by cell it would be 3
    assert all(by_id[key[row["item"]]]["text"] == row["tip"] for row in rows)


def test_two_judges_get_the_same_tips_under_unrelated_names_and_orders(place: Workshop) -> None:
    (_, ana), (_, ben) = _export(place, "ana"), _export(place, "ben")
    assert not {row["item"] for row in ana} & {row["item"] for row in ben}
    assert sorted(row["tip"] for row in ana) == sorted(row["tip"] for row in ben)
    assert [row["tip"] for row in ana] != [row["tip"] for row in ben]


def test_exporting_again_gives_the_same_batch_until_something_is_scored(place: Workshop) -> None:
    batch, rows = _export(place)
    again, same = _export(place)
    assert (again, same) == (batch, rows)
    _import(place, [_answer(row) for row in rows[:10]])
    rest, left = _export(place)
    assert rest.batch != batch.batch
    assert sorted(row["tip"] for row in left) == sorted(row["tip"] for row in rows[10:])
    _import(place, [_answer(row) for row in left])
    assert place.export(EXPERIMENT, Ask("ana")) == []


def test_scores_of_an_earlier_batch_are_still_taken(place: Workshop) -> None:
    _, rows = _export(place)
    _import(place, [_answer(row) for row in rows[:5]])
    _export(place)
    assert _import(place, [_answer(row) for row in rows[5:]]).accepted == 19


def test_instructions_suffice_for_somebody_who_sees_nothing_else(place: Workshop) -> None:
    batch, _ = _export(place)
    text = place.lake.read(batch.instructions_path).decode()
    rubric = load_rubric()
    for criterion in rubric.criteria:
        assert criterion.question in text
        assert all(anchor in text for anchor in criterion.anchors)
    example = json.loads(text.split("```json\n")[1].split("\n```")[0])
    assert set(example["scores"]) == set(rubric.names)
    assert rubric.version in text


THREES = dict.fromkeys(NAMES, 3)
BAD: dict[str, tuple[Callable[[Row], Row | bytes], str]] = {
    "broken": (lambda _: b'{"item": ', "line: Invalid JSON"),
    "unknown item": (lambda row: _answer(row, item="0123456789abcdef"), "was not exported for judge 'ana'"),
    "unknown judge": (lambda row: _answer(row, judge="eve"), "nothing was ever exported for judge 'eve'"),
    "off the scale": (lambda row: _answer(row, scores={**THREES, "tone": 6}), "scores.tone: Input should"),
    "half a point": (lambda row: _answer(row, scores={**THREES, "tone": 2.5}), "scores.tone: Input should"),
    "missing criterion": (lambda row: _answer(row, scores={"tone": 3}), "no points for actionability, brevity"),
    "unknown criterion": (lambda row: _answer(row, scores={**THREES, "charm": 3}), "charm is not in rubric"),
    "wrong rubric": (lambda row: _answer(row, rubric_version="r0"), "exported under rubric r1, the line says 'r0'"),
    "unknown field": (lambda row: _answer(row, mood="good"), "mood: Extra inputs"),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(BAD))
def test_a_bad_line_is_named_and_the_file_kept_whole_or_not_at_all(place: Workshop, kind: str) -> None:
    make, said = BAD[kind]
    _, rows = _export(place)
    report = _import(place, [_answer(rows[0]), make(rows[1]), _answer(rows[2])])
    assert [(fault.line, said in fault.reason) for fault in report.faults] == [(2, True)], report.faults
    assert (report.is_taken, report.accepted) == (False, 0)
    assert _latest(place).is_empty()
    folder = layout.rejected_file(EXPERIMENT, "")
    found = {entry.path.removeprefix(folder) for entry in place.lake.find(folder.rstrip("/"))}
    assert found == {report.filename, report.filename + ".report.json"}
    told = json.loads(place.lake.read(layout.rejected_file(EXPERIMENT, report.filename + ".report.json")))
    assert told["faults"] == [{"line": 2, "reason": report.faults[0].reason}]
    assert place.state(EXPERIMENT).inbox == ()


def test_the_good_lines_are_kept_where_that_is_asked_for(place: Workshop) -> None:
    _, rows = _export(place)
    report = _import(place, [_answer(rows[0]), b"no json", _answer(rows[0]), _answer(rows[2])], partial=True)
    assert (report.is_taken, report.accepted, [fault.line for fault in report.faults]) == (True, 2, [2, 3])
    assert "stands on an earlier line" in report.faults[1].reason
    assert _latest(place).height == 2


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_an_empty_file_is_refused(place: Workshop, data: bytes) -> None:
    report = intake.submit(place.lake, EXPERIMENT, data, "scores", partial=True)
    assert (report.is_taken, report.faults[0].reason) == (False, "the file holds no scores")


def test_the_same_file_twice_changes_nothing(place: Workshop) -> None:
    _, rows = _export(place)
    first = _import(place, [_answer(row) for row in rows])
    before = _latest(place)
    second = _import(place, [_answer(row) for row in rows])
    assert (first.is_repeat, second.is_repeat) == (False, True)
    assert _latest(place).equals(before)


def test_a_later_score_of_the_same_judge_stands_and_the_earlier_stays_in_the_history(place: Workshop) -> None:
    _, rows = _export(place)
    _import(place, [_answer(rows[0], 2), _answer(rows[1], 3)])
    _import(place, [_answer(rows[0], 5)])
    standing = _latest(place)
    assert sorted(standing["score"].to_list()) == [3.0, 5.0]
    parts = [entry.path for entry in place.lake.find(layout.append_only(layout.SCORES, "ana", load_rubric().version))]
    assert len(parts) == 2


def test_who_goes_back_to_an_earlier_score_is_taken_at_the_last_word(place: Workshop) -> None:
    _, rows = _export(place)
    words = [[_answer(rows[0], points), _answer(rows[1], 4)] for points in (2, 5, 2, 2)]
    reports = [_import(place, lines) for lines in words]
    assert [report.is_repeat for report in reports] == [False, False, False, True]
    assert sorted(_latest(place)["score"]) == [2.0, 4.0]
    history = SCORES.history(place.lake, "ana", load_rubric().version)
    assert history["score"].to_list() == [2.0, 4.0, 5.0, 4.0, 2.0, 4.0]
    intake.submit(place.lake, EXPERIMENT, json.dumps(_answer(rows[0], 5)).encode(), "one name")
    intake.submit(place.lake, EXPERIMENT, json.dumps(_answer(rows[0], 2)).encode(), "one name")
    again = intake.submit(place.lake, EXPERIMENT, json.dumps(_answer(rows[0], 5)).encode(), "another name")
    assert not again.is_repeat
    assert sorted(_latest(place)["score"]) == [4.0, 5.0]


def test_a_file_left_behind_by_a_kill_takes_nothing_back_that_came_after_it(place: Workshop) -> None:
    _, rows = _export(place)
    killed = _import(place, [_answer(rows[0], 2)])
    kept, waiting = (of(EXPERIMENT, killed.filename) for of in (layout.imported_file, layout.inbox_file))
    # Killed after the ledger had the scores, before the file was out of the inbox.
    place.lake.write(waiting, place.lake.read(kept))
    os.utime(place.lake.locate(waiting), (1_000, 1_000))
    place.lake.delete(kept)
    _import(place, [_answer(rows[0], 5)])
    [report] = intake.import_inbox(place.lake, EXPERIMENT)
    assert report.is_repeat
    assert _latest(place)["score"].to_list() == [5.0]


def test_files_that_wait_are_taken_in_the_order_in_which_they_came(place: Workshop) -> None:
    _, rows = _export(place)
    for name, points, at in (("a", 5, 2_000), ("b", 1, 1_000)):
        path = layout.inbox_file(EXPERIMENT, f"{name}.jsonl")
        place.lake.write(path, json.dumps(_answer(rows[0], points)).encode())
        os.utime(place.lake.locate(path), (at, at))
    assert [report.filename for report in intake.import_inbox(place.lake, EXPERIMENT)] == ["b.jsonl", "a.jsonl"]
    assert _latest(place)["score"].to_list() == [5.0]


def test_files_of_one_name_are_all_kept_and_each_makes_the_leaderboard_stale(place: Workshop) -> None:
    _, rows = _export(place)
    for row in rows[:3]:
        place.lake.write(layout.inbox_file(EXPERIMENT, "scores.jsonl"), json.dumps(_answer(row)).encode())
        intake.import_inbox(place.lake, EXPERIMENT)
        assert not place.state(EXPERIMENT).is_ranked
        place.rank(EXPERIMENT)
        assert place.state(EXPERIMENT).is_ranked
    assert len(place.lake.find(layout.imported_file(EXPERIMENT, "").rstrip("/"))) == 3


def test_what_is_written_to_a_file_while_it_is_taken_is_taken_next(
    place: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rows = _export(place)
    half, whole = (b"".join(json.dumps(_answer(row)).encode() + b"\n" for row in rows[:n]) for n in (2, 5))
    path = layout.inbox_file(EXPERIMENT, "scores.jsonl")
    place.lake.write(path, half)
    check = intake._check

    def meanwhile(*arguments: Any) -> Any:
        place.lake.write(path, whole)
        return check(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(intake, "_check", meanwhile)
        intake.import_inbox(place.lake, EXPERIMENT)
    assert _latest(place).height == 2
    intake.import_inbox(place.lake, EXPERIMENT)
    assert _latest(place).height == 5
    assert place.state(EXPERIMENT).inbox == ()


def test_imports_at_the_same_time_take_a_file_once(place: Workshop) -> None:
    _, rows = _export(place)
    data = b"".join(json.dumps(_answer(row)).encode() + b"\n" for row in rows)
    intake.drop(place.lake, EXPERIMENT, data, "scores")
    with ThreadPoolExecutor(4) as pool:
        for waiting in [pool.submit(intake.import_inbox, place.lake, EXPERIMENT) for _ in range(4)]:
            waiting.result()
    assert SCORES.history(place.lake, "ana", load_rubric().version).height == len(rows)
    assert place.state(EXPERIMENT).inbox == ()


def test_an_export_of_imported_scenarios_tells_nothing_of_what_they_are_called(place: Workshop) -> None:
    told = {"kind": "urgent-set", "scenario_id": "set-v1-embedded"}
    named = [
        one.model_copy(update={**told, "scenario_id": f"{told['scenario_id']}-{place_}"})
        for place_, one in enumerate(place.scenarios(EXPERIMENT))
    ]
    sets.save_set(place.lake, "mine", named)
    fill_all(place, create(place, experiment="tip-bench-mine", scenarios="mine"))
    [batch] = place.export("tip-bench-mine", Ask("ana"))
    data = place.lake.read(batch.rows_path)
    assert batch.n_items == 24
    assert not any(word.encode() in data for word in told.values())
    situations = [json.loads(line)["situation"] for line in data.splitlines()]
    assert all(situation["now"] for situation in situations)


def test_a_file_may_have_any_name(place: Workshop) -> None:
    _, rows = _export(place)
    data = json.dumps(_answer(rows[0])).encode()
    assert intake.submit(place.lake, EXPERIMENT, data + b"\nfaulty", "\u8a55" * 80).listed_in is not None
    assert intake.submit(place.lake, EXPERIMENT, data, "\u8a55" * 80).accepted == 1


def test_signs_that_some_programs_take_for_line_ends_break_no_export_and_no_judging(place: Workshop) -> None:
    text = "one\u2028two\u2029three\u0085four"
    candidates = place.candidates(EXPERIMENT).with_columns(text=pl.lit(text))
    scenarios, rubric = place.scenarios(EXPERIMENT), load_rubric()
    [batch] = export.export(place.lake, EXPERIMENT, candidates, scenarios, rubric, Ask(automatic.JUDGE))
    data = place.lake.read(batch.rows_path)
    rows = [json.loads(line) for line in data.decode().splitlines()]  # as judges are wont to read it
    assert [row["tip"] for row in rows] == [text] * 24
    assert export.leaks(data, candidates) == []
    unescaped = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()  # as written before
    assert automatic.score_file(data) == automatic.score_file(unescaped)
    assert intake.submit(place.lake, EXPERIMENT, automatic.score_file(data), "rules").accepted == 24


def test_one_judges_scores_say_nothing_of_another(place: Workshop) -> None:
    (_, ana), (_, ben) = _export(place, "ana"), _export(place, "ben")
    _import(place, [_answer(row, 5) for row in ana])
    _import(place, [_answer(row, 1) for row in ben[:4]])
    _, view = place.import_scores(EXPERIMENT)
    assert view.filter(pl.col("judge") == "ana")["score"].null_count() == 0
    of_ben = view.filter(pl.col("judge") == "ben")
    assert (of_ben.height, of_ben["score"].null_count()) == (24, 20)


def test_scores_stay_with_candidates_across_experiments(place: Workshop) -> None:
    _, rows = _export(place)
    _import(place, [_answer(row) for row in rows])
    larger = create(place, experiment="tip-bench-larger", n_scenarios=8)
    fill_all(place, larger)
    [batch] = place.export("tip-bench-larger", Ask("ana"))
    assert batch.n_items == 2 * 2 * 2  # only the two new scenarios
    _, view = place.import_scores("tip-bench-larger")
    assert view["score"].count() == 24


@pytest.mark.parametrize("name", ["", "../x", "a b", "-ana", "x" * 121, "ana\n", "a" + "/" * 80])
def test_names_that_cannot_be_a_judges_are_refused(name: str) -> None:
    assert intake.judge_fault(name) is not None


def test_the_automatic_judge_goes_the_same_way_as_everybody(place: Workshop) -> None:
    filename = place.judge_automatically(EXPERIMENT)
    assert filename is not None
    assert place.state(EXPERIMENT).inbox == (filename,)
    reports, view = place.import_scores(EXPERIMENT)
    assert [report.accepted for report in reports] == [24]
    assert view["judge"].unique().to_list() == ["automatic-rules"]
    assert place.judge_automatically(EXPERIMENT) is None
