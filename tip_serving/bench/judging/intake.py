"""Judgements come in: checked line by line, taken whole, in part where that was asked for, or not at all.

Everybody's come this way, whether a file was dropped into the inbox, a command or a webhook brought it, or a judge of
ours wrote it. A file that is taken moves to `judge/imported/`, one that is refused to `judge/rejected/`; a report
beside it names every fault by its line. What is said last stands, also where it was said before.
"""

import codecs
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tip_serving.bench.judging.anchors import ANCHOR_SCORES
from tip_serving.bench.judging.export import ItemKind, Key, read_keys
from tip_serving.bench.judging.ledger import Ledger
from tip_serving.bench.judging.rubric import SCALE_MAX, SCALE_MIN, load_rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.verdicts import OUTCOMES, VERDICTS
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError

_MAX_NAME = 200
"""Bytes of a file's name that a judge or a stem may take; common disks end at 255, and names grow by a few marks."""
_JUDGE = r"[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,119}"
_LEDGERS: Mapping[str, Ledger] = {ItemKind.TIP: SCORES, ItemKind.PAIR: VERDICTS, ItemKind.ANCHOR: ANCHOR_SCORES}


def judge_fault(judge: str) -> str | None:
    """What is wrong with `judge` as the name of one, or None."""
    if re.fullmatch(_JUDGE, judge):
        n_bytes = len(layout.encode(judge))
        return None if n_bytes <= _MAX_NAME else f"{judge} is too long: it would name a file, with {n_bytes} bytes"
    allowed = "up to 120 letters, digits and any of . _ @ : / + -, a letter or digit first"
    return f"{judge!r:.130} cannot name a judge: {allowed}"


def _no_truth_value(points: object) -> object:
    if isinstance(points, bool):
        raise ValueError("Input should be points, not true or false")  # noqa: TRY004  pydantic lists ValueErrors
    return points


Points = Annotated[int, Field(ge=SCALE_MIN, le=SCALE_MAX), BeforeValidator(_no_truth_value)]


class Judgement(BaseModel):
    """One line of a score file: points for a tip, or which tip of a pair is better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    judge: Annotated[str, Field(pattern=rf"^{_JUDGE}$")]
    rubric_version: str
    scores: dict[str, Points] | None = None
    preferred: str | None = None
    comment: Annotated[str, Field(max_length=2_000)] = ""
    cost_usd: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = None
    """What the judgement cost, where a model was paid for it."""


class LineFault(NamedTuple):
    """What is wrong with one line; line 0 speaks of the whole file."""

    line: int
    reason: str


class Report(NamedTuple):
    """What became of a file."""

    filename: str
    accepted: int
    faults: tuple[LineFault, ...]
    is_taken: bool
    """False where nothing was kept: faults, and no partial import was asked for."""
    is_repeat: bool = False
    """Whether these very judgements were in already."""
    listed_in: str | None = None
    """Where in the lake all faults are listed, if there are any."""


class _Accepted(NamedTuple):
    line: Judgement
    key: Key


def drop(lake: Lake, experiment: str, data: bytes, stem: str) -> str:
    """Put a score file into the experiment's inbox; its name there. The same content gets the same name."""
    filename = f"{layout.encode(stem)[:_MAX_NAME]}-{_digest(data)[:12]}.jsonl"
    lake.write(layout.inbox_file(experiment, filename), data)
    return filename


def submit(lake: Lake, experiment: str, data: bytes, stem: str, *, partial: bool = False) -> Report:
    """Take judgements that arrive in one piece: what a command and a webhook call.

    Args:
        lake: that holds the experiment.
        experiment: whose items were judged.
        data: the JSON lines.
        stem: what the file is to be called by.
        partial: keep the good lines where there are bad ones.
    """
    return import_file(lake, experiment, drop(lake, experiment, data, stem), partial=partial)


def faults_in(lake: Lake, experiment: str, data: bytes) -> tuple[LineFault, ...]:
    """What keeps judgements from being taken whole; changes nothing."""
    return tuple(_check(lake, experiment, data)[1])


def import_inbox(lake: Lake, experiment: str) -> list[Report]:
    """Import every file that waits, in the order in which they came."""
    prefix = layout.inbox(experiment) + "/"
    entries = sorted(lake.find(layout.inbox(experiment)), key=lambda entry: (entry.modified, entry.path))
    waiting = [entry.path.removeprefix(prefix) for entry in entries]
    reports = []
    for name in waiting:
        if name.endswith(".jsonl"):
            with suppress(MissingError):  # another worker imported and moved it meanwhile
                reports.append(import_file(lake, experiment, name))
    return reports


def import_file(lake: Lake, experiment: str, filename: str, *, partial: bool = False) -> Report:
    """Import one file of the inbox and move it out of there. Raises MissingError where it lies there no more."""
    data = lake.read(layout.inbox_file(experiment, filename))
    accepted, faults = _check(lake, experiment, data)
    is_taken = bool(accepted) and (partial or not faults)
    place, kept_as, added = layout.rejected_file, filename, None
    if is_taken:
        earlier = _read_or_none(lake, layout.imported_file(experiment, filename))
        added = _append(lake, experiment, accepted, layout.inbox_file(experiment, filename))
        place = layout.imported_file
        if earlier is not None and (added or earlier != data):
            kept_as = f"{filename.removesuffix('.jsonl')[:_MAX_NAME]}-{added or _digest(data)}.jsonl"
    lake.write(place(experiment, kept_as), data)
    n_accepted = len(accepted) if is_taken else 0
    listed_in = place(experiment, kept_as + ".report.json") if faults else None
    if listed_in is not None:
        listed = [{"line": fault.line, "reason": fault.reason} for fault in faults]
        text = json.dumps({"accepted": n_accepted, "faults": listed}, indent=1, ensure_ascii=False)
        lake.write(listed_in, text.encode())
    if _read_or_none(lake, layout.inbox_file(experiment, filename)) == data:  # else somebody still writes it
        lake.delete(layout.inbox_file(experiment, filename))
    return Report(filename, n_accepted, tuple(faults), is_taken, is_taken and added is None, listed_in)


def _read_or_none(lake: Lake, path: str) -> bytes | None:
    try:
        return lake.read(path)
    except MissingError:
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:20]


def _check(lake: Lake, experiment: str, data: bytes) -> tuple[list[_Accepted], list[LineFault]]:
    """The good lines, each with what hides behind its item, and what is wrong with the others."""
    good: dict[tuple[str, str], _Accepted] = {}
    faults: list[LineFault] = []
    keys: dict[str, Mapping[str, Key]] = {}
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).splitlines(), 1):
        if not line.strip():
            continue
        parsed = _parse(line)
        if isinstance(parsed, str):
            faults.append(LineFault(number, parsed))
            continue
        if parsed.judge not in keys:
            keys[parsed.judge] = read_keys(lake, experiment, parsed.judge)
        reasons = list(_reasons_against(parsed, keys[parsed.judge]))
        if (parsed.judge, parsed.item) in good:
            reasons.append(f"item {parsed.item!r} stands on an earlier line already")
        if reasons:
            faults.append(LineFault(number, "; ".join(reasons)))
        else:
            good[parsed.judge, parsed.item] = _Accepted(parsed, keys[parsed.judge][parsed.item])
    if not good and not faults:
        faults.append(LineFault(0, "the file holds no scores"))
    return list(good.values()), faults


def _parse(line: bytes) -> Judgement | str:
    try:
        return Judgement.model_validate_json(line)
    except ValidationError as error:
        return "; ".join(
            f"{'.'.join(map(str, entry['loc'])) or 'line'}: {entry['msg'].removeprefix('Value error, ')}"
            for entry in error.errors()
        )


def _reasons_against(line: Judgement, keys: Mapping[str, Key]) -> Iterator[str]:
    """Everything that keeps a line from being taken."""
    key = keys.get(line.item)
    if key is None:
        if keys:
            yield f"item {line.item!r} was not exported for judge {line.judge!r}"
        else:
            yield f"nothing was ever exported for judge {line.judge!r} in this experiment"
    elif line.rubric_version != key.rubric_version:
        yield f"the item was exported under rubric {key.rubric_version}, the line says {line.rubric_version!r}"
    elif key.kind == ItemKind.PAIR:
        yield from _reasons_against_preference(line)
    else:
        yield from _reasons_against_points(line)


def _reasons_against_preference(line: Judgement) -> Iterator[str]:
    if line.preferred not in OUTCOMES:
        yield f"preferred: {line.preferred!r:.40} is none of {', '.join(OUTCOMES)}"
    if line.scores is not None:
        yield "scores: the item is a pair and takes `preferred` only"


def _reasons_against_points(line: Judgement) -> Iterator[str]:
    if line.preferred is not None:
        yield "preferred: the item is a single tip and takes `scores` only"
    names, given = set(load_rubric(line.rubric_version).names), set(line.scores or ())
    if names - given:
        yield f"no points for {', '.join(sorted(names - given))}"
    if given - names:
        yield f"{', '.join(sorted(given - names))} is not in rubric {line.rubric_version}"


def _append(lake: Lake, experiment: str, accepted: list[_Accepted], source: str) -> str | None:
    """Add the accepted lines to their ledgers; the name of what was added, None where they were all in already.

    Lines that are in and do not stand any more are added once more if `source` came after them. A file that is older
    was left behind by a process that died between taking it and moving it away, and says nothing new.
    """
    # Of what was accepted, not of the file: lines that were faulty once may be good when the file comes again.
    content = "\n".join([experiment, *(line.model_dump_json() for line, _ in accepted)])
    part = _digest(content.encode())
    now = datetime.now(UTC)
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for line, key in accepted:
        groups[key.kind, line.judge, line.rubric_version].append(_row(line, key, experiment, now))
    added = None
    for (kind, judge, version), rows in groups.items():
        ledger = _LEDGERS[kind]
        if ledger.append(lake, part, rows, judge, version):
            added = part
        elif _is_newer(lake, source, layout.part(ledger.root, judge, version, part)) and not ledger.holds(
            lake, rows, judge, version
        ):
            n_rows = ledger.history(lake, judge, version).height
            added = _digest(f"{part} after {n_rows} rows".encode())
            ledger.append(lake, added, rows, judge, version)
    return added


def _is_newer(lake: Lake, path: str, than: str) -> bool:
    """Whether the file at `path` was written after the other one; False where either is gone."""
    folders = {name.rpartition("/")[0] for name in (path, than)}
    at = {entry.path: entry.modified for folder in folders for entry in lake.find(folder)}
    return path in at and than in at and at[path] > at[than]


def _row(line: Judgement, key: Key, experiment: str, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "judge": line.judge,
        "rubric_version": line.rubric_version,
        "comment": line.comment,
        "cost_usd": line.cost_usd,
        "experiment": experiment,
        "imported_at": now,
    }
    if key.kind == ItemKind.PAIR:
        outcome = OUTCOMES[line.preferred or ""]
        return row | {"first_id": key.candidate_id, "second_id": key.other_id, "outcome": outcome}
    rubric = load_rubric(line.rubric_version)
    points = {name: float(value) for name, value in (line.scores or {}).items()}
    row |= points | {"score": rubric.score(points)}
    if key.kind == ItemKind.ANCHOR:
        about = {"anchor_set": key.anchor_set, "anchor_id": key.candidate_id, "expected": key.expected}
        return row | about | {"batch": key.batch}
    return row | {"candidate_id": key.candidate_id}
