"""The streams in which a broker keeps events, as data; who creates them reads them here."""

from typing import NamedTuple


class StreamDeclaration(NamedTuple):
    """One durable stream and what flows into it. A message id seen again within the window is stored once."""

    name: str
    subjects: tuple[str, ...]
    meaning: str
    duplicate_window_s: float


STREAMS = (
    StreamDeclaration("TIP_EXPOSURES", ("exposures.>",), "what was decided for whom", 600.0),
    StreamDeclaration("TIP_FEEDBACK", ("feedback.>",), "how people took it", 600.0),
    StreamDeclaration("TIP_SIGNALS", ("signals.>",), "what people did", 600.0),
)

DEAD_LETTERS = StreamDeclaration("TIP_DEAD", ("dead.>",), "messages that are no event, with the reason", 600.0)
CONSUMER = "tip-event-store"  # the durable that brings each stream into the event store
