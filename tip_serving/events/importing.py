"""Write-ahead files on their way into the event store, where no broker carries events.

    <directory>/<name>.jsonl            waits, see `wal`
                imported/<name>.jsonl   every event of it is in the store
                refused/<name>.jsonl    its lines that are no event, and <name>.txt says of each why; mended, such a
                                        file can be put back among those that wait

Interrupted anywhere, an import starts the file again: what the store has is not taken twice.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tip_serving.events import wal
from tip_serving.events.kinds import AnyEvent, PoisonError, decode, encode
from tip_serving.events.store import EventStore, Kept, keep_each

BATCH = 2_000


class Imported(NamedTuple):
    """One file that was imported."""

    path: Path
    """Where it lies now."""
    kept: Kept
    n_refused: int


class _Refused(NamedTuple):
    line: int
    body: bytes
    reason: str


def import_files(store: EventStore, directory: Path) -> Iterator[Imported]:
    """Import the finished files of a directory, the oldest first; each as it is done.

    Raises:
        EventStoreError: the store is away or full; the file at hand and those after it wait.
        OSError: the directory cannot be read or changed.
    """
    for path in wal.finished(directory):
        try:
            yield _import_file(store, path)
        except FileNotFoundError:
            continue  # a server has a broker again and was faster


def _import_file(store: EventStore, path: Path) -> Imported:
    kept = Kept()
    refused: list[_Refused] = []
    numbered = enumerate(wal.lines(path), 1)
    while batch := list(islice(numbered, BATCH)):
        events: list[tuple[int, AnyEvent]] = []
        for number, line in batch:
            try:
                events.append((number, decode(line)))
            except PoisonError as error:
                refused.append(_Refused(number, line, str(error)))
        done, unfit = keep_each(store, [event for _, event in events])
        kept = kept.plus(done)
        reasons = {id(event): reason for event, reason in unfit}
        refused += [_Refused(n, encode(event), reasons[id(event)]) for n, event in events if id(event) in reasons]
    if refused:
        _set_aside(path, sorted(refused))
    target = path.parent / "imported" / path.name
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    return Imported(target, kept, len(refused))


def _set_aside(path: Path, refused: list[_Refused]) -> None:
    folder = path.parent / "refused"
    folder.mkdir(exist_ok=True)
    (folder / path.name).write_bytes(b"".join(one.body + b"\n" for one in refused))
    reasons = "".join(f"line {one.line} of {path.name}: {one.reason}\n" for one in refused)
    (folder / path.with_suffix(".txt").name).write_text(reasons, encoding="utf-8")
