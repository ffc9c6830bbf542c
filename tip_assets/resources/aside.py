"""Databases that libraries create step by step, made aside and put in place whole.

Dagster and MLflow create their tables in many transactions, and refuse for ever a database on which they were killed
halfway. Here nothing is in place before it is finished.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def made_aside(target: Path) -> Iterator[Path]:
    """A path beside `target` to make a file or a directory at; it becomes `target` when the block ends.

    Where another process was first, its work stays and this one is thrown away.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield room / target.name
        _put_in_place(room / target.name, target)
    finally:
        shutil.rmtree(room)


def _put_in_place(made: Path, target: Path) -> None:
    try:
        if made.is_dir():
            os.rename(made, target)  # noqa: PTH104  rename(2) replaces an empty directory and refuses a filled one
        else:
            os.link(made, target)  # link(2) refuses a target that is there; rename would replace it
    except OSError:
        if not target.exists():
            raise
