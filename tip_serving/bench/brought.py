"""Results that were measured elsewhere become an experiment: the statistics here serve any benchmark's raw data.

A file of JSON lines or CSV holds one row per (model, prompt, scenario, sample_index, judge). Such an experiment has no
spec: nothing is generated for it. `brought.json` says what it holds; candidates and scores lie where all others lie.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tip_serving.bench import results
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging.intake import judge_fault
from tip_serving.bench.judging.rubric import BROUGHT
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.results import VIEW_SCHEMA, CellResult, CellStatus
from tip_serving.bench.spec import name_fault
from tip_serving.bench.store import CANDIDATE_SCHEMA
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table

DEFAULT_JUDGE = "brought"
_KEY = ("model", "prompt", "scenario", "sample_index", "judge")
_MAX_FAULTS = 100
_REQUIRED = ("model", "prompt", "scenario", "score")
_PRINTED = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Names are shown in terminals, which obey control characters."""
_MAX_FILENAME = 255  # bytes of a name on common disks


class RowFault(NamedTuple):
    """One row that cannot be taken; line 0 speaks of the whole file."""

    line: int
    reason: str


class BroughtError(ValueError):
    """Results that are refused; nothing was written."""

    def __init__(self, faults: Sequence[RowFault]) -> None:
        super().__init__("\n".join(f"line {fault.line}: {fault.reason}" for fault in faults))
        self.faults = tuple(faults)


class Result(BaseModel):
    """One row of a file of foreign results; numbers serve as names too."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    model: Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTED)]
    prompt: Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTED)]
    scenario: Annotated[str, Field(min_length=1, max_length=500, pattern=_PRINTED)]
    score: Annotated[float | None, Field(allow_inf_nan=False)]
    """Null or empty is unscored, never zero."""
    sample_index: Annotated[int, Field(ge=0, lt=2**31)] = 0
    text: Annotated[str, Field(max_length=100_000)] = ""
    judge: str = DEFAULT_JUDGE


class Brought(BaseModel):
    """What `brought.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str
    cells: tuple[Cell, ...]
    n_scenarios: int
    n_candidates: int
    judges: tuple[str, ...]
    source_sha256: str
    brought_at: AwareDatetime


class Bringing(NamedTuple):
    """What became of a file."""

    held: Brought
    faults: tuple[RowFault, ...]
    """Of the rows that were left out."""
    is_repeat: bool
    """Whether these very results were in already."""


def read(data: bytes, filename: str) -> tuple[list[Result], list[RowFault]]:
    """The rows of a file and what is wrong with the others, by line.

    Args:
        data: JSON lines or CSV with a header.
        filename: `.csv` or `.jsonl`; for another name the content tells.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return [], [RowFault(line, "is not UTF-8; save the file in that encoding")]
    suffix = filename.lower().rpartition(".")[2]
    is_csv = suffix == "csv" or (suffix not in {"jsonl", "ndjson", "json"} and not text.lstrip().startswith("{"))
    found: dict[tuple[object, ...], Result] = {}
    faults = []
    for line, raw in _from_csv(text) if is_csv else _from_json_lines(text):
        row = _parsed(raw)
        if isinstance(row, str):
            faults.append(RowFault(line, row))
            continue
        key = tuple(getattr(row, name) for name in _KEY)
        if key in found:
            faults.append(RowFault(line, f"the same {', '.join(_KEY)} stand on an earlier line already"))
        found.setdefault(key, row)
    if not found and not faults:
        faults.append(RowFault(0, "the file holds no results"))
    return list(found.values()), faults


def _from_csv(text: str) -> Iterator[tuple[int, Any]]:
    """Each row with the line on which it begins; a row that cannot be read as its fault."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    begins_at = 1
    try:
        for raw in reader:
            line, begins_at = begins_at, reader.line_num + 1
            if not any(raw):
                continue
            if not header:
                header = [name.strip() for name in raw]
                fault = _header_fault(header)
                if fault is not None:
                    yield line, fault
                    return
            elif len(raw) != len(header):
                yield line, f"has {len(raw)} fields, the header has {len(header)}"
            else:
                row = dict(zip(header, raw, strict=True))
                yield line, {name: value for name, value in row.items() if value} | {"score": row["score"] or None}
    except csv.Error as error:
        yield begins_at, f"cannot be read, nor what follows: {error}"


def _header_fault(header: Sequence[str]) -> str | None:
    reasons = [f"lacks {name}" for name in _REQUIRED if name not in header]
    reasons += [f"names {name!r:.80}, which is no column" for name in header if name not in Result.model_fields]
    reasons += [f"names {name} twice" for name in Result.model_fields if header.count(name) > 1]
    return f"the header {'; '.join(reasons)}" if reasons else None


def _from_json_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would cut at signs that a JSON string may hold
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except ValueError as error:
            yield number, f"is not JSON: {error}"
            continue
        if isinstance(raw, dict):
            raw = {name: value for name, value in raw.items() if value is not None or name == "score"}
        yield number, raw


def _parsed(raw: Any) -> Result | str:
    if isinstance(raw, str):
        return raw
    try:
        row = Result.model_validate(raw)
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'row'}: {one['msg']}" for one in error.errors())
    n_bytes = len(layout.cell_result("", row.model, row.prompt).rpartition("/")[2])
    if n_bytes > _MAX_FILENAME:
        return f"model and prompt are too long: a file would be named after them, with {n_bytes} bytes"
    return judge_fault(row.judge) or row


def bring(lake: Lake, experiment: str, data: bytes, filename: str, *, partial: bool = False) -> Bringing:
    """Make an experiment of a file of results; a repetition of the same file changes nothing.

    Raises:
        BroughtError: the name cannot be an experiment's or is taken by other results or a spec; rows are faulty and
            `partial` does not allow to leave them out. Nothing was written.
    """
    rows, faults = read(data, filename)
    digest = hashlib.sha256(data).hexdigest()
    reasons = [reason for reason in (name_fault(experiment), _taken(lake, experiment, digest)) if reason]
    if reasons:
        raise BroughtError([RowFault(0, reason) for reason in reasons])
    if faults and not (partial and rows):
        raise BroughtError(_shortened(faults))
    if lake.exists(layout.brought(experiment)):
        return Bringing(load(lake, experiment), _shortened(faults), is_repeat=True)
    frame = _framed(experiment, rows)
    now = datetime.now(UTC)
    cells = _write_cells(lake, experiment, frame, now)
    _write_scores(lake, experiment, frame, digest, now)
    brought = Brought(
        experiment=experiment,
        cells=tuple(cells),
        n_scenarios=frame["scenario_id"].n_unique(),
        n_candidates=frame["candidate_id"].n_unique(),
        judges=tuple(sorted(frame["judge"].unique())),
        source_sha256=digest,
        brought_at=now,
    )
    lake.write(layout.brought(experiment), brought.model_dump_json(indent=1).encode())
    return Bringing(brought, _shortened(faults), is_repeat=False)


def _shortened(faults: Sequence[RowFault]) -> tuple[RowFault, ...]:
    n_more = len(faults) - _MAX_FAULTS
    more = [RowFault(0, f"{n_more:,} more lines are faulty")] if n_more > 0 else []
    return (*faults[:_MAX_FAULTS], *more)


def load(lake: Lake, experiment: str) -> Brought:
    """What was brought. Raises MissingError."""
    return Brought.model_validate_json(lake.read(layout.brought(experiment)))


def _taken(lake: Lake, experiment: str, digest: str) -> str | None:
    if lake.exists(layout.spec(experiment)):
        return f"{experiment} is an experiment of its own; name another one"
    if lake.exists(layout.brought(experiment)) and load(lake, experiment).source_sha256 != digest:
        return f"{experiment} holds other results already; name another one"
    return None


def _framed(experiment: str, rows: Sequence[Result]) -> pl.DataFrame:
    """One row per result, with the candidate that it is about."""
    columns = {name: [getattr(row, name) for row in rows] for name in Result.model_fields}
    frame = pl.DataFrame(columns, schema_overrides={"score": pl.Float64, "sample_index": pl.Int32})
    identities = [_identity(experiment, row) for row in rows]
    return frame.with_columns(candidate_id=pl.Series(identities)).rename({"scenario": "scenario_id"})


def _identity(experiment: str, row: Result) -> str:
    named = json.dumps([experiment, row.model, row.prompt, row.scenario, row.sample_index])
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def _write_cells(lake: Lake, experiment: str, frame: pl.DataFrame, now: datetime) -> list[Cell]:
    """Candidates, views and results, cell by cell."""
    # The same candidate may have a row of each judge; the longest text is the one that has one.
    candidates = frame.sort(pl.col("text").str.len_chars(), descending=True, maintain_order=True).unique(
        "candidate_id", keep="first", maintain_order=True
    )
    filled = {"prompt_hash": "", "finish_reason": "", "temperature": 0.0, "max_tokens": 0, "seed": 0,
              "latency_ms": None, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": None, "n_attempts": 0,
              "paid_by": experiment, "created_at": now}  # fmt: skip
    constants = [pl.lit(value, dtype=CANDIDATE_SCHEMA[name]).alias(name) for name, value in filled.items()]
    whole = candidates.with_columns(constants)
    cells = []
    for (model, prompt), rows in whole.group_by("model", "prompt", maintain_order=True):
        cell = Cell(str(model), str(prompt))
        cells.append(cell)
        write_table(lake, layout.candidates_table(*cell, f"brought-{experiment}"), rows.select(list(CANDIDATE_SCHEMA)))
        write_table(lake, layout.cell_view(experiment, *cell), rows.select(list(VIEW_SCHEMA)))
        result = CellResult(
            model=cell.model, prompt=cell.prompt, prompt_hash="", status=CellStatus.COMPLETE,
            n_needed=rows.height, n_done=rows.height, n_called=0, result_id=f"brought-{experiment}", finished_at=now,
        )  # fmt: skip
        results.save(lake, experiment, result)
    return cells


def _write_scores(lake: Lake, experiment: str, frame: pl.DataFrame, digest: str, now: datetime) -> None:
    scored = frame.drop_nulls("score")
    for (judge,), rows in scored.group_by("judge", maintain_order=True):
        told = rows.select("candidate_id", "judge", "score").with_columns(
            rubric_version=pl.lit(BROUGHT), comment=pl.lit(""), cost_usd=pl.lit(None, dtype=pl.Float64),
            experiment=pl.lit(experiment), imported_at=pl.lit(now, dtype=pl.Datetime("us", "UTC")),
        )  # fmt: skip
        # With the experiment in it: the same file may be brought under two names.
        part = hashlib.sha256(f"{experiment}:{digest}".encode()).hexdigest()[:20]
        SCORES.add(lake, part, told, str(judge), BROUGHT)
