"""Parquet files of the lake as polars frames. The scoring path does not import this."""

import io
from collections.abc import Callable

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from tip_serving.lake.storage import Lake

Schema = dict[str, DataType | DataTypeClass]


def read_table(lake: Lake, path: str, columns: list[str] | None = None) -> pl.DataFrame:
    """The table at `path`. Raises MissingError."""
    return pl.read_parquet(io.BytesIO(lake.read(path)), columns=columns)


def write_table(lake: Lake, path: str, frame: pl.DataFrame) -> None:
    """Replace the table at `path` in one step."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    lake.write(path, buffer.getvalue())


def empty(schema: Schema) -> pl.DataFrame:
    """No rows of this schema."""
    return pl.DataFrame(schema=schema)


def put_table(lake: Lake, path: str, frame: pl.DataFrame) -> None:
    """Replace the table at `path` in one step; without rows, nothing is left there."""
    if frame.is_empty():
        lake.delete(path)
    else:
        write_table(lake, path, frame)


def remove_rows(
    lake: Lake,
    folder: str,
    is_gone: Callable[[pl.DataFrame], pl.Series],
    put: Callable[[Lake, str, pl.DataFrame], None] = put_table,
) -> int:
    """Take rows out of every table below a folder; how many.

    Args:
        lake: with or without the folder.
        folder: which holds tables alone.
        is_gone: of a table's rows, which are to go.
        put: writes what is left.
    """
    n_removed = 0
    for entry in lake.find(folder):
        frame = read_table(lake, entry.path)
        left = frame.filter(~is_gone(frame))
        if left.height < frame.height:
            put(lake, entry.path, left)
        n_removed += frame.height - left.height
    return n_removed
