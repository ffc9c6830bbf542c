"""Score files come in: checked line by line, taken whole, in part where that was asked for, or not at all.

Everybody's scores come this way, the automatic judge's too. A file that is taken moves to `judge/imported/`, one that
is refused to `judge/rejected/`; a report beside it names every fault by its line.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tip_serving.bench.judging import export, scores
from tip_serving.bench.judging.rubric import SCALE_MAX, SCALE_MIN, RubricError, load_rubric
from tip_serving.bench.store import CandidateStore
from tip_serving.lake import layout
from tip_serving.lake.storage import MissingError

_JUDGE = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,79}"


def judge_fault(judge: str) -> str | None:
    """What is wrong with `judge` as the name of one, or None."""
    if re.fullmatch(_JUDGE, judge):
        return None
    return (
        f"{judge!r:.90} cannot name a judge: up to 80 letters, digits, '.', '_', '@' and '-', a letter or digit first"
    )


class ScoreLine(BaseModel):
    """One line of a score file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    judge: Annotated[str, Field(pattern=rf"^{_JUDGE}$")]
    rubric_version: str
    scores: dict[str, Annotated[int, Field(ge=SCALE_MIN, le=SCALE_MAX)]]
    comment: Annotated[str, Field(max_length=2_000)] = ""


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
    """Whether these very scores were in already."""


def drop(store: CandidateStore, experiment: str, data: bytes, stem: str) -> str:
    """Put a score file into the experiment's inbox; its name there. The same content gets the same name."""
    filename = f"{layout.encode(stem)}-{hashlib.sha256(data).hexdigest()[:12]}.jsonl"
    store.lake.write(layout.inbox_file(experiment, filename), data)
    return filename


def import_inbox(store: CandidateStore, experiment: str) -> list[Report]:
    """Import every file that waits, in the order of their names."""
    prefix = layout.inbox(experiment) + "/"
    waiting = [entry.path.removeprefix(prefix) for entry in store.lake.find(layout.inbox(experiment))]
    reports = []
    for name in waiting:
        if name.endswith(".jsonl"):
            with suppress(MissingError):  # another worker imported and moved it meanwhile
                reports.append(import_file(store, experiment, name))
    return reports


def import_file(store: CandidateStore, experiment: str, filename: str, *, partial: bool = False) -> Report:
    """Import one file of the inbox and move it out of there.

    Args:
        store: whose lake holds the experiment.
        experiment: whose items were scored.
        filename: as it lies in the inbox.
        partial: keep the good lines of a file that has bad ones.
    """
    lake = store.lake
    data = lake.read(layout.inbox_file(experiment, filename))
    accepted, faults = _check(store, experiment, data)
    is_taken = bool(accepted) and (partial or not faults)
    is_repeat = is_taken and _append(store, experiment, data, accepted)
    report = Report(filename, len(accepted) if is_taken else 0, tuple(faults), is_taken, is_repeat)
    place = layout.imported_file if is_taken else layout.rejected_file
    lake.write(place(experiment, filename), data)
    if faults:
        listed = [{"line": fault.line, "reason": fault.reason} for fault in faults]
        text = json.dumps({"accepted": report.accepted, "faults": listed}, indent=1, ensure_ascii=False)
        lake.write(place(experiment, filename + ".report.json"), text.encode())
    lake.delete(layout.inbox_file(experiment, filename))
    return report


def _check(
    store: CandidateStore, experiment: str, data: bytes
) -> tuple[dict[str, tuple[ScoreLine, str]], list[LineFault]]:
    """The good lines by item, each with its candidate, and what is wrong with the others."""
    good: dict[str, tuple[ScoreLine, str]] = {}
    faults: list[LineFault] = []
    keys: dict[str, Mapping[str, str]] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        parsed = _parse(line)
        if isinstance(parsed, str):
            faults.append(LineFault(number, parsed))
            continue
        if parsed.judge not in keys:
            keys[parsed.judge] = export.read_keys(store, experiment, parsed.judge)
        reason = _reason_against(parsed, keys[parsed.judge], good)
        if reason is not None:
            faults.append(LineFault(number, reason))
        else:
            good[parsed.item] = (parsed, keys[parsed.judge][parsed.item])
    if not good and not faults:
        faults.append(LineFault(0, "the file holds no scores"))
    return good, faults


def _parse(line: bytes) -> ScoreLine | str:
    try:
        return ScoreLine.model_validate_json(line)
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, entry['loc'])) or 'line'}: {entry['msg']}" for entry in error.errors())


def _reason_against(line: ScoreLine, key: Mapping[str, str], good: Mapping[str, Any]) -> str | None:
    if not key:
        return f"nothing was ever exported for judge {line.judge!r} in this experiment"
    if line.item not in key:
        return f"item {line.item!r} was not exported for judge {line.judge!r}"
    if line.item in good:
        return f"item {line.item!r} stands on an earlier line already"
    try:
        names = set(load_rubric(line.rubric_version).names)
    except RubricError as error:
        return str(error)
    missing, unknown = sorted(names - set(line.scores)), sorted(set(line.scores) - names)
    reasons = [f"no points for {', '.join(missing)}"] if missing else []
    reasons += [f"{', '.join(unknown)} is not in rubric {line.rubric_version}"] if unknown else []
    return "; ".join(reasons) or None


def _append(store: CandidateStore, experiment: str, data: bytes, accepted: Mapping[str, tuple[ScoreLine, str]]) -> bool:
    """Add the accepted lines; whether they were all in already."""
    part = hashlib.sha256(experiment.encode() + b"\0" + data).hexdigest()[:20]
    now = datetime.now(UTC)
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for line, candidate_id in accepted.values():
        rubric = load_rubric(line.rubric_version)
        row: dict[str, object] = {
            "candidate_id": candidate_id,
            "judge": line.judge,
            "rubric_version": line.rubric_version,
            "score": rubric.score(dict(line.scores)),
            "comment": line.comment,
            "experiment": experiment,
            "imported_at": now,
            **{name: float(line.scores[name]) for name in rubric.names},
        }
        groups.setdefault((line.judge, line.rubric_version), []).append(row)
    is_repeat = True
    for (judge, rubric_version), rows in groups.items():
        if not scores.has_part(store.lake, part, judge, rubric_version):
            scores.append(store.lake, part, rows, judge, rubric_version)
            is_repeat = False
    return is_repeat
