"""Opens the decision log of a worker: with JetStream where a broker is configured, on the local disk in any case."""

from collections.abc import Callable

from tip_serving.events.decision_log import Broker, DecisionLog
from tip_serving.events.event import Event
from tip_serving.settings import Settings

Append = Callable[[Event], None]
"""How a route hands over an event: returns at once, raises nothing."""


def open_log(chosen: Settings) -> DecisionLog:
    """The log as the settings want it; whoever opens it closes it."""
    return DecisionLog(chosen.wal_directory, chosen.tip_event_queue, _broker(chosen))


def _broker(chosen: Settings) -> Broker | None:
    if chosen.tip_nats_url is None:
        return None
    from tip_serving.api.jetstream import JetStream  # the client is loaded only where there is a broker

    return JetStream(chosen.tip_nats_url, chosen.tip_retention_days)
