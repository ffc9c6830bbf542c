"""Todoist exports become named sets; bad rows are named."""

import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from tip_serving.cli import main
from tip_serving.lake.storage import Lake
from tip_serving.scenarios import sets, todoist
from tip_serving.scenarios.imported import scenarios_from
from tip_serving.scenarios.model import Due

TODAY = dt.date(2026, 3, 2)  # a Monday
CSV = """\
TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE
meta,view_style=list,,,,,,,,
section,Deep work,,,,,,,,
task,Write the thesis chapter @writing @focus,Outline first,1,1,Ana (1),,tomorrow,en,Europe/Berlin
note,The outline is in the shared folder,,,,,,,,
task,Water the plants,,4,1,Ana (1),,every Friday,en,Europe/Berlin
task,"Zahnarzt anrufen, dringend",,2,1,,,morgen um 15:30,de,
,,,,,,,,,
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIP_HOME", str(tmp_path / "home"))
    return tmp_path


def _import(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["scenarios", "import", *map(str, arguments)])


def test_a_csv_template_becomes_tasks() -> None:
    found = todoist.read(CSV.encode(), "Work.csv", TODAY)
    assert found.faults == []
    thesis, plants, dentist = found.tasks
    assert (thesis.content, thesis.labels, thesis.section, thesis.project) == (
        "Write the thesis chapter", ("writing", "focus"), "Deep work", "Work",
    )  # fmt: skip
    assert thesis.description == "Outline first\nThe outline is in the shared folder"
    assert (thesis.priority, plants.priority, dentist.priority) == (4, 1, 3)
    assert thesis.due == Due(date=dt.date(2026, 3, 3), string="tomorrow")
    assert plants.due is not None
    assert (plants.due.date, plants.due.is_recurring) == (dt.date(2026, 3, 6), True)
    assert dentist.due == Due(date=dt.date(2026, 3, 3), time=dt.time(15, 30), string="morgen um 15:30")


@pytest.mark.parametrize("envelope", ["list", "results", "items"])
def test_each_shape_of_the_api_becomes_tasks(envelope: str) -> None:
    due = {"date": "2026-03-01", "string": "every month", "is_recurring": True}
    rent_item = {"id": "1", "content": "Pay rent", "priority": 4, "labels": ["home"], "project_id": "9", "due": due}
    items = [
        rent_item | {"added_at": "2026-02-01T08:00:00Z"},
        {"id": "2", "content": "Done already", "checked": True},
        {"id": "3", "content": "Call", "due": {"date": "2026-03-02T17:15:00", "string": "today 17:15"}},
    ]
    document = items if envelope == "list" else {envelope: items, "projects": [{"id": "9", "name": "Home"}]}
    found = todoist.read(json.dumps(document).encode(), "export.json", TODAY)
    assert (found.faults, found.n_completed) == ([], 1)
    rent, call = found.tasks
    assert (rent.priority, rent.labels, rent.project) == (4, ("home",), "" if envelope == "list" else "Home")
    assert rent.due == Due(date=dt.date(2026, 3, 1), string="every month", is_recurring=True)
    assert call.due == Due(date=TODAY, time=dt.time(17, 15), string="today 17:15")


def test_every_bad_csv_row_is_named_with_its_line_and_reason() -> None:
    rows = CSV + "task,,,1,1,,,,,\ntask,Fine,,1,1,,,,,\ntask,Odd,,9,1,,,someday maybe,en,\nwish,A pony,,1,1,,,,,\n"
    found = todoist.read(rows.encode(), "Work.csv", TODAY)
    assert [(fault.place, fault.reason) for fault in found.faults] == [
        ("line 9", "CONTENT is empty"),
        ("line 11", "PRIORITY is '9'; expected 1 to 4; DATE is 'someday maybe', which is no date that can be read"),
        ("line 12", "TYPE is 'wish'; expected task, section, note or meta"),
    ]
    assert [task.content for task in found.tasks][-1] == "Fine"


def test_every_bad_json_item_is_named_with_its_place() -> None:
    items = [
        {"id": "1", "content": ""},
        "text",
        {"id": "3", "content": "x", "priority": 7},
        {"id": "4", "content": "Fine"},
        {"id": "5", "content": "y", "due": {"date": "soon"}},
    ]
    found = todoist.read(json.dumps(items).encode(), "export.json", TODAY)
    assert [fault.place for fault in found.faults] == ["[0]", "[1]", "[2]", "[4]"]
    assert "content" in found.faults[0].reason
    assert "priority" in found.faults[2].reason
    assert [task.content for task in found.tasks] == ["Fine"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b\n1,2\n", "TYPE and CONTENT are missing"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"x": 1}', "holds no list of tasks"),
        (b"", "TYPE and CONTENT are missing"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(data: bytes, reason: str) -> None:
    found = todoist.read(data, "file", TODAY)
    assert found.tasks == []
    assert reason in found.faults[0].reason


def test_good_rows_of_a_bad_file_are_kept_only_when_asked_for(home: Path) -> None:
    file = home / "Work.csv"
    file.write_text(CSV + "task,Odd,,9,1,,,,,\n", encoding="utf-8")
    lake = Lake(str(home / "home/lake"))

    refused = _import(file, "--name", "work", "--now", "2026-03-02")
    assert refused.exit_code == 2
    assert f"{file}: line 9: PRIORITY is '9'; expected 1 to 4" in refused.output
    assert sets.list_sets(lake) == []

    kept = _import(file, "--name", "work", "--now", "2026-03-02", "--partial")
    assert kept.exit_code == 0, kept.output
    assert "3 tasks, counted from Monday 2026-03-02" in kept.output
    assert {len(scenario.situation.tasks) for scenario in sets.load_set(lake, "work")} == {3}


def test_a_set_is_replaced_only_when_asked_for(home: Path) -> None:
    file = home / "Work.csv"
    file.write_text(CSV, encoding="utf-8")
    assert _import(file, "--name", "work").exit_code == 0
    again = _import(file, "--name", "work")
    assert again.exit_code == 2
    assert "--replace" in again.output
    assert _import(file, "--name", "work", "--replace").exit_code == 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--name", "My Week", "lower-case"),
        ("--name", "generated", "choose another name"),
        ("--now", "soon", "is no date"),
        ("--time-zone", "Mars/Olympus", "is no IANA time zone"),
    ],
)
def test_bad_options_are_refused_before_anything_is_written(home: Path, option: str, value: str, said: str) -> None:
    file = home / "Work.csv"
    file.write_text(CSV, encoding="utf-8")
    result = _import(file, *(("--name", "work") if option != "--name" else ()), option, value)
    assert result.exit_code == 2
    assert said in result.output
    assert not (home / "home").exists()


def test_scenarios_of_a_list_are_distinct_and_differ_early_in_hour_and_day() -> None:
    tasks = todoist.read(CSV.encode(), "Work.csv", TODAY).tasks
    found = scenarios_from([tasks], dt.datetime(2026, 3, 2, tzinfo=dt.UTC), None)
    assert len({scenario.scenario_id for scenario in found}) == len(found) == 56
    first = [scenario.situation.now for scenario in found[:7]]
    assert len({moment.weekday() for moment in first}) == len({moment.hour for moment in first}) == 7


_HEAD = b"TYPE,CONTENT,DESCRIPTION,PRIORITY\n"


@pytest.mark.parametrize(
    ("rows", "place", "reason"),
    [
        (b"task\ntask,Fine,,1\n", "line 2", "CONTENT is empty"),
        (b"\n,Call the bank,,1\ntask,Fine,,1\n", "line 3", "TYPE is ''"),
        ("task,Zahnärztin,,1\ntask,Fine,,1\n".encode("cp1252"), "line 2", "not UTF-8"),
        (b"task," + b"x" * 200_000 + b",,1\ntask,Fine,,1\n", "line 2", "field limit"),
        (b"task,Long notes," + b"x" * 30_000 + b",1\ntask,Fine,,1\n", "line 2", "description"),
        (b'task,Fine,,1\ntask,"Never closed,,1\ntask,Swallowed,,1\n', "line 3", "never closed"),
    ],
    ids=["short row", "no type", "another encoding", "huge cell", "huge description", "open quote"],
)
def test_a_row_that_is_broken_in_any_way_is_named_and_the_others_stay(rows: bytes, place: str, reason: str) -> None:
    found = todoist.read(_HEAD + rows, "Work.csv", TODAY)
    assert [fault.place for fault in found.faults] == [place]
    assert reason in found.faults[0].reason
    assert [task.content for task in found.tasks] == ["Fine"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_spreadsheets_save_is_read(encoding: str, delimiter: str) -> None:
    rows = "TYPE,CONTENT,DATE,DATE_LANG\r\ntask,Zahnärztin 📞,übermorgen,de\r\n"
    rows += "task,打电话,明天,tw\r\ntask,Who,tomorrow,xx\r\n"
    found = todoist.read(rows.replace(",", delimiter).encode(encoding), "Work.csv", TODAY)
    assert found.faults == []
    assert [task.content for task in found.tasks] == ["Zahnärztin 📞", "打电话", "Who"]
    assert [task.due and task.due.date and task.due.date.day for task in found.tasks] == [4, 3, 3]


def test_due_times_fixed_to_a_zone_are_the_persons_local_times() -> None:
    dues: list[dict[str, object]] = [
        {"date": "2026-03-01T23:30:00Z", "timezone": "Europe/Berlin"},
        {"date": "2026-03-02", "datetime": "2026-03-02T09:00:00.000000Z"},
        {"date": "2026-03-02T12:00:00"},  # wherever the person is
    ]
    items = [{"id": str(number), "content": "x", "due": due} for number, due in enumerate(dues)]
    found = todoist.read(json.dumps(items).encode(), "export.json", TODAY, ZoneInfo("Europe/Berlin"))
    assert [(task.due.date, task.due.time) for task in found.tasks if task.due] == [
        (TODAY, dt.time(0, 30)), (TODAY, dt.time(10)), (TODAY, dt.time(12)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"items": [{"content": "Fine"}], "projects": None, "sections": None}, []),
        ({"items": [{"content": "Fine"}, {"content": "x", "labels": "home"}]}, ["[1]"]),
        ({"items": [{"content": "Fine"}, {"content": "lost \ufffd"}]}, ["[1]"]),
    ],
)
def test_an_answer_of_the_api_with_odd_parts_is_read_or_named(document: object, places: list[str]) -> None:
    found = todoist.read(json.dumps(document).encode(), "export.json", TODAY)
    assert [fault.place for fault in found.faults] == places
    assert [task.content for task in found.tasks] == ["Fine"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("20 Nov", dt.date(2026, 11, 20)),  # four days ago
        ("5 Jan", dt.date(2027, 1, 5)),
        ("30 Nov", dt.date(2026, 11, 30)),
        ("20 Nov 2027", dt.date(2027, 11, 20)),
        ("Friday", dt.date(2026, 11, 27)),
    ],
)
def test_a_day_without_a_year_is_the_nearer_one(written: str, meant: dt.date) -> None:
    data = f"TYPE,CONTENT,DATE,DATE_LANG\ntask,Call,{written},en\n".encode()
    [task] = todoist.read(data, "list.csv", dt.date(2026, 11, 24)).tasks
    assert task.due is not None
    assert task.due.date == meant
