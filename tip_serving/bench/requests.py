"""Requests that anybody may leave in the lake: cancel an experiment, or ask for its failed cells once more."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tip_serving.bench.identity import Cell
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError


class Request(BaseModel):
    """Who asked, when, and for which cells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    by: str = "unknown"
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    cells: tuple[str, ...] = ()
    """As `model|prompt`; none means all."""

    def covers(self, cell: Cell) -> bool:
        """Whether the request is about this cell."""
        return not self.cells or cell.key in self.cells


def cancel(lake: Lake, experiment: str, by: str) -> Request:
    """Ask whoever works on the experiment to stop; a later `run` or `retry` goes on."""
    request = Request(by=by)
    lake.write(layout.cancel_request(experiment), request.model_dump_json().encode())
    return request


def retry(lake: Lake, experiment: str, by: str, cells: Iterable[Cell] = ()) -> Request:
    """Ask for failed cells once more (all of them where none is named), and take back a cancellation."""
    request = Request(by=by, cells=tuple(cell.key for cell in cells))
    lake.write(layout.retry_request(experiment), request.model_dump_json().encode())
    lake.delete(layout.cancel_request(experiment))
    return request


def resume(lake: Lake, experiment: str) -> None:
    """Take back a cancellation."""
    lake.delete(layout.cancel_request(experiment))


def cancellation(lake: Lake, experiment: str) -> Request | None:
    """The standing request to stop, if any."""
    return _read(lake, layout.cancel_request(experiment))


def retry_request(lake: Lake, experiment: str) -> Request | None:
    """The latest request for failed cells, honoured or not."""
    return _read(lake, layout.retry_request(experiment))


def _read(lake: Lake, path: str) -> Request | None:
    try:
        data = lake.read(path)
        request_id = _id_of_file(lake, path)
    except MissingError:
        return None
    try:
        # A request written by hand rarely has an id; without a lasting one it would count as new at every look.
        return Request.model_validate({"request_id": request_id, **json.loads(data)})
    except (ValueError, TypeError):
        # `retry, please` or an empty file still says that somebody asked.
        return Request(request_id=request_id, by="by hand")


def _id_of_file(lake: Lake, path: str) -> str:
    """Names this very writing of the file: written again, even with the same words, it is another request."""
    for entry in lake.find(path):
        return f"written-{entry.modified.isoformat()}"
    raise MissingError(f"Nothing lies at {lake.locate(path)}.")
