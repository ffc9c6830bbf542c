"""Which steps of a demo are done, and what came of each: one JSON file a step, written whole when the step has ended.

    <home>/journal/<step>.json

A step that was under way when the demo died is taken again; so each step must come to the same end however often it
is begun.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from tip_serving.lake.storage import Lake, MissingError

_Result = TypeVar("_Result", bound=BaseModel)


class Journal:
    """The journal of one demo.

    Args:
        home: of the demo.
    """

    def __init__(self, home: Path) -> None:
        self._files = Lake(str(home / "journal"))

    def once(self, step: str, kind: type[_Result], act: Callable[[], _Result]) -> _Result:
        """What came of `step`; `act` is called only where it is not done yet.

        Args:
            step: its name, a file name.
            kind: what it comes to.
            act: takes the step, from its beginning.
        """
        found = self.read(step, kind)
        if found is None:
            found = act()
            self._files.write(_file(step), found.model_dump_json().encode())
        return found

    def read(self, step: str, kind: type[_Result]) -> _Result | None:
        """What came of `step`; None where it is not done."""
        try:
            return kind.model_validate_json(self._files.read(_file(step)))
        except MissingError:
            return None


def _file(step: str) -> str:
    return f"{step}.json"
