"""Named sets of scenarios in the lake: a team's own lists, ready for a spec to ask for. One JSON file a set."""

import re
from collections.abc import Sequence

from pydantic import TypeAdapter

from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, MissingError
from tip_serving.scenarios.model import Scenario

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESERVED = "generated"
_SCENARIOS = TypeAdapter(list[Scenario])


class SetError(Exception):
    """A set that does not exist, exists already, or cannot have that name."""


def name_fault(name: str) -> str | None:
    """What is wrong with `name` as the name of a set, or None."""
    if name == _RESERVED:
        return f"{_RESERVED!r} is what the generator's scenarios are called; choose another name"
    if not _NAME.fullmatch(name):
        return f"{name!r:.80} must be up to 63 lower-case letters, digits and hyphens, beginning with no hyphen"
    return None


def load_set(lake: Lake, name: str) -> list[Scenario]:
    """The scenarios of the set. Raises SetError: there is none (naming those that there are), or it is damaged."""
    try:
        data = lake.read(layout.scenario_set(name))
    except MissingError:
        known = ", ".join(list_sets(lake)) or "none; `tip scenarios import` makes one"
        raise SetError(f"there is no scenario set {name!r:.80}; there are: {known}") from None
    try:
        return _SCENARIOS.validate_json(data)
    except ValueError as error:
        first = str(error).partition("\n")[0]
        raise SetError(f"the set {name!r} cannot be read ({first}); import it again with --replace") from None


def save_set(lake: Lake, name: str, scenarios: Sequence[Scenario], *, replace: bool = False) -> None:
    """Keep `scenarios` under `name`.

    Raises:
        SetError: the name cannot be one, or is taken and `replace` is not set.
    """
    fault = name_fault(name)
    if fault is not None:
        raise SetError(fault)
    data = _SCENARIOS.dump_json(list(scenarios), indent=1)
    if replace:
        lake.write(layout.scenario_set(name), data)
        return
    try:
        lake.swap(layout.scenario_set(name), data, None)
    except ConflictError:
        raise SetError(f"the set {name!r} exists; --replace puts these scenarios in its place") from None


def list_sets(lake: Lake) -> list[str]:
    """The names of all sets."""
    prefix = layout.SCENARIO_SETS + "/"
    return [
        layout.decode(entry.path.removeprefix(prefix).removesuffix(".json"))
        for entry in lake.find(layout.SCENARIO_SETS)
    ]
