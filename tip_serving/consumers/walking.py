"""Reading a stream from one end to the other without taking anything from those who consume it."""

from collections.abc import AsyncIterator

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

_AT_ONCE = 500
_WITHIN_S = 5.0
_FORGOTTEN_AFTER_S = 60.0


async def walk(context: JetStreamContext, stream: str) -> AsyncIterator[Msg]:
    """The messages that the stream holds when asked, in its order.

    Raises:
        nats.errors.Error: the broker is away or does not go on.
    """
    last = (await context.stream_info(stream)).state.last_seq
    config = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=_FORGOTTEN_AFTER_S)
    reader = await context.pull_subscribe(">", stream=stream, config=config)
    try:
        n_left = (await reader.consumer_info()).num_pending or 0
        while n_left:
            try:
                messages = await reader.fetch(min(_AT_ONCE, n_left), timeout=_WITHIN_S)
            except NatsTimeoutError:
                if not (n_left := (await reader.consumer_info()).num_pending or 0):
                    return  # what was left has been deleted meanwhile
                raise
            for message in messages:
                if message.metadata.sequence.stream > last:
                    return
                yield message
            n_left = messages[-1].metadata.num_pending
    finally:
        await reader.unsubscribe()
