"""Parquet files of the lake as polars frames. The scoring path does not import this."""

import io

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
