"""Reads task lists that Todoist exports: its CSV template and the JSON of its API. Parsing only; nothing is written.

Every row that cannot be read is named with its place and the reason; the others come back as tasks.
"""

import codecs
import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError

from tip_serving.scenarios.model import Due, Priority, Task

_LABEL = re.compile(r"(?<!\S)@([\w-]+)")
_CSV_TYPES = frozenset({"task", "section", "note", "meta", ""})
_CSV_LOWEST = 4  # the template counts p1 to p4, the API the other way round
_TITLE_LIMIT = 2000
_LOST = "\ufffd"  # stands for bytes that are no text in the file's encoding
_GARBLED = "holds bytes that are not UTF-8; save the file as UTF-8"


class RowFault(NamedTuple):
    """One row that cannot be read."""

    place: str
    """`line 7` of a CSV, `[3]` of a JSON list."""
    reason: str


@dataclass
class TaskList:
    """What an export held."""

    tasks: list[Task] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    n_completed: int = 0
    """Tasks that are done already and so are left out."""


def read(data: bytes, filename: str, today: dt.date, zone: dt.tzinfo = dt.UTC) -> TaskList:
    """The open tasks in an export.

    Args:
        data: the file, in UTF-8 or, with its mark, UTF-16.
        filename: tells the project where a CSV does not; `.json` or `.csv`, else the content tells.
        today: what `tomorrow` and `every Friday` are counted from.
        zone: the person's; due times that name an offset are turned into its local time.
    """
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace")
    if filename.lower().endswith(".json") or text.lstrip()[:1] in {"[", "{"}:
        return _read_json(text, zone)
    return _read_csv(text, project=filename.rpartition("/")[2].rpartition(".")[0], today=today)


# -- CSV ---------------------------------------------------------------------------------


def _read_csv(text: str, project: str, today: dt.date) -> TaskList:
    found = TaskList()
    header_line, _, _ = text.partition("\n")
    delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
    rows = _rows(text, delimiter, found)
    columns = [name.upper() for name in next(rows, ("", []))[1]]
    if not {"TYPE", "CONTENT"} <= set(columns):
        shown = sorted(name for name in columns if name)
        found.faults.append(RowFault("line 1", f"the columns TYPE and CONTENT are missing; found {shown}"))
        return found
    section = ""
    for place, cells in rows:
        row = dict(zip(columns, cells, strict=False))  # a row may end early
        kind, content = row.get("TYPE", "").lower(), row.get("CONTENT", "")
        if _LOST in "".join(cells):
            found.faults.append(RowFault(place, _GARBLED))
        elif kind not in _CSV_TYPES or (content and not kind):
            found.faults.append(RowFault(place, f"TYPE is {kind!r:.40}; expected task, section, note or meta"))
        elif kind == "section":
            section = content
        elif kind == "note" and found.tasks:
            task = found.tasks[-1]
            found.tasks[-1] = task.model_copy(update={"description": f"{task.description}\n{content}".strip()})
        elif kind == "task":
            task_or_reason = _csv_task(row, project, section, today, number=len(found.tasks) + len(found.faults))
            if isinstance(task_or_reason, str):
                found.faults.append(RowFault(place, task_or_reason))
            else:
                found.tasks.append(task_or_reason)
    return found


def _rows(text: str, delimiter: str, found: TaskList) -> Iterator[tuple[str, list[str]]]:
    """Each row's place and its cells; what is no CSV becomes a fault of `found`."""
    # Strict: else a quote that is never closed would swallow the rest of the file without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        place = f"line {reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = "a quote is opened and never closed" if "unexpected end" in str(error) else str(error)
            found.faults.append(RowFault(place, reason))
        else:
            yield place, [cell.strip() for cell in cells]


def _csv_task(row: Mapping[str, str], project: str, section: str, today: dt.date, number: int) -> Task | str:
    reasons = []
    title = row.get("CONTENT", "")
    labels = tuple(_LABEL.findall(title))
    content = " ".join(_LABEL.sub("", title).split())
    if not content:
        reasons.append("CONTENT is empty")
    elif len(content) > _TITLE_LIMIT:
        reasons.append(f"CONTENT has {len(content)} characters; at most {_TITLE_LIMIT} are a title")
    shown = row.get("PRIORITY") or "1"  # Todoist reads an empty cell as p1
    if shown not in {"1", "2", "3", "4"}:
        reasons.append(f"PRIORITY is {shown!r:.40}; expected 1 to 4")
    due = _natural_due(row.get("DATE", ""), row.get("DATE_LANG", ""), today)
    if isinstance(due, str):
        reasons.append(due)
    if reasons or isinstance(due, str):
        return "; ".join(reasons)
    priority: Priority = {"1": 4, "2": 3, "3": 2, "4": 1}[shown]  # type: ignore[assignment]
    try:
        return Task(
            id=str(number),
            content=content,
            description=row.get("DESCRIPTION", ""),
            due=due,
            priority=priority,
            labels=labels,
            project=project,
            section=section,
        )
    except ValidationError as error:
        return "; ".join(_plain(error))


_TODOISTS_OWN = {"tw": "zh-Hant", "pt-br": "pt"}  # codes of Todoist that mean another language elsewhere, or none
_HALF_A_YEAR = dt.timedelta(days=183)
_EVERY = re.compile(r"^\s*(every|ev|jede\w*|cada|chaque|tou(s|te)s? les|todo[as]?|毎|her)\b|^毎", re.IGNORECASE)


def _natural_due(text: str, language: str, today: dt.date) -> Due | str | None:
    """The due date behind `text` as people write it, or why it cannot be read."""
    if not text:
        return None
    import dateparser
    from dateparser.data.languages_info import language_order

    code = _TODOISTS_OWN.get(language.lower(), language)
    is_recurring = bool(_EVERY.match(text))
    spoken = _EVERY.sub("", text).strip() if is_recurring else text
    base = dt.datetime.combine(today, dt.time())

    def read_as(preferred: str) -> dt.datetime | None:
        found: dt.datetime | None = dateparser.parse(
            spoken,
            languages=[code] if code in language_order else None,
            settings={"RELATIVE_BASE": base, "PREFER_DATES_FROM": preferred, "RETURN_AS_TIMEZONE_AWARE": False},
        )
        return found

    parsed = read_as("future")
    if parsed is not None and parsed - base > _HALF_A_YEAR and (past := read_as("past")) is not None:
        # A day without a year is the nearer one: on 24 November, `20 Nov` is overdue and `5 Jan` is to come.
        parsed = min(parsed, past, key=lambda moment: abs(moment - base))
    if parsed is None and not is_recurring:
        return f"DATE is {text!r:.60}, which is no date that can be read"
    has_time = parsed is not None and parsed.time() != dt.time()
    return Due(
        date=parsed.date() if parsed else None,
        time=parsed.time().replace(second=0, microsecond=0) if parsed and has_time else None,
        string=text,
        is_recurring=is_recurring,
    )


# -- JSON ---------------------------------------------------------------------------------


def _read_json(text: str, zone: dt.tzinfo) -> TaskList:
    found = TaskList()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        found.faults.append(RowFault("file", f"is not JSON: {error}"))
        return found
    items, names = _items(content)
    if items is None:
        found.faults.append(RowFault("file", "holds no list of tasks, neither as `results` nor as `items`"))
        return found
    for index, item in enumerate(items):
        if isinstance(item, dict) and (item.get("checked") or item.get("is_completed") or item.get("is_deleted")):
            found.n_completed += 1
            continue
        try:
            found.tasks.append(_json_task(item, names, zone))
        except (TypeError, ValueError, AttributeError) as error:
            reason = "; ".join(_plain(error))
            found.faults.append(RowFault(f"[{index}]", reason))
    return found


def _items(content: object) -> tuple[list[Any] | None, dict[str, str]]:
    """The tasks in any of the API's shapes, and the names behind ids of projects and sections."""
    if isinstance(content, list):
        return content, {}
    if not isinstance(content, dict):
        return None, {}
    items = content.get("results", content.get("items"))
    named = [*(content.get("projects") or ()), *(content.get("sections") or ())]
    names = {str(entry.get("id")): str(entry.get("name", "")) for entry in named if isinstance(entry, dict)}
    return (items if isinstance(items, list) else None), names


def _json_task(item: Any, names: Mapping[str, str], zone: dt.tzinfo) -> Task:
    if not isinstance(item, dict):
        raise TypeError(f"is {item!r:.60}; expected an object")
    if _LOST in json.dumps(item, ensure_ascii=False):
        raise ValueError(_GARBLED)
    if not isinstance(item.get("labels") or [], list):
        raise TypeError(f"labels is {item['labels']!r:.60}; expected a list")
    project, section = item.get("project_id"), item.get("section_id")
    return Task(
        id=str(item.get("id", "")),
        content=item.get("content") or "",
        description=item.get("description") or "",
        due=_json_due(item.get("due"), zone),
        priority=item.get("priority") or 1,
        labels=tuple(item.get("labels") or ()),
        project=names.get(str(project), "") if project else "",
        section=names.get(str(section), "") if section else "",
        added_at=item.get("added_at") or item.get("created_at"),
    )


def _json_due(due: Any, zone: dt.tzinfo) -> Due | None:
    if due is None:
        return None
    if not isinstance(due, dict):
        raise TypeError(f"due is {due!r:.60}; expected an object")
    said = str(due.get("datetime") or due.get("date") or "")
    moment = dt.datetime.fromisoformat(said) if said else None
    if moment is not None and moment.tzinfo is not None:
        # A time fixed to a zone comes in UTC; one without an offset is meant wherever the person is.
        moment = moment.astimezone(zone)
    return Due(
        date=moment.date() if moment else None,
        time=moment.time() if moment and "T" in said else None,
        string=str(due.get("string") or ""),
        is_recurring=bool(due.get("is_recurring")),
    )


def _plain(error: Exception) -> Iterator[str]:
    entries = getattr(error, "errors", None)
    if entries is None:
        yield str(error)
        return
    for entry in entries():
        yield f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}; found {entry['input']!r:.60}"
