"""The candidates of a cell, cumulative over experiments. Grain: one row per candidate.

Below the cell's folder lie Parquet parts (compacted) and `segments/*.jsonl` (one line per candidate, appended as they
come). A candidate is in a segment before it counts. Readers take the union and keep each candidate once, so a crash
between writing a part and deleting what it holds doubles nothing.

On a disk a segment grows in the lake itself; for an object store it grows in a local spool and its new lines are
shipped as further objects. A spool that a dead worker left is shipped by the next one.
"""

import json
import os
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tip_serving.bench.identity import Cell, Need
from tip_serving.generation.model import Completion
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, LakeError, MissingError
from tip_serving.lake.tables import Schema, empty, read_table, write_table

CANDIDATE_SCHEMA: Schema = {
    "candidate_id": pl.String,
    "model": pl.String,
    "prompt": pl.String,
    "prompt_hash": pl.String,
    "scenario_id": pl.String,
    "sample_index": pl.Int32,
    "text": pl.String,
    "finish_reason": pl.String,
    "temperature": pl.Float64,
    "max_tokens": pl.Int32,
    "seed": pl.Int64,
    "latency_ms": pl.Float64,
    "prompt_tokens": pl.Int32,
    "completion_tokens": pl.Int32,
    "cost_usd": pl.Float64,  # null where the model's price is unknown
    "n_attempts": pl.Int16,
    "paid_by": pl.String,  # the experiment that made the call
    "created_at": pl.Datetime("us", "UTC"),
}
_READ_ATTEMPTS = 5  # a compaction may delete a file between listing and reading; the next listing has its successor


def candidate_row(cell: Cell, prompt_hash: str, need: Need, completion: Completion, paid_by: str) -> dict[str, Any]:
    """The row of one candidate, JSON-ready."""
    request = need.request
    return {
        "candidate_id": need.candidate_id,
        "model": cell.model,
        "prompt": cell.prompt,
        "prompt_hash": prompt_hash,
        "scenario_id": need.scenario_id,
        "sample_index": need.sample_index,
        "text": completion.text,
        "finish_reason": completion.finish_reason,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "latency_ms": round(completion.latency_ms, 3),
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "cost_usd": completion.cost_usd,
        "n_attempts": completion.n_attempts,
        "paid_by": paid_by,
        "created_at": datetime.now(UTC).isoformat(),
    }


class Segment:
    """The open end of a cell: rows appended by one worker."""

    def __init__(self, lake: Lake, cell: Cell, spool: Path) -> None:
        self._lake = lake
        self._cell = cell
        self._name = uuid.uuid4().hex
        self._n_shipped = 0
        self._ships = lake.directory is None
        if lake.directory is None:
            self._path = spool / f"{self._name}.jsonl"
        else:
            self._path = lake.directory / layout.segment(*cell, self._name)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb", buffering=0)
        except OSError as error:
            raise LakeError(f"Cannot begin {self._path}: {error.strerror}.") from error
        self._size = 0
        self._unshipped = bytearray()
        self._is_dirty = False
        self._syncing = threading.Lock()

    def append(self, row: Mapping[str, Any]) -> None:
        """Hand the row to the operating system: it survives the death of this process.

        Raises:
            LakeError: the disk took no more; what it took of the row is taken back.
        """
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        rest = memoryview(line)
        try:
            while rest:  # a disk that is nearly full takes a part
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            raise LakeError(f"Cannot keep a candidate in {self._path}: {error.strerror}.") from error
        self._size += len(line)
        if self._ships:
            self._unshipped += line
        self._is_dirty = True

    def sync(self) -> None:
        """Make all appended rows survive the death of the machine, in the object store where the lake is one.

        Rows may be appended meanwhile from another thread; they are kept for the next call.
        """
        with self._syncing:
            self._sync()

    def close(self) -> None:
        """Sync and end; a spool that was shipped whole is removed."""
        with self._syncing:
            if self._file.closed:
                return
            self._sync()
            self._file.close()
        if self._ships or self._size == 0:
            self._path.unlink(missing_ok=True)

    def _sync(self) -> None:
        if not self._is_dirty:
            return
        self._is_dirty = False
        try:
            if self._ships:
                chunk = bytes(self._unshipped)
                self._lake.write(layout.segment(*self._cell, f"{self._name}-{self._n_shipped:05d}"), chunk)
                self._n_shipped += 1
                del self._unshipped[: len(chunk)]
            else:
                os.fsync(self._file.fileno())
        except BaseException:
            self._is_dirty = True
            raise


class CandidateStore:
    """All candidates ever made, cell by cell.

    Args:
        lake: where they lie.
        spool: a local folder for rows that are not yet in an object store.
    """

    def __init__(self, lake: Lake, spool: Path) -> None:
        self.lake = lake
        self._spool = spool

    def _spool_of(self, cell: Cell) -> Path:
        return self._spool / layout.encode(self.lake.url) / layout.encode(cell.model) / layout.encode(cell.prompt)

    def open_segment(self, cell: Cell) -> Segment:
        """A segment to append to; only for the holder of the cell's lease."""
        return Segment(self.lake, cell, self._spool_of(cell))

    def recover(self, cell: Cell) -> None:
        """Ship what a dead worker left in the spool; only for the holder of the cell's lease."""
        for path in sorted(self._spool_of(cell).glob("*.jsonl")):
            self.lake.write(layout.segment(*cell, f"{path.stem}-recovered"), path.read_bytes())
            path.unlink()

    def load(self, cell: Cell) -> pl.DataFrame:
        """Every candidate of `cell` once, with the columns of CANDIDATE_SCHEMA."""
        return self._union(cell, self._files(cell))

    def compact(self, cell: Cell) -> None:
        """Turn segments and parts into one part; only for the holder of the cell's lease."""
        files = self._files(cell)
        if not any(path.endswith(".jsonl") for path in files):
            return
        frame = self._union(cell, files)
        if not frame.is_empty():
            write_table(self.lake, layout.candidates_table(*cell, uuid.uuid4().hex), frame)
        for path in files:
            self.lake.delete(path)

    def _files(self, cell: Cell) -> list[str]:
        found = [entry.path for entry in self.lake.find(layout.cell_store(*cell))]
        return [path for path in found if path.endswith((".parquet", ".jsonl"))]

    def _union(self, cell: Cell, files: list[str]) -> pl.DataFrame:
        for attempt in range(_READ_ATTEMPTS):
            try:
                frames = [self._read(path) for path in files]
            except MissingError:
                if attempt == _READ_ATTEMPTS - 1:
                    raise
                files = self._files(cell)
            else:
                return pl.concat([empty(CANDIDATE_SCHEMA), *frames]).unique(
                    "candidate_id", keep="first", maintain_order=True
                )
        raise AssertionError

    def _read(self, path: str) -> pl.DataFrame:
        if path.endswith(".parquet"):
            return read_table(self.lake, path).select(list(CANDIDATE_SCHEMA))
        # A worker killed while writing leaves half a line: without its newline it never was a candidate.
        whole_lines = self.lake.read(path).rpartition(b"\n")[0]
        rows = [json.loads(line) for line in whole_lines.splitlines() if line]
        for row in rows:
            row["created_at"] = datetime.fromisoformat(row["created_at"])
        return pl.DataFrame(rows, schema=CANDIDATE_SCHEMA, strict=False) if rows else empty(CANDIDATE_SCHEMA)
