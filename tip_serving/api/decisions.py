"""Opens the decision log of a worker: with JetStream where a broker is configured, on the local disk in any case."""

from collections.abc import Callable

from tip_serving.events.decision_log import Broker, DecisionLog
from tip_serving.events.event import Event
from tip_serving.settings import Settings


def open_log(chosen: Settings, listener: Callable[[Event], None]) -> DecisionLog:
    """The log as the settings want it, with somebody who hears of every event; whoever opens it closes it."""
    return DecisionLog(chosen.wal_directory, chosen.tip_event_queue, _broker(chosen), listener, chosen.tip_wal_rotate_s)


def _broker(chosen: Settings) -> Broker | None:
    if chosen.tip_nats_url is None:
        return None
    from tip_serving.api.jetstream import JetStream  # the client is loaded only where there is a broker

    return JetStream(chosen.tip_nats_url, chosen.tip_retention_days)
