"""The journal of a judging session: a local file to which everything is appended the moment it happens.

One JSON object a line, handed to the operating system before it counts. Verdicts leave it for the lake in chunks: a cut
ends a chunk, and a mark says that it was shipped. What a dead process left is shipped in the same chunks, so that a
chunk which had arrived is known there and changes nothing.
"""

import json
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tip_serving.bench.judging import intake, sessions
from tip_serving.bench.judging.sessions import Ending, Header, Session, Tally
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError


class EmptyJournalError(Exception):
    """A journal whose process died before it had written its first line."""


class Journal:
    """One session's events, of this process or of a dead one. Threads may share it.

    Args:
        path: of the file; what it holds is counted first.
        header: of a new session; None to read the one that the file opens with.

    Raises:
        EmptyJournalError: there is no header, so nothing was judged yet.
    """

    def __init__(self, path: Path, header: Header | None = None) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._shipping = threading.Lock()
        self._tally = Tally()
        self._loose: list[dict[str, Any]] = []
        self._chunks: deque[list[dict[str, Any]]] = deque()
        path.parent.mkdir(parents=True, exist_ok=True)
        # A process killed while writing leaves half a line: it never counted.
        events = path.read_bytes().rpartition(b"\n")[0].splitlines() if path.exists() else []
        self._file = path.open("ab", buffering=0)
        self._file.truncate(sum(len(line) + 1 for line in events))
        if header is not None:
            self.note({"event": "opened", "header": header.model_dump(mode="json")})
        elif not events:
            self._file.close()
            raise EmptyJournalError(f"{path} holds no header")
        self.header = header or Header.model_validate(json.loads(events[0])["header"])
        for line in events[1:]:
            self._take(json.loads(line))

    @classmethod
    def folder(cls, home: Path, lake: Lake, experiment: str, judge: str) -> Path:
        """Where the journals of one judge in one experiment of one lake lie."""
        names = (lake.url, experiment, judge)
        return home.joinpath("spool", "judging", *(layout.encode(name) for name in names))

    def note(self, event: Mapping[str, Any]) -> None:
        """Write the event down and count it: it survives the death of this process."""
        with self._writing:
            self._file.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
            self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        self._tally.take(event)
        match event:
            case {"event": "verdict", "line": line}:
                self._loose.append(line)
            case {"event": "cut"}:
                self._chunks.append(self._loose)
                self._loose = []
            case {"event": "shipped"}:
                self._chunks.popleft()

    @property
    def tally(self) -> Tally:
        """The totals so far."""
        return self._tally

    @property
    def n_unshipped(self) -> int:
        """Verdicts that may not be in the lake yet."""
        return len(self._loose) + sum(len(chunk) for chunk in self._chunks)

    def ship(self, lake: Lake) -> None:
        """Hand every verdict that is not in the lake yet to the intake."""
        with self._shipping:
            if self._loose:
                self.note({"event": "cut"})
            while self._chunks:
                self._submit(lake, self._chunks[0])
                self.note({"event": "shipped"})

    def _submit(self, lake: Lake, lines: list[dict[str, Any]]) -> None:
        data = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
        with suppress(MissingError):  # whoever imports the inbox took the file first
            report = intake.submit(lake, self.header.experiment, data, self.header.judge, partial=True)
            for fault in report.faults:
                self.note({"event": "refused", "item": lines[fault.line - 1]["item"], "reason": fault.reason})

    def session(self, ending: Ending, reason: str | None = None, ended_at: datetime | None = None) -> Session:
        """The session as it stands."""
        with self._writing:
            return self._tally.session(self.header, ending, reason, ended_at)

    def remove(self) -> None:
        """End the journal of a session that is in the lake with all its verdicts."""
        self._file.close()
        self._path.unlink()


def recover(folder: Path, lake: Lake) -> int:
    """Bring into the lake what dead processes left here; how many verdicts that were. Only for the lease's holder."""
    n_recovered = 0
    for path in sorted(folder.glob("*.jsonl")):
        last_sign = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        try:
            journal = Journal(path)
        except EmptyJournalError:
            path.unlink()
            continue
        n_recovered += journal.n_unshipped
        journal.ship(lake)
        sessions.write(lake, journal.session(Ending.DIED, "its process ended without a word", last_sign))
        journal.remove()
    return n_recovered
