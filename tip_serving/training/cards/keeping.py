"""Cards in the lake: `cards/<name>/<version>/card.json`, and beside it the same as Markdown and HTML for people.

Only the JSON is read back. Everything but the history is written once.
"""

from pydantic import ValidationError

from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake
from tip_serving.training.cards.card import Card, HistoryEntry
from tip_serving.training.cards.page import html, markdown

_ATTEMPTS = 20  # two who append at once: the second reads again


class CardError(ValueError):
    """A file that is no card."""


def read_card(lake: Lake, name: str, version: str) -> Card:
    """The card of a registered version.

    Raises:
        MissingError: there is none.
        CardError: the file holds something else; all faults.
    """
    path = layout.card(name, version, "json")
    return _parsed(lake.locate(path), lake.read(path))


def write_card(lake: Lake, card: Card) -> Card:
    """Keep a new card; one of this version that is there already stays with its history, and is what is returned."""
    path = layout.card(card.name, card.version, "json")
    try:
        lake.swap(path, card.model_dump_json(indent=2).encode(), expected=None)
    except ConflictError:
        card = read_card(lake, card.name, card.version)
    _render(lake, card.name, card.version)
    return card


def append_history(lake: Lake, name: str, version: str, entry: HistoryEntry) -> Card:
    """The card with one more thing that happened, kept in all its forms; what stands there already is not repeated.

    Raises:
        MissingError: there is no card.
        ConflictError: others kept writing to it.
    """
    path = layout.card(name, version, "json")
    for _ in range(_ATTEMPTS):
        found = lake.read_versioned(path)
        card = _parsed(lake.locate(path), found.data)
        if entry not in card.history:
            card = card.model_copy(update={"history": (*card.history, entry)})
            try:
                lake.swap(path, card.model_dump_json(indent=2).encode(), found.version)
            except ConflictError:
                continue
        _render(lake, name, version)
        return card
    raise ConflictError(f"{lake.locate(path)} was written by others {_ATTEMPTS} times while {entry.event} was added.")


def _parsed(where: str, data: bytes) -> Card:
    try:
        return Card.model_validate_json(data)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise CardError(f"{where} is no model card: {'; '.join(faults[:10])}") from None


def _render(lake: Lake, name: str, version: str) -> None:
    """Write the latest card for people; written meanwhile by somebody else, it is written again."""
    path = layout.card(name, version, "json")
    for _ in range(_ATTEMPTS):
        found = lake.read_versioned(path)
        card = _parsed(lake.locate(path), found.data)
        lake.write(layout.card(name, version, "md"), markdown(card).encode())
        lake.write(layout.card(name, version, "html"), html(card).encode())
        if lake.read_versioned(path).version == found.version:
            return
